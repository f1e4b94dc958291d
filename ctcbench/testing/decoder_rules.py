"""Rules for decoders: one valid hypothesis for each image, computed from the frames that count."""

from __future__ import annotations

import dataclasses
import itertools
import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import BLANK
from ctcbench.decoding import BestLabelling
from ctcbench.decoding.hypothesis import Hypothesis
from ctcbench.testing.case import Case, Rule
from ctcbench.testing.synthetic_log_probs import confident_of, part, texts_for, uncertain, with_lengths

_FRAMES = 12
# Full ones, a single frame, and no order: a decoder may neither sort images nor read past their ends.
_LENGTHS = (12, 9, 1, 7, 12, 3)


def returns_one_hypothesis_per_image(case: Case) -> None:
    """For N images it returns a list of N hypotheses: labels, log_prob, frames."""
    for count in (len(_LENGTHS), 1):
        _decode(case, part(_uncertain(case), 0, count))


def returns_labels_of_the_alphabet(case: Case) -> None:
    """Labels are whole numbers from 1 to K − 1; blanks are dropped, and K is not a class."""
    for hypothesis in _decode(case, _uncertain(case)):
        sound = all(
            # numpy's integers are no `int`.
            isinstance(label, int | np.integer) and BLANK < label < case.alphabet.num_classes
            for label in hypothesis.labels
        )
        rule = f"labels must be classes from 1 to {case.alphabet.num_classes - 1}, no blank (0) among them"
        case.require(sound, rule, hypothesis.labels, "drop blanks, and check for offsets of one")


def returns_rising_frames(case: Case) -> None:
    """Frames: one for each label, strictly rising, within the length of the image; or () if not known."""
    for hypothesis, length in zip(_decode(case, _uncertain(case)), _LENGTHS, strict=True):
        frames = hypothesis.frames
        whole = all(isinstance(frame, int | np.integer) for frame in frames)
        rising = whole and all(a < b for a, b in itertools.pairwise((-1, *frames, length)))
        sound = not frames or (len(frames) == len(hypothesis.labels) and rising)
        rule = f"frames must be one per label, strictly rising, below {length} (or () if not known)"
        case.require(sound, rule, frames, "name the frame in which each character is most probable")


def returns_a_log_probability(case: Case) -> None:
    """log_prob is a natural logarithm, at most 0; NaN if the decoder does not compute it."""
    for hypothesis in _decode(case, _uncertain(case)):
        rule = "log_prob must be a natural logarithm, at most 0 (or NaN if the decoder has none)"
        # Sums in float32 can exceed 0 by rounding. With `not … >`, NaN passes.
        sound = isinstance(hypothesis.log_prob, numbers.Real) and not hypothesis.log_prob > 1e-3
        case.require(sound, rule, hypothesis.log_prob, "return its logarithm")


def decodes_confident_frames(case: Case) -> None:
    """If every frame is confident, doubled characters included, all decoders return the same text.

    With CTC, two frames of a character without a blank between them are one character.
    """
    by_ctc, texts = case.component.alignment == "ctc", texts_for(case.alphabet)
    _require_texts(case, confident_of(case.alphabet, texts, _FRAMES, case.component.alignment), texts)
    if by_ctc:
        # The frames of a fixed alignment have no blanks between characters: CTC merges equal ones.
        merged = ["".join(character for character, _ in itertools.groupby(text)) for text in texts]
        _require_texts(case, confident_of(case.alphabet, texts, _FRAMES, "fixed"), merged)


def ignores_frames_that_do_not_count(case: Case) -> None:
    """Frames past the length of an image do not change the result."""
    read = _uncertain(case)
    values_NTK = read.values_NTK.copy()
    for row_TK, length in zip(values_NTK, _LENGTHS, strict=True):
        # Rolled by a class: every frame keeps the form of log-probabilities.
        row_TK[length:] = np.roll(row_TK[length:], 1, axis=-1)
    one, other = _labels(case, read), _labels(case, dataclasses.replace(read, values_NTK=values_NTK))
    _require_same(
        case, one, other, "frames past lengths_N must not change the labels", "read lengths_N frames alone"
    )


def decodes_empty_input(case: Case) -> None:
    """Without images the list is empty; an image without frames has an empty labelling."""
    read = _uncertain(case)
    _decode(case, part(read, 0, 0))
    for what, empty in (
        ("T = 0", part(read, 0, 2, frames=0)),
        ("an image of 0 frames", with_lengths(part(read, 0, 2), (0, 0))),
    ):
        found = _labels(case, empty)
        rule, remedy = (
            f"{what} must result in an empty labelling for each image",
            "return Hypothesis((), 0.0, ())",
        )
        case.require(found == [(), ()], rule, found, remedy)


def computes_each_image_independently(case: Case) -> None:
    """The hypothesis of an image does not depend on the other images of the batch."""
    read = _uncertain(case)
    alone = [_labels(case, part(read, n, n + 1))[0] for n in range(len(read))]
    _require_same(
        case,
        _labels(case, read),
        alone,
        "an image must be decoded the same alone as in a batch",
        "keep no state",
    )


def is_deterministic(case: Case) -> None:
    """Decoding is deterministic."""
    read = _uncertain(case)
    # One decoder for both calls: state that it keeps would change the second one.
    decoder = case.build()
    one, other = ([h.labels for h in _hypotheses(case, decoder, read)] for _ in range(2))
    _require_same(
        case,
        one,
        other,
        "the same log-probabilities must have the same labels",
        "use no random numbers, and keep no state",
    )


def does_not_modify_its_input(case: Case) -> None:
    """The log-probabilities are not modified: they may be mapped from a file."""
    read = _uncertain(case)
    before = read.values_NTK.copy()
    _decode(case, read)
    rule, remedy = "log-probabilities must not be changed", "work on a copy"
    case.require(np.array_equal(before, read.values_NTK), rule, "other values", remedy)
    # A second time with a read-only array, as one that is mapped from a file: writing and restoring fails.
    read.values_NTK.flags.writeable = False
    _decode(case, read)


def never_returns_impossible_classes(case: Case) -> None:
    """A class of log-probability −inf is never returned."""
    read = _uncertain(case)
    read.values_NTK[..., 1] = -np.inf
    for labels in _labels(case, read):
        rule = "a class of log-probability -inf must not be returned"
        case.require(1 not in labels, rule, f"class 1 in {labels}", "skip classes of probability zero")


def proves_its_own_labellings(case: Case) -> None:
    """with_proofs, if the decoder has it, returns a BestLabelling with the labels of each hypothesis."""
    read, decoder = _uncertain(case), case.build()
    if not hasattr(decoder, "with_proofs"):
        return
    found = case.attempt("prove labellings", lambda: list(decoder.with_proofs(read)))
    sound = all(isinstance(best, BestLabelling) for best in found)
    case.require(
        sound,
        "with_proofs must return a list of BestLabelling",
        f"{found[:1]}",
        "import it from ctcbench.decoding",
    )
    for best in found:
        rule = "gap must be 0 with a proof (optimal), and at least 0 without one"
        # With `not … >=`, NaN fails.
        sound = best.gap == 0 if best.optimal else best.gap >= 0
        case.require(sound, rule, best, "use math.inf for a gap that is not known")
    one, other = [h.labels for h in _hypotheses(case, decoder, read)], [best.labels for best in found]
    rule, remedy = "with_proofs must return the labels of the call", "call the same search"
    case.require(len(one) == len(other), rule, f"{len(other)} labellings for {len(one)} images", remedy)
    _require_same(case, one, other, rule, remedy)


def _uncertain(case: Case) -> LogProbs:
    return with_lengths(uncertain(case.alphabet, len(_LENGTHS), _FRAMES), _LENGTHS)


def _decode(case: Case, read: LogProbs) -> list[Hypothesis]:
    return _hypotheses(case, case.build(), read)


def _hypotheses(case: Case, decoder: Any, read: LogProbs) -> list[Hypothesis]:
    """Return the decoder's hypotheses for `read`, one for each image."""
    shape = read.values_NTK.shape
    found = case.attempt(f"decode log-probabilities of shape {shape}", lambda: list(decoder(read)))
    rule, remedy = (
        f"for {shape[0]} images it must return a list of {shape[0]} hypotheses",
        "return one for each image",
    )
    case.require(len(found) == shape[0], rule, len(found), remedy)
    for hypothesis in found:
        case.require(
            isinstance(hypothesis, Hypothesis)
            and isinstance(hypothesis.labels, tuple)
            and isinstance(hypothesis.frames, tuple),
            "each result must be a Hypothesis(labels tuple, log_prob, frames tuple)",
            repr(hypothesis)[:80],
            "import it from ctcbench, make labels a tuple, and use () for frames that are not known",
        )
    return found


def _require_texts(case: Case, read: LogProbs, texts: Sequence[str]) -> None:
    by_ctc = case.component.alignment == "ctc"
    for values_TK, text, found in zip(read.values_NTK, texts, _decode(case, read), strict=True):
        # A label outside the alphabet can't be shown as text; the message then has the labels.
        sound = all(label in range(case.alphabet.num_classes) for label in found.labels)
        decoded = case.alphabet.decode(label for label in found.labels if label) if sound else found.labels
        case.require(
            tuple(found.labels) == case.alphabet.encode(text),
            f"frames confident of {case.alphabet.path(values_TK.argmax(-1))!r} must be decoded as {text!r}"
            + (", as `beam` does" if by_ctc else ""),
            repr(decoded),
            ("merge repeats first, then drop blanks" if by_ctc else "merge nothing, and drop blanks")
            + "; class 0 is the blank",
        )


def _labels(case: Case, read: LogProbs) -> list[tuple[int, ...]]:
    return [hypothesis.labels for hypothesis in _decode(case, read)]


def _require_same(
    case: Case, one: list[tuple[int, ...]], other: list[tuple[int, ...]], rule: str, remedy: str
) -> None:
    differing = [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]]
    case.require(not differing, rule, f"{differing[:1]}", remedy)


RULES: tuple[Rule, ...] = (
    returns_one_hypothesis_per_image,
    returns_labels_of_the_alphabet,
    returns_rising_frames,
    returns_a_log_probability,
    decodes_confident_frames,
    ignores_frames_that_do_not_count,
    decodes_empty_input,
    computes_each_image_independently,
    is_deterministic,
    does_not_modify_its_input,
    never_returns_impossible_classes,
    proves_its_own_labellings,
)
