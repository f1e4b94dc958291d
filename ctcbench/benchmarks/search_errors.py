"""Search errors: how often a decoder misses the most probable labelling, which is known with a proof."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import BLANK
from ctcbench.decoding import BestLabelling, best_labelling, score_labellings
from ctcbench.decoding.hypothesis import Hypothesis
from ctcbench.evaluation.confidence_intervals import wilson
from ctcbench.evaluation.seed_statistics import Interval
from ctcbench.pipeline.built_decoder import BuiltDecoder, build_decoder
from ctcbench.registry.component_registry import Registry

if TYPE_CHECKING:
    from ctcbench.decoding import Automaton

# Below this difference two log-probabilities count as equal: rounding is much smaller, and so are ties.
_EQUAL = 1e-9


@dataclass(frozen=True)
class Optima:
    """What is known of the most probable labellings of all images.

    Attributes:
        within_constraint: whether they are those of the labellings that a constraint accepts.
        proven: number of images whose most probable labelling is proven; the others are not counted.
        proofs: number of images by what proved them, as `ctcbench.decoding.BestLabelling.proof`; for
            `"nothing accepted"` there is no labelling, and no error.
        largest_gap: the largest gap of an image without a proof; 0 if there is none. None if not even a
            labelling is known.
    """

    within_constraint: bool
    proven: int
    proofs: Mapping[str, int]
    largest_gap: float | None


@dataclass(frozen=True)
class DecoderErrors:
    """The search errors of one decoder.

    Attributes:
        decoder: component string.
        errors: number of images whose labelling has a lower exact probability than the proven best, or is
            none that the constraint accepts.
        rate: share of the proven images.
        interval: its 95 % interval (Wilson 1927).
        lost: mean of the difference of the log-probabilities, over the errors with a labelling that is
            accepted; 0 without any.
        optima: what the labellings were compared with.
    """

    decoder: str
    errors: int
    rate: float
    interval: Interval
    lost: float
    optima: Optima


@dataclass(frozen=True)
class SearchErrors:
    """The search errors of several decoders on the same log-probabilities.

    Attributes:
        images: number of images.
        decoders: one entry for each decoder that searches the most probable labelling, of all or within a
            constraint.
        left_out: the other decoders, and what each searches.
    """

    images: int
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

    A decoder with a constraint is compared with the most probable labelling that the constraint accepts.

    Raises:
        UsageError: there are no images, no image has a proof, a decoder refuses its options, or each searches
            something else.
        PluginError: a decoder failed.
    """
    if not len(log_probs):
        raise UsageError("no images to decode")
    built = [build_decoder(registry, decoder, log_probs.alphabet) for decoder in decoders]
    # Their best text can be another one, and a difference would count as an error of the search.
    left_out = {
        decoder: one.objective
        for decoder, one in zip(decoders, built, strict=True)
        if one.objective is not None and _constraint(one) is None
    }
    if len(left_out) == len(set(decoders)):
        what = "; ".join(f"{decoder} searches {objective}" for decoder, objective in left_out.items())
        raise UsageError(f"{what}, not the most probable labelling; give another --decoder")
    known: dict[object, _Known] = {}
    rows = []
    for decoder, one in zip(decoders, built, strict=True):
        if decoder in left_out:
            continue
        constraint = _constraint(one)
        key = _key(constraint)
        if key not in known:
            within = "" if constraint is None else f" within the constraint of {decoder}"
            progress(f"most probable labellings{within}")
            known[key] = _find_best(decoder, constraint, log_probs, nodes)
        progress(decoder)
        hypotheses, _ = one.decode(log_probs)
        rows.append(_errors(decoder, constraint, known[key], hypotheses, log_probs))
    return SearchErrors(images=len(log_probs), decoders=tuple(rows), left_out=left_out)


def _constraint(decoder: BuiltDecoder) -> Automaton | None:
    """Return what accepts the labelling, if a decoder searches the most probable one that it accepts."""
    return getattr(decoder.search, "constraint", None)


def _key(constraint: Automaton | None) -> object:
    """Return equal keys for equal constraints, which decoders with different widths have."""
    if constraint is None:
        return None
    arrays = (constraint.accepting, constraint.offsets, constraint.labels, constraint.targets)
    return constraint.start, *(array.tobytes() for array in arrays)


@dataclass(frozen=True)
class _Known:
    """The most probable labellings of all images, and the images for which they are proven."""

    best: Sequence[BestLabelling]
    proven: Sequence[int]
    optima: Optima


def _find_best(decoder: str, constraint: Automaton | None, log_probs: LogProbs, nodes: int) -> _Known:
    best: list[BestLabelling] = best_labelling(
        log_probs.values_NTK, log_probs.lengths_N, nodes=nodes, blank=BLANK, guide=constraint
    )
    proven = [n for n, one in enumerate(best) if one.optimal and one.log_prob > -math.inf]
    if not proven and constraint is not None and all(one.optimal for one in best):
        raise UsageError(f"{decoder}: no text that its options permit is possible in any image")
    if not proven:
        raise UsageError(f"no image has a proof with {nodes} nodes; try more")
    gap = max(one.gap for one in best)
    optima = Optima(
        within_constraint=constraint is not None,
        proven=len(proven),
        proofs=dict(Counter(one.proof for one in best)),
        largest_gap=gap if gap < math.inf else None,
    )
    return _Known(best, proven, optima)


def _errors(
    decoder: str,
    constraint: Automaton | None,
    known: _Known,
    hypotheses: Sequence[Hypothesis],
    log_probs: LogProbs,
) -> DecoderErrors:
    scores = score_labellings(
        log_probs.values_NTK, [[one.labels] for one in hypotheses], log_probs.lengths_N, blank=BLANK
    )
    lost = []
    for n in known.proven:
        found = hypotheses[n].log_prob != -math.inf  # NaN: the decoder knows none
        accepted = found and (constraint is None or constraint.accepts(hypotheses[n].labels))
        lost.append(known.best[n].log_prob - float(scores[n][0]) if accepted else math.inf)
    errors = [difference for difference in lost if difference > _EQUAL]
    finite = [difference for difference in errors if difference < math.inf]
    return DecoderErrors(
        decoder,
        errors=len(errors),
        rate=len(errors) / len(known.proven),
        interval=wilson(len(errors), len(known.proven)),
        lost=sum(finite) / len(finite) if finite else 0.0,
        optima=known.optima,
    )
