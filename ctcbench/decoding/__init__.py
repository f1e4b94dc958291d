"""CTC decoders and exact scores in C++, and best path decoding. Needs no package but numpy.

>>> best = beam_search(log_probs_TK, beam_width=25)[0]
>>> best.labels, best.log_prob, best.frames
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# For type checkers and editors, which do not execute `__getattr__`; the names are those of _HOMES.
if TYPE_CHECKING:
    from .bayes_risk import RiskChoice, minimum_bayes_risk
    from .beam import BeamArrays, beam_search, beam_search_arrays
    from .beam_stream import BeamSearchStream
    from .constraints.automaton import Automaton
    from .expected_errors import expected_edit_distance
    from .forced_alignment import Alignment, CharacterSpan, align
    from .greedy import greedy_search
    from .hypothesis import Hypothesis
    from .labelling_scores import ScoredHypothesis, rescore, score_labellings
    from .lm.arpa_reader import read_arpa
    from .lm.arpa_writer import write_arpa
    from .lm.hotwords import Hotwords
    from .lm.kneser_ney import train_kneser_ney
    from .lm.language_model import LanguageModel
    from .lm.model_reader import read_ngram_model
    from .lm.ngram_model import NgramModel
    from .most_probable import BestLabelling, best_labelling
    from .user_errors import CtcbenchError, InputError, UsageError

# Of ctcbench and of ctcbench-decoder, which have one version.
__version__ = "0.1.0"

# Loaded at first use: ctcbench imports the errors from here, and `ctcbench --help` must not wait for numpy.
_HOMES = {
    "bayes_risk": ("RiskChoice", "minimum_bayes_risk"),
    "beam": ("BeamArrays", "beam_search", "beam_search_arrays"),
    "beam_stream": ("BeamSearchStream",),
    "constraints.automaton": ("Automaton",),
    "expected_errors": ("expected_edit_distance",),
    "forced_alignment": ("Alignment", "CharacterSpan", "align"),
    "greedy": ("greedy_search",),
    "hypothesis": ("Hypothesis",),
    "labelling_scores": ("ScoredHypothesis", "rescore", "score_labellings"),
    "lm.arpa_reader": ("read_arpa",),
    "lm.arpa_writer": ("write_arpa",),
    "lm.hotwords": ("Hotwords",),
    "lm.kneser_ney": ("train_kneser_ney",),
    "lm.language_model": ("LanguageModel",),
    "lm.model_reader": ("read_ngram_model",),
    "lm.ngram_model": ("NgramModel",),
    "most_probable": ("BestLabelling", "best_labelling"),
    "user_errors": ("CtcbenchError", "InputError", "UsageError"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Alignment",
    "Automaton",
    "BeamArrays",
    "BeamSearchStream",
    "BestLabelling",
    "CharacterSpan",
    "CtcbenchError",
    "Hotwords",
    "Hypothesis",
    "InputError",
    "LanguageModel",
    "NgramModel",
    "RiskChoice",
    "ScoredHypothesis",
    "UsageError",
    "align",
    "beam_search",
    "beam_search_arrays",
    "best_labelling",
    "expected_edit_distance",
    "greedy_search",
    "minimum_bayes_risk",
    "read_arpa",
    "read_ngram_model",
    "rescore",
    "score_labellings",
    "train_kneser_ney",
    "write_arpa",
]


def __getattr__(name: str) -> Any:
    if name == "_core":  # `from . import _core` of any module asks here first
        from .extension_loading import load_extension

        return load_extension(__name__, name)
    # `from … import name` and `hasattr` expect this class of error.
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME_OF[name]}", __name__), name)
    # From now on an ordinary attribute: `__getattr__` is called for missing ones only.
    globals()[name] = value
    return value


# Without it, dir() and tab completion would miss the names that are not loaded yet.
def __dir__() -> list[str]:
    return sorted(__all__)
