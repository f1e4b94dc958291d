"""Random log-probabilities of many kinds, and the comparison of the results of two decoders."""

from typing import NamedTuple

import numpy as np

from ctcbench.decoding.softmax import log_softmax

KINDS = (
    "peaky",
    "noisy",
    "flat",
    "nearly flat",
    "ties",
    "repeats",
    "minus infinity",
    "unnormalised",
    "underflow",
)


class Case(NamedTuple):
    kind: str
    log_probs_TK: np.ndarray
    beam_width: int
    blank: int


def log_probs_of(kind, rng, num_frames, num_classes):
    shape = (num_frames, num_classes)
    normal = rng.normal(size=shape)
    if kind == "peaky":
        return log_softmax(8 * normal)
    if kind == "noisy":
        return log_softmax(2 * normal)
    if kind == "flat":
        return np.full(shape, -np.log(num_classes))
    if kind == "nearly flat":  # differences of float32's rounding and less
        return -np.log(num_classes) + rng.choice([0.0, 1e-14, 1e-9, 1e-7], size=shape) - 1e-6
    if kind == "ties":
        return np.log(rng.choice([0.125, 0.25, 0.5], size=shape))
    if kind == "repeats":  # two classes dominate: many repeated labels and merged alignments
        return log_softmax(normal + 3.0 * (np.arange(num_classes) < 2))
    if kind == "minus infinity":
        values = np.where(
            rng.random(shape) < 0.6, rng.choice([-np.inf, -1e30], size=shape), log_softmax(normal)
        )
        values[np.arange(num_frames), rng.integers(num_classes, size=num_frames)] = -0.7
        return values
    if kind == "unnormalised":
        return -np.abs(rng.normal(size=shape)) * rng.choice([0.01, 1.0, 30.0])
    assert kind == "underflow"
    return -rng.random(shape) * rng.choice([1e3, 1e5])


def random_case(seed):
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    num_classes = int(rng.choice([1, 2, 3, 4, 6], p=[0.02, 0.28, 0.3, 0.2, 0.2]))
    num_frames = int(rng.choice([0, 1, 2, 3, 5, 8, 12], p=[0.01, 0.09, 0.1, 0.2, 0.2, 0.2, 0.2]))
    values = log_probs_of(kind, rng, num_frames, num_classes).astype(rng.choice(["f4", "f8"]))
    return Case(kind, values, int(rng.choice([1, 2, 3, 5, 8, 25])), int(rng.integers(num_classes)))


def assert_same(got, expected, context=""):
    """Assert equal labels and frames, and scores that agree to 1e-9."""
    assert [h.labels for h in got] == [h.labels for h in expected], context
    assert [h.frames for h in got] == [h.frames for h in expected], context
    for a, b in zip(got, expected, strict=True):
        assert abs(a.log_prob - b.log_prob) <= 1e-9 * max(1.0, abs(b.log_prob)), context
