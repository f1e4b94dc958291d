"""The loss, the decoder and the head `slots`, and the backbone `columns`."""

import math
from typing import get_args

import numpy as np
import pytest
import torch

from ctcbench import Alphabet, ImageSpec, SequenceSpec, UsageError
from ctcbench.builtin.backbones import columns
from ctcbench.builtin.decoders import slots as decoder
from ctcbench.builtin.heads import HEADS, Before
from ctcbench.builtin.heads import slots as head
from ctcbench.builtin.losses import slots as loss
from ctcbench.contract.data import LogProbs
from ctcbench.training.cuda.host_reads import HostReads

ALPHABET = Alphabet("abc")


def read_as(paths, scores=(5.0,)):
    """Log-probs whose likeliest classes are `paths`, a digit a frame (0 is the blank)."""
    logits_NTK = np.zeros((len(paths), len(paths[0]), ALPHABET.num_classes), np.float32)
    for n, path in enumerate(paths):
        for t, label in enumerate(path):
            logits_NTK[n, t, int(label)] = scores[t % len(scores)]
    values_NTK = logits_NTK - np.log(np.exp(logits_NTK).sum(-1, keepdims=True))
    lengths_N = np.full(len(paths), len(paths[0]), np.int64)
    return LogProbs(values_NTK, lengths_N, ("",) * len(paths), ALPHABET)


def test_repeats_survive_and_blanks_are_dropped():
    read = read_as(["1120", "1111", "0000", "0303"])
    found = decoder(ALPHABET)(read)
    assert [ALPHABET.decode(h.labels) for h in found] == ["aab", "aaaa", "", "cc"]
    assert [h.frames for h in found] == [()] * 4  # no part of ctcbench reads them
    assert found[0].log_prob == pytest.approx(float(read.values_NTK[0].max(-1).sum()), abs=1e-5)


def test_frames_past_the_length_are_ignored():
    read = read_as(["1122"])
    short = LogProbs(read.values_NTK, np.array([3]), read.texts, ALPHABET)
    (found,) = decoder(ALPHABET)(short)
    assert found.labels == (1, 1, 2)


def test_the_blank_penalty_favours_characters():
    values_NTK = np.log(np.array([[[0.5, 0.3, 0.1, 0.1]]], np.float32))
    read = LogProbs(values_NTK, np.array([1]), ("",), ALPHABET)
    assert decoder(ALPHABET)(read)[0].labels == ()
    assert decoder(ALPHABET, blank_penalty=1.0)(read)[0].labels == (1,)


def test_the_loss_is_cross_entropy_with_blanks_behind_the_text():
    generator = torch.Generator().manual_seed(0)
    log_probs_TNK = torch.randn(4, 2, 4, generator=generator).log_softmax(-1)
    # "aab" and "c"; what follows the end of a text is padding.
    targets_NL, target_lengths_N = torch.tensor([[1, 1, 2], [3, 2, 2]]), torch.tensor([3, 1])
    found = loss(ALPHABET)(log_probs_TNK, torch.tensor([4, 3]), targets_NL, target_lengths_N)
    first = sum(log_probs_TNK[t, 0, k] for t, k in enumerate((1, 1, 2, 0)))
    second = sum(log_probs_TNK[t, 1, k] for t, k in enumerate((3, 0, 0)))
    assert found.item() == pytest.approx(-(first + second).item() / 2, rel=1e-6)


def test_the_gradient_is_exact_and_no_sum_whose_order_varies_on_a_gpu():
    log_probs_TNK = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    log_probs_TNK[0, 0, 2] = -math.inf  # of another class than that of the text
    log_probs_TNK.requires_grad_()
    arguments = torch.tensor([3, 2]), torch.tensor([[1, 1], [3, 0]]), torch.tensor([2, 1])
    with HostReads(torch.device("cpu")) as reads:
        loss(ALPHABET)(log_probs_TNK, *arguments).backward()
    expected_TNK = torch.zeros(3, 2, 4)
    for t, n, k in ((0, 0, 1), (1, 0, 1), (2, 0, 0), (0, 1, 3), (1, 1, 0)):
        expected_TNK[t, n, k] = -0.5
    assert torch.equal(log_probs_TNK.grad, expected_TNK)
    # With --deterministic, torch computes these on a GPU in a way that a CUDA graph can't contain.
    assert not {"gather", "scatter_add", "index_put"} & {*reads.operators}


def test_the_loss_of_uniform_predictions():
    """Five uniform guesses among K classes: five times log K nats per image."""
    log_probs_TNK = torch.full((5, 3, 4), math.log(1 / 4))
    targets_NL = torch.ones(3, 5, dtype=torch.long)
    found = loss(ALPHABET)(log_probs_TNK, torch.full((3,), 5), targets_NL, torch.full((3,), 5))
    assert found.item() == pytest.approx(5 * math.log(4))


def test_targets_padded_further_than_there_are_slots():
    log_probs_TNK = torch.zeros(2, 1, 4).log_softmax(-1)
    targets_NL = torch.tensor([[1, 2, 0, 0, 0]])
    found = loss(ALPHABET)(log_probs_TNK, torch.tensor([2]), targets_NL, torch.tensor([2]))
    assert found.item() == pytest.approx(2 * math.log(4))


def test_smoothing_pulls_towards_uniform():
    log_probs_TNK = torch.tensor([[[0.0, 0.0, 9.0, 0.0]]]).log_softmax(-1)
    arguments = (log_probs_TNK, torch.tensor([1]), torch.tensor([[2]]), torch.tensor([1]))
    plain, smooth = loss(ALPHABET)(*arguments), loss(ALPHABET, label_smoothing=0.5)(*arguments)
    assert smooth.item() == pytest.approx(0.5 * plain.item() - 0.5 * log_probs_TNK.mean().item())


def test_a_slot_depends_on_every_frame():
    module = head(SequenceSpec(frames=6, features=3), count=2, slot_width=4)
    assert module.whole_image
    feats_TNF = torch.randn(6, 1, 3, requires_grad=True)
    output_SND = module(feats_TNF)
    assert output_SND.shape == (2, 1, 4)
    (gradient_TNF,) = torch.autograd.grad(output_SND[1].sum(), feats_TNF)
    assert (gradient_TNF.abs().sum(-1) > 0).all()


def test_the_sequence_models_before_slots_are_the_other_heads():
    assert sorted(get_args(Before)) == sorted(part.name for part in HEADS if part.name != "slots")
    for name in get_args(Before):
        options = {} if name == "none" else {"width": 5}
        module = head(SequenceSpec(4, 3), count=2, after=name, **options)
        assert module(torch.zeros(4, 2, 3)).shape == (2, 2, 128)


@pytest.mark.parametrize(
    ("options", "named"), [({"dropout": 0.1}, "dropout=0.1"), ({"width": 64}, "width=64 .*; slot_width is")]
)
def test_an_option_of_the_sequence_model_without_one_is_an_error(options, named):
    with pytest.raises(UsageError, match=f"^head slots: {named}"):
        head(SequenceSpec(4, 3), count=2, **options)
    # At their defaults they are left out of the train key.
    head(SequenceSpec(4, 3), count=2, width=128, dropout=0.0)


@pytest.mark.parametrize(("width", "stride", "frames"), [(6, 1, 6), (6, 2, 3), (7, 3, 3), (3, 8, 1)])
def test_columns_are_the_pixels_in_order(width, stride, frames):
    images_NCHW = torch.rand(2, 2, 4, width)
    feats_NFHW = columns(ImageSpec(4, width, channels=2), stride=stride)(images_NCHW)
    assert feats_NFHW.shape == (2, 2 * stride, 4, frames)
    # Side by side again, they are the image, with paper (0) on the right.
    again = feats_NFHW.unflatten(1, (2, stride)).permute(0, 1, 3, 4, 2).flatten(3)
    assert torch.equal(again[..., :width], images_NCHW)
    assert (again[..., width:] == 0).all()


def test_columns_have_no_weights():
    assert not list(columns(ImageSpec(4, 8)).parameters())
