"""Checks of what decoders return."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Real

from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import PluginError
from ctcbench.decoding import BestLabelling
from ctcbench.decoding.hypothesis import Hypothesis


def require_hypotheses(owner: str, hypotheses: Sequence[object], log_probs: LogProbs) -> None:
    """Check what a decoder returned for `log_probs` of N images.

    Raises:
        PluginError: there are not N hypotheses, a label is not a class from 1 to K − 1, or a `log_prob` is no
            number.
    """
    if len(hypotheses) != len(log_probs):
        raise PluginError(f"{owner}: {len(hypotheses)} hypotheses for {len(log_probs)} images")
    for image, hypothesis in enumerate(hypotheses):
        _require_hypothesis(owner, image, hypothesis, log_probs.alphabet.num_classes)


def require_n_best(owner: str, found: Sequence[Sequence[object]], log_probs: LogProbs) -> None:
    """Check the lists of hypotheses that a decoder returned for `log_probs` of N images.

    Raises:
        PluginError: there are not N lists, or one has something else than a hypothesis of classes 1 to K − 1.
    """
    if len(found) != len(log_probs):
        raise PluginError(f"{owner}: {len(found)} lists of hypotheses for {len(log_probs)} images")
    for image, hypotheses in enumerate(found):
        for hypothesis in hypotheses:
            _require_hypothesis(owner, image, hypothesis, log_probs.alphabet.num_classes)


def require_proofs(owner: str, found: Sequence[object], log_probs: LogProbs) -> None:
    """Check what ``with_proofs`` of a decoder returned for `log_probs` of N images.

    Raises:
        PluginError: there are not N `BestLabelling`, a label is not a class from 1 to K − 1, or a `gap` is
            negative or NaN, or not 0 where the labelling is `optimal`.
    """
    if len(found) != len(log_probs):
        raise PluginError(f"{owner}: {len(found)} labellings with proofs for {len(log_probs)} images")
    for image, best in enumerate(found):
        if not isinstance(best, BestLabelling):
            raise PluginError(
                f"{owner}: for image {image} with_proofs returned {type(best).__name__}, not a "
                "ctcbench.decoding.BestLabelling"
            )
        _require_labels(owner, image, best.labels, log_probs.alphabet.num_classes)
        _require_number(owner, image, "gap", best.gap)
        # Not `best.gap < 0`, which NaN passes.
        if not best.gap >= 0 or (best.optimal and best.gap > 0):
            raise PluginError(
                f"{owner}: for image {image} optimal={best.optimal} and gap={best.gap}; a gap is 0 or more, "
                "and 0 with a proof"
            )


def _require_hypothesis(owner: str, image: int, hypothesis: object, num_classes: int) -> None:
    if not isinstance(hypothesis, Hypothesis):
        raise PluginError(
            f"{owner}: for image {image} it returned {type(hypothesis).__name__}, not a ctcbench.Hypothesis"
        )
    _require_labels(owner, image, hypothesis.labels, num_classes)
    _require_number(owner, image, "log_prob", hypothesis.log_prob)


def _require_number(owner: str, image: int, name: str, value: object) -> None:
    if not isinstance(value, Real):
        unknown = "; math.nan says that it is not known" if name == "log_prob" else ""
        raise PluginError(f"{owner}: {name}={value!r} for image {image} is not a number{unknown}")


def _require_labels(owner: str, image: int, labels: Sequence[int], num_classes: int) -> None:
    if not isinstance(labels, Iterable):
        raise PluginError(f"{owner}: labels={labels!r} for image {image} is no sequence of whole numbers")
    for label in labels:
        # `Alphabet.decode` looks up label − 1: a blank would become the last character.
        if not isinstance(label, Integral) or not 0 < label < num_classes:
            raise PluginError(
                f"{owner}: label {label!r} for image {image}; labels are whole numbers from 1 to "
                f"{num_classes - 1}, without blanks"
            )
