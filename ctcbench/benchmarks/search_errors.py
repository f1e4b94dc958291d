"""Search errors: how often a decoder misses the most probable labelling, which is known with a proof."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import BLANK
from ctcbench.decoding import best_labelling, score_labellings
from ctcbench.evaluation.confidence_intervals import wilson
from ctcbench.evaluation.seed_statistics import Interval
from ctcbench.pipeline.decoding_stage import build_decoder
from ctcbench.registry.component_registry import Registry

# Below this difference two log-probabilities count as equal: rounding is much smaller, and so are ties.
_EQUAL = 1e-9


@dataclass(frozen=True)
class DecoderErrors:
    """The search errors of one decoder.

    Attributes:
        decoder: component string.
        errors: number of images whose labelling has a lower exact probability than the proven best.
        rate: share of the proven images.
        interval: its 95 % interval (Wilson 1927).
        lost: mean over the errors of the difference of the log-probabilities; 0 without errors.
    """

    decoder: str
    errors: int
    rate: float
    interval: Interval
    lost: float


@dataclass(frozen=True)
class SearchErrors:
    """The search errors of several decoders on the same log-probabilities.

    Attributes:
        images: number of images.
        proven: number of images whose most probable labelling is proven; the others are not counted.
        proofs: number of images by what proved them, as `ctcbench.decoding.BestLabelling.proof`.
        largest_gap: the largest gap of an image without a proof; 0 if there is none.
        decoders: one entry for each decoder that searches the most probable labelling.
        left_out: the other decoders, and what each searches.
    """

    images: int
    proven: int
    proofs: Mapping[str, int]
    largest_gap: float
    decoders: tuple[DecoderErrors, ...]
    left_out: Mapping[str, str]


def find_search_errors(
    registry: Registry,
    log_probs: LogProbs,
    decoders: Sequence[str],
    *,
    nodes: int,
    progress: Callable[[str], None] = lambda what: None,
) -> SearchErrors:
    """Compare the labelling of each decoder with the most probable one, by exact log-probabilities.

    Raises:
        UsageError: there are no images, no image has a proof, a decoder refuses its options, or each searches
            something else.
        PluginError: a decoder failed.
    """
    if not len(log_probs):
        raise UsageError("no images to decode")
    built = [build_decoder(registry, decoder, log_probs.alphabet) for decoder in decoders]
    # Their best text can be another one, and a difference would count as an error of the search.
    objectives = {decoder: one.objective for decoder, one in zip(decoders, built, strict=True)}
    left_out = {decoder: objective for decoder, objective in objectives.items() if objective is not None}
    if len(left_out) == len(decoders):
        what = "; ".join(f"{decoder} searches {objective}" for decoder, objective in left_out.items())
        raise UsageError(f"{what}, not the most probable labelling of all; give another --decoder")
    progress("most probable labellings")
    best = best_labelling(log_probs.values_NTK, log_probs.lengths_N, nodes=nodes, blank=BLANK)
    proven = [n for n, labelling in enumerate(best) if labelling.optimal]
    if not proven:
        raise UsageError(f"no image has a proof with {nodes} nodes; try more")
    rows = []
    for decoder, one in zip(decoders, built, strict=True):
        if decoder in left_out:
            continue
        progress(decoder)
        hypotheses, _ = one.decode(log_probs)
        scores = score_labellings(
            log_probs.values_NTK,
            [[hypothesis.labels] for hypothesis in hypotheses],
            log_probs.lengths_N,
            blank=BLANK,
        )
        lost = [best[n].log_prob - float(scores[n][0]) for n in proven]
        errors = [difference for difference in lost if difference > _EQUAL]
        mean = sum(errors) / len(errors) if errors else 0.0
        interval = wilson(len(errors), len(proven))
        rows.append(DecoderErrors(decoder, len(errors), len(errors) / len(proven), interval, mean))
    return SearchErrors(
        images=len(best),
        proven=len(proven),
        proofs=dict(Counter(labelling.proof for labelling in best)),
        largest_gap=max(labelling.gap for labelling in best),
        decoders=tuple(rows),
        left_out=left_out,
    )
