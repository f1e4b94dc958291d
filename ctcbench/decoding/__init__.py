"""CTC decoders: prefix beam search in C++ and best path decoding. Needs no package but numpy.

>>> from ctcbench.decoding import beam_search
>>> best = beam_search(log_probs_TK, beam_width=25)[0]
>>> best.labels, best.log_prob, best.frames
"""

from ctcbench.contract.hypothesis import Hypothesis
from ctcbench.decoding.beam import BeamArrays, beam_search, beam_search_arrays
from ctcbench.decoding.greedy import greedy_search

__all__ = ["BeamArrays", "Hypothesis", "beam_search", "beam_search_arrays", "greedy_search"]
