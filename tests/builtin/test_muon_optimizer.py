"""Muon: directions are orthogonal, each parameter is in one group, and it converges sooner than AdamW."""

import pytest
import torch

from ctcbench.builtin import muon_optimizer
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


def _muon(registry, **settings):
    """Return an optimizer and its model, with gradients of a fixed seed; several kernels have one shape."""
    state, _, _ = some_state(registry, backbone="cnn5:width=8", head="bigru1:width=8", **settings)
    chance = torch.Generator().manual_seed(1)
    for parameter in state.model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=chance)
    return state.optimizer, state.model


def test_a_rate_as_a_tensor_is_the_same_rate(registry):
    moved = []
    for convert in (float, torch.tensor):
        optimizer, model = _muon(registry)
        for group in optimizer.param_groups:
            group["lr"] = convert(group["lr"])
        for _ in range(2):
            optimizer.step()
        moved.append([parameter.detach() for parameter in model.parameters()])
    for one, other in zip(*moved, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_infinite_gradients_change_nothing_and_the_next_step_is_as_if_they_had_not_been(registry):
    (optimizer, model), (other, plain) = _muon(registry), _muon(registry)
    fine = [parameter.grad.clone() for parameter in model.parameters()]
    before = [parameter.detach().clone() for parameter in model.parameters()]
    for number, found_inf in enumerate((1.0, 0.0)):
        optimizer.found_inf = torch.tensor(found_inf)
        for parameter, gradient in zip(model.parameters(), fine, strict=True):
            parameter.grad = gradient.clone() if number else torch.full_like(gradient, torch.inf)
        optimizer.step()
        if not number:
            assert all(map(torch.equal, before, model.parameters()))
    other.step()
    for one, same in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.allclose(one, same, atol=1e-7)


def test_matrices_of_one_shape_are_orthogonalised_together(registry, monkeypatch):
    calls = []
    monkeypatch.setattr(
        muon_optimizer,
        "orthogonalise",
        lambda stack_MRC, dtype: calls.append(tuple(stack_MRC.shape)) or orthogonalise(stack_MRC, dtype),
    )
    _muon(registry)[0].step()
    shapes = [shape[1:] for shape in calls]
    assert len(set(shapes)) == len(shapes)
    assert all(rows <= columns for rows, columns in shapes)
    assert (2, 32, 288) in calls  # the last two kernels of cnn5:width=8
