import itertools

import numpy as np

from ctcbench import Alphabet
from ctcbench.contract.data import LogProbs
from ctcbench.evaluation.ctc_alignment import character_frames

ALPHABET = Alphabet("ab")


def collapsed(path):
    return tuple(k for k, before in zip(path, (0, *path), strict=False) if k and k != before)


def best_runs(values_TK, labels):
    """The runs of the characters on the most probable of all paths, found by trying each."""
    paths = itertools.product(range(values_TK.shape[1]), repeat=len(values_TK))
    fitting = [path for path in paths if collapsed(path) == labels]
    best = max(fitting, key=lambda path: sum(values_TK[t, k] for t, k in enumerate(path)))
    runs = []
    for t, (label, before) in enumerate(zip(best, (0, *best), strict=False)):
        if label and label != before:
            runs.append([t, t])
        elif label:
            runs[-1][1] = t
    return runs


def test_the_alignment_is_the_most_probable_of_all_paths():
    generator = np.random.default_rng(0)
    values_NTK = np.log(generator.dirichlet(np.ones(3), (30, 6))).astype(np.float32)
    lengths_N = generator.integers(3, 7, 30)
    labels = [[(), (1,), (1, 2), (1, 1), (2, 1)][row % 5] for row in range(30)]
    found = character_frames(LogProbs(values_NTK, lengths_N, ("",) * 30, ALPHABET), labels)
    for row, frames_L2 in enumerate(found):
        assert frames_L2.tolist() == best_runs(values_NTK[row, : lengths_N[row]], labels[row])


def test_characters_of_impossible_classes_still_have_frames():
    values_NTK = np.full((1, 4, 3), -np.inf, np.float32)
    values_NTK[0, :, 0] = 0
    (frames_L2,) = character_frames(LogProbs(values_NTK, np.array([4]), ("",), ALPHABET), [(1, 2)])
    assert frames_L2.shape == (2, 2)
