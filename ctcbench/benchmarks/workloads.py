"""Synthetic log-probabilities for decoder benchmarks, similar to those of trained recognisers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.contract.specs import Alphabet
from ctcbench.decoding.softmax import log_softmax

_SPREAD = 0.25  # standard deviation of a frame's clarity, relative to its mean


@dataclass(frozen=True)
class Workload:
    """Images of ``frames`` × ``classes``, each with a text of ``characters``.

    The logits are normal noise with standard deviation ``noise``. In each frame the class of the text's
    alignment gets the frame's clarity in addition: normal, with mean ``clarity`` and a standard deviation
    of a quarter of it, at least 0. The characters are at random frames with at least one blank between
    them. A character repeats the previous one with probability 0.1, because decoders differ there.
    """

    name: str
    what: str
    frames: int
    classes: int
    characters: int
    clarity: float
    images: int
    noise: float = 1.5

    def draw(self, seed: int = 0) -> LogProbs:
        """Return the log-probabilities, a function of the seed."""
        # Sizes are in the seed: workloads are independent draws, not parts of one another.
        chance = np.random.default_rng([seed, self.frames, self.classes])
        logits_NTK = chance.normal(0, self.noise, (self.images, self.frames, self.classes)).astype(np.float32)
        labels_NL = chance.integers(1, self.classes, (self.images, self.characters))
        for column in range(1, self.characters):
            doubled_N = chance.random(self.images) < 0.1
            labels_NL[doubled_N, column] = labels_NL[doubled_N, column - 1]
        for logits_TK, labels_L in zip(logits_NTK, labels_NL, strict=True):
            path_T = np.zeros(self.frames, np.int64)
            # Distinct positions among fewer frames, then moved by 0, 1, 2 …: no two characters are adjacent.
            gaps = chance.choice(self.frames - self.characters + 1, self.characters, replace=False)
            path_T[np.sort(gaps) + np.arange(self.characters)] = labels_L
            clarity_T = chance.normal(self.clarity, _SPREAD * self.clarity, self.frames).clip(0)
            logits_TK[np.arange(self.frames), path_T] += clarity_T.astype(np.float32)
        values_NTK = log_softmax(logits_NTK).astype(np.float32)
        # From the CJK block, which has enough printable characters for 5,000 classes.
        alphabet = Alphabet("".join(chr(0x4E00 + k) for k in range(self.classes - 1)))
        texts = tuple(alphabet.decode(labels_L) for labels_L in labels_NL.tolist())
        return LogProbs(values_NTK, np.full(self.images, self.frames, np.int64), texts, alphabet)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("captcha-confident", "cnn3 on captchas, well trained", 18, 63, 5, 16.5, 512),
        Workload("captcha-noisy", "cnn3 on captchas, half trained", 18, 63, 5, 6.0, 512),
        Workload("captcha-flat", "cnn3 on captchas, untrained", 18, 63, 5, 0.0, 512, noise=0.3),
        Workload("captcha75-noisy", "cnn2 on captchas, half trained", 75, 63, 5, 6.0, 256),
        Workload("line-confident", "a line of text", 200, 100, 40, 17.0, 64),
        Workload("speech-noisy", "speech in letters", 500, 32, 80, 5.2, 32),
        Workload("large-alphabet", "a thousand classes", 500, 1000, 80, 9.0, 8),
        Workload("many-classes", "five thousand classes", 100, 5000, 20, 10.9, 4),
    )
}
USUAL = ("captcha-confident", "captcha-noisy", "captcha-flat", "captcha75-noisy")


def find_workload(name: str) -> Workload:
    """Return the workload of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in WORKLOADS:
        raise UsageError(
            f"no workload {name!r}{nearest(name, WORKLOADS)} (there are: {', '.join(WORKLOADS)})"
        )
    return WORKLOADS[name]
