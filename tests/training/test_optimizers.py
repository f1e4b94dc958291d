"""Muon: directions are orthogonal, each parameter has one optimiser, and it learns sooner."""

import pytest
import torch

from ctcbench.training import split
from ctcbench.training.optimizers import _gates, orthogonal
from ctcbench.training.step import train_step
from tests.training.step_cases import some_state, steps


@pytest.mark.parametrize("shape", [(8, 8), (16, 9), (9, 40), (1, 7), (30, 1)])
def test_orthogonal_keeps_the_directions_and_evens_out_the_lengths(shape):
    matrix_RC = torch.randn(shape, generator=torch.Generator().manual_seed(0)).double() * 100
    made, again = orthogonal(torch.stack([matrix_RC, 3 * matrix_RC]), torch.float64)
    assert torch.allclose(made, again)  # each by itself
    assert made.shape == matrix_RC.shape
    lengths = torch.linalg.svdvals(made)
    assert lengths.max() < 1.25
    # The smallest direction of a square matrix may take more than five steps to grow up.
    assert lengths[: max(1, min(shape) * 3 // 4)].min() > 0.6
    u, _, vh = torch.linalg.svd(matrix_RC, full_matrices=False)
    turned = u.T @ made @ vh.T  # diagonal where the singular vectors are the same
    assert torch.allclose(turned, torch.diag(turned.diagonal()), atol=1e-6)
    assert (turned.diagonal() > 0).all()


def test_orthogonal_of_nothing_is_nothing():
    assert torch.equal(orthogonal(torch.zeros(1, 3, 5)), torch.zeros(1, 3, 5))


def test_every_parameter_has_one_group_and_classifiers_and_vectors_go_to_adamw(registry):
    state, _, config = some_state(registry, optimizer="muon", weight_decay=0.1, head="bigru1:width=8")
    classifiers, vectors, matrices = (group["params"] for group in state.optimizer.param_groups)
    everything = [id(p) for group in (classifiers, vectors, matrices) for p in group]
    assert sorted(everything) == sorted(id(p) for p in state.model.parameters())
    assert {id(p) for p in classifiers} == {id(state.model.classifier.weight), id(state.model.bypass.weight)}
    assert all(p.ndim < 2 for p in vectors)
    assert {id(p) for p in matrices} >= {id(p) for p in state.model.backbone.parameters() if p.ndim == 4}
    assert [group["scale"] for group in state.optimizer.param_groups] == [1.0, 1.0, config.muon_scale]


def test_a_step_of_muon_moves_a_kernel_by_its_rate_in_every_direction(registry):
    state, part, config = some_state(
        registry, optimizer="muon", schedule="constant", warmup=0.0, lr=1e-3, muon_scale=10, weight_decay=0.0,
        backbone="cnn3:width=4", head="bigru1:width=8",
    )  # fmt: skip
    kernel = state.model.backbone[4].weight  # 8 outputs × (4 · 3 · 3) inputs: a wide matrix
    gates = state.model.head.rnn.weight_ih_l0  # three matrices of 8 × 48
    before = [weights.detach().clone() for weights in (kernel, gates)]
    train_step(state, split.batch_at(part, 0, config), config)
    moved = [weights.detach() - old for weights, old in zip((kernel, gates), before, strict=True)]
    for matrix in (moved[0].flatten(1), *moved[1].chunk(3)):
        lengths = torch.linalg.svdvals(matrix) / (1e-3 * 10)
        assert 0.6 < lengths.median() < 1.25
        assert lengths.max() < 1.25


def test_the_projection_of_an_lstm_is_one_matrix_and_not_gates(registry):
    layer = torch.nn.LSTM(6, 8, proj_size=4, bidirectional=True)
    gates = _gates(torch.nn.Sequential(layer))
    assert {name: gates.get(id(p)) for name, p in layer.named_parameters() if "reverse" not in name} == {
        "weight_ih_l0": 4, "weight_hh_l0": 4, "bias_ih_l0": None, "bias_hh_l0": None, "weight_hr_l0": None,
    }  # fmt: skip


def test_muon_comes_further_than_adamw_in_as_many_steps(registry):
    settings = {
        "lr": 3e-3, "schedule": "constant", "warmup": 0.0, "epochs": 20, "train_samples": 16,
        "backbone": "cnn3:width=8", "head": "bigru1:width=16", "loss": "ctc",
    }  # fmt: skip
    adamw, muon = (steps(registry, 40, optimizer=name, **settings)[0][-1] for name in ("adamw", "muon"))
    assert muon < 0.8 * adamw
