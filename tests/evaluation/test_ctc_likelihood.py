import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ctcbench import Alphabet
from ctcbench.contract.data import LogProbs
from ctcbench.evaluation import ctc_likelihood
from ctcbench.evaluation.ctc_likelihood import text_log_probs

ALPHABET = Alphabet("abcd")


@pytest.mark.parametrize("sharpness", [1.0, 2.5])
def test_equals_the_loss_of_torch(sharpness):
    generator = np.random.default_rng(0)
    values_NTK = np.log(generator.dirichlet(np.full(5, 0.3), (40, 9))).astype(np.float32)
    values_NTK[0, 2, 3] = -np.inf
    lengths_N = generator.integers(1, 10, 40)
    labels = [tuple(generator.integers(1, 5, generator.integers(0, 7)).tolist()) for _ in range(40)]
    labels[:3] = [(), (3, 3, 3, 3), (1,)]
    found = LogProbs(values_NTK, lengths_N, ("",) * 40, ALPHABET)
    losses_N = F.ctc_loss(
        (torch.from_numpy(values_NTK) * sharpness).log_softmax(-1).transpose(0, 1).double(),
        torch.tensor([label for each in labels for label in each]),
        torch.from_numpy(lengths_N),
        torch.tensor([len(each) for each in labels]),
        reduction="none",
    )
    ours = text_log_probs(found, labels, sharpness)
    assert np.isinf(ours).any() and np.isfinite(ours).any()
    assert ours == pytest.approx(-losses_N.numpy(), rel=1e-5, abs=1e-5)


def test_an_improbable_text_of_a_long_image_has_a_finite_log_probability():
    values_NTK = np.full((1, 3000, 5), -60, np.float32)
    values_NTK[:, :, 1] = 0
    found = LogProbs(values_NTK, np.array([3000]), ("",), ALPHABET)
    # One character has 3000 · 3001 / 2 alignments.
    assert text_log_probs(found, [(2,)])[0] == pytest.approx(-60 * 3000 + np.log(3000 * 3001 / 2), abs=0.1)


def test_without_images_there_is_nothing_to_return():
    empty = LogProbs(np.zeros((0, 4, 5), np.float32), np.zeros(0, np.int64), (), ALPHABET)
    assert text_log_probs(empty, []).shape == (0,)
    without_frames = LogProbs(np.zeros((0, 0, 5), np.float32), np.zeros(0, np.int64), (), ALPHABET)
    assert text_log_probs(without_frames, []).shape == (0,)


def test_the_memory_is_bounded_and_labellings_share_images(monkeypatch):
    generator = np.random.default_rng(0)
    values_NTK = np.log(generator.dirichlet(np.full(5, 0.3), (7, 9))).astype(np.float32)
    found = LogProbs(values_NTK, generator.integers(4, 10, 7), ("",) * 7, ALPHABET)
    images_M = generator.integers(0, 7, 60)
    labels = [tuple(generator.integers(1, 5, generator.integers(0, 5)).tolist()) for _ in range(60)]
    repeated = LogProbs(values_NTK[images_M], found.lengths_N[images_M], ("",) * 60, ALPHABET)
    expected = text_log_probs(repeated, labels, 1.5).tolist()
    assert text_log_probs(found, labels, 1.5, images_M).tolist() == expected

    sizes = []
    emissions = ctc_likelihood._emissions

    def recorded(values_NTK, images_M, *rest):
        sizes.append((len(values_NTK), len(images_M)))
        return emissions(values_NTK, images_M, *rest)

    monkeypatch.setattr(ctc_likelihood, "_emissions", recorded)
    for most, at_once in ((10_000, 4), (1, 1)):
        monkeypatch.setattr(ctc_likelihood, "_MOST_BYTES", most)
        sizes.clear()
        assert text_log_probs(found, labels, 1.5, images_M).tolist() == expected
        assert max(rows for _, rows in sizes) == at_once and sum(rows for _, rows in sizes) == 60
        assert all(images <= rows for images, rows in sizes)
