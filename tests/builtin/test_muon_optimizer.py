"""Muon: directions are orthogonal, each parameter is in one group, and it converges sooner than AdamW."""

import pytest
import torch

from ctcbench.builtin.muon_optimizer import orthogonalise
from ctcbench.training import split
from ctcbench.training.step import train_step
from tests.training.step_cases import some_state, steps


@pytest.mark.parametrize("shape", [(8, 8), (16, 9), (9, 40), (1, 7), (30, 1)])
def test_orthogonalise_keeps_singular_vectors_and_evens_out_singular_values(shape):
    matrix_RC = torch.randn(shape, generator=torch.Generator().manual_seed(0)).double() * 100
    made, again = orthogonalise(torch.stack([matrix_RC, 3 * matrix_RC]), torch.float64)
    assert torch.allclose(made, again)  # each matrix is normalised by itself
    assert made.shape == matrix_RC.shape
    lengths = torch.linalg.svdvals(made)
    assert lengths.max() < 1.25
    # The smallest singular value of a square matrix may take more than five iterations to reach 1.
    assert lengths[: max(1, min(shape) * 3 // 4)].min() > 0.6
    u, _, vh = torch.linalg.svd(matrix_RC, full_matrices=False)
    turned = u.T @ made @ vh.T  # diagonal where the singular vectors are the same
    assert torch.allclose(turned, torch.diag(turned.diagonal()), atol=1e-6)
    assert (turned.diagonal() > 0).all()


def test_orthogonalise_of_zeros_is_zeros():
    assert torch.equal(orthogonalise(torch.zeros(1, 3, 5)), torch.zeros(1, 3, 5))


def test_each_parameter_is_in_one_group_and_adamw_updates_classifiers_and_vectors(registry):
    state, _, _ = some_state(registry, optimizer="muon:scale=30", weight_decay=0.1, head="bigru1:width=8")
    classifiers, vectors, matrices = (group["params"] for group in state.optimizer.param_groups)
    everything = [id(p) for group in (classifiers, vectors, matrices) for p in group]
    assert sorted(everything) == sorted(id(p) for p in state.model.parameters())
    assert {id(p) for p in classifiers} == {id(state.model.classifier.weight), id(state.model.bypass.weight)}
    assert all(p.ndim < 2 for p in vectors)
    assert {id(p) for p in matrices} >= {id(p) for p in state.model.backbone.parameters() if p.ndim == 4}
    assert [group["scale"] for group in state.optimizer.param_groups] == [1.0, 1.0, 30.0]


def test_a_step_of_muon_moves_a_kernel_by_its_rate_in_every_direction(registry):
    state, part, config = some_state(
        registry, optimizer="muon:scale=10", schedule="constant", warmup=0.0, lr=1e-3, weight_decay=0.0,
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


def test_muon_reaches_a_lower_loss_than_adamw_in_the_same_number_of_steps(registry):
    settings = {
        "lr": 3e-3, "schedule": "constant", "warmup": 0.0, "epochs": 20, "train_samples": 16,
        "backbone": "cnn3:width=8", "head": "bigru1:width=16", "loss": "ctc",
    }  # fmt: skip
    adamw, muon = (steps(registry, 40, optimizer=name, **settings)[0][-1] for name in ("adamw", "muon"))
    assert muon < 0.8 * adamw
