"""score(): predictions beside targets, as accuracies, edit distances and their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.evaluation.confidence_intervals import RESAMPLES, SEED, bootstrap_mean, bootstrap_ratio, wilson
from ctcbench.evaluation.score import Score

# Outlines that are one and the same but for their size, which a captcha draws at random. Left out on
# purpose: kK, pP, uU, yY, which differ by a stroke or its length, so that the folded share stays a
# statement about what cannot be told apart and not about what is merely hard.
LOOKALIKES = ("0Oo", "1Il", "cC", "sS", "vV", "wW", "xX", "zZ")
COLLAPSED_SHARE = 0.99

_FOLD = str.maketrans({character: group[0] for group in LOOKALIKES for character in group})


def score(
    predictions: Sequence[str],
    targets: Sequence[str],
    split: SplitName,
    *,
    blank_probability: float | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Score:
    """Return what `predictions` are worth beside `targets`, image by image.

    Shares of images have Wilson's interval (1927), ``char_accuracy``, ``edit_distance`` and ``cer``
    the bootstrap's over images (Efron 1979; `resamples` draws seeded with `seed`), all at 95 %.

    Args:
        predictions: one text an image, as decoded.
        targets: the true texts, in the same order.
        split: the name the score bears.
        blank_probability: recorded as it is (`collapse.blank_probability` has it from log-probs).
        resamples: how many draws the bootstrap makes.
        seed: of the bootstrap.

    Raises:
        UsageError: no images, or no target with a character in it.
        ValueError: not as many predictions as targets.
    """
    if len(predictions) != len(targets):
        raise ValueError(f"{len(predictions)} predictions, but {len(targets)} targets")
    if not targets:
        raise UsageError(f"split {split!r} has no images: there is nothing to score")
    lengths_N = np.array([len(target) for target in targets], dtype=np.int64)
    if not lengths_N.any():
        raise UsageError(f"split {split!r}: every target is empty: there is nothing to score")
    pairs = list(zip(predictions, targets, strict=True))
    images = len(pairs)
    exact = sum(p == t for p, t in pairs)
    caseless = sum(p.casefold() == t.casefold() for p, t in pairs)
    folded = sum(fold(p) == fold(t) for p, t in pairs)
    agreements_N = np.array([char_accuracy(p, t) for p, t in pairs])
    edits_N = edit_distances(predictions, targets)
    return Score(
        split=split,
        images=images,
        exact=exact / images,
        exact_ci=wilson(exact, images),
        exact_caseless=caseless / images,
        exact_caseless_ci=wilson(caseless, images),
        exact_folded=folded / images,
        exact_folded_ci=wilson(folded, images),
        char_accuracy=float(agreements_N.mean()),
        char_accuracy_ci=bootstrap_mean(agreements_N, resamples=resamples, seed=seed),
        edit_distance=float(edits_N.mean()),
        edit_distance_ci=bootstrap_mean(edits_N, resamples=resamples, seed=seed),
        cer=float(edits_N.sum() / lengths_N.sum()),
        cer_ci=bootstrap_ratio(edits_N, lengths_N, resamples=resamples, seed=seed),
        empty_outputs=sum(not p for p in predictions) / images,
        mean_length=sum(map(len, predictions)) / images,
        collapsed=has_collapsed(predictions, targets),
        blank_probability=blank_probability,
    )


def fold(text: str) -> str:
    """Return `text` with every character that looks like another replaced by the first of its group."""
    return text.translate(_FOLD)


def char_accuracy(prediction: str, target: str) -> float:
    """Return the talk's accuracy of one text: agreeing positions over the target's length.

    Positions count from the left, so one character too many at the front can make it 0 (Cheliotis
    2025); characters past the target's end cost nothing. Over a split this is averaged an image at a
    time (macro), which for texts of one length is the same as over all characters. An empty target
    is matched, 1.0, by an empty prediction alone.
    """
    if not target:
        return 0.0 if prediction else 1.0
    return sum(p == t for p, t in zip(prediction, target, strict=False)) / len(target)


def edit_distances(predictions: Sequence[str], targets: Sequence[str]) -> NDArray[np.int64]:
    """Return the Levenshtein distance (1966) of every pair: insertions, deletions, substitutions, 1 each."""
    pairs = zip(predictions, targets, strict=True)
    return np.array([Levenshtein.distance(p, t) for p, t in pairs], dtype=np.int64)


def has_collapsed(predictions: Sequence[str], targets: Sequence[str]) -> bool:
    """Return whether the recogniser ignores its images.

    It does where at least 99 % of its outputs are empty, or where all of them are the same text
    though the targets differ. (A single image that is read as something can't show a collapse.)
    """
    empty = sum(not prediction for prediction in predictions)
    if empty >= COLLAPSED_SHARE * len(predictions):
        return any(targets)
    return len(set(predictions)) == 1 and len(set(targets)) > 1
