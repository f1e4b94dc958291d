"""The parameters of a model in groups, the optimizer of a run, and its state in a checkpoint."""

import pytest
import torch

from ctcbench import ModelParameters, PluginError, optimizer
from ctcbench.config.recipe import Recipe
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin
from ctcbench.training import split
from ctcbench.training.recipe_optimizer import (
    build_optimizer,
    count_gates,
    group_parameters,
    optimizer_tensors,
    restore_optimizer,
)
from ctcbench.training.step import train_step
from tests.tiny_config import tiny
from tests.training.step_cases import some_state


def test_the_projection_of_an_lstm_is_one_matrix_and_not_gates():
    layer = torch.nn.LSTM(6, 8, proj_size=4, bidirectional=True)
    gates = count_gates(torch.nn.Sequential(layer))
    assert {name: gates.get(p) for name, p in layer.named_parameters() if "reverse" not in name} == {
        "weight_ih_l0": 4, "weight_hh_l0": 4, "bias_ih_l0": None, "bias_hh_l0": None, "weight_hr_l0": None,
    }  # fmt: skip


def test_each_parameter_is_in_one_group_in_the_order_of_the_model(registry):
    model = some_state(registry, head="slots:count=2,after=bigru1,width=4", shortcut="none")[0].model
    grouped = group_parameters(model, lr=0.1, weight_decay=0.2, autocast_dtype=torch.bfloat16)
    named = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = {
        kind: [named[id(p)] for p in getattr(grouped, kind)]
        for kind in ("matrices", "recurrent_gates", "classifiers", "vectors")
    }
    assert sorted(name for group in groups.values() for name in group) == sorted(named.values())
    assert groups["classifiers"] == ["classifier.weight"]
    assert groups["recurrent_gates"] and all("rnn.weight_" in name for name in groups["recurrent_gates"])
    assert set(grouped.recurrent_gates.values()) == {3}
    weights = [name for name, parameter in model.named_parameters() if parameter.ndim >= 2]
    assert [named[id(p)] for p in grouped.weights] == weights
    assert (grouped.lr, grouped.weight_decay, grouped.autocast_dtype) == (0.1, 0.2, torch.bfloat16)


@pytest.mark.parametrize("name", ["adamw", "muon"])
def test_a_restored_optimizer_continues_bit_for_bit(registry, name):
    (state, part, config), (other, _, _) = (some_state(registry, optimizer=name) for _ in range(2))
    for step in range(3):
        train_step(state, split.batch_at(part, step, config), config)
    other.model.load_state_dict(state.model.state_dict())
    other.step = state.step
    restore_optimizer(other.optimizer, optimizer_tensors(state.optimizer))
    for one in (state, other):
        train_step(one, split.batch_at(part, 3, config), config)
    for parameter, continued in zip(state.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(parameter, continued)


def recipe_of(choose):
    """Return a recipe with the optimizer of a plugin, which is what `choose` returns."""

    @optimizer
    def built(parameters: ModelParameters):
        """An optimizer of a test."""
        return choose(parameters)

    plugin = Plugin("mine", "ctcbench-mine", "1", "mine", components=(built,))
    return Recipe(Registry((plugin,)), tiny(optimizer="built"))


@pytest.mark.parametrize(
    ("choose", "message"),
    [
        (lambda p: torch.optim.SGD, "its builder returned type, not a torch.optim.Optimizer"),
        (lambda p: torch.optim.SGD(p.weights, lr=p.lr), "parameters are in none of its groups"),
        (
            lambda p: torch.optim.SGD([*p.weights, *p.vectors, torch.zeros(3)], lr=p.lr),
            "and nothing else",
        ),
        (lambda p: 1 / 0, "could not be built: ZeroDivisionError"),
    ],
    ids=["a class", "without vectors", "with another tensor", "failing"],
)
def test_an_optimizer_that_breaks_the_contract_is_named_with_its_owner(
    registry, monkeypatch, choose, message
):
    model = some_state(registry)[0].model
    with pytest.raises(PluginError, match=rf"^ctcbench-mine \(mine\): optimizer 'built'.*{message}"):
        build_optimizer(recipe_of(choose), group_parameters(model, 0.1, 0.0))


def test_groups_without_a_scale_train_at_the_rate_of_the_run(registry):
    sgd = recipe_of(lambda p: torch.optim.SGD([*p.weights, *p.vectors], lr=p.lr))
    model = some_state(registry)[0].model
    [group] = build_optimizer(sgd, group_parameters(model, 0.1, 0.0)).param_groups
    assert group["scale"] == 1.0


def test_a_state_that_is_not_a_tensor_can_not_be_stored():
    weights = torch.nn.Parameter(torch.zeros(2))
    sgd = torch.optim.SGD([weights], lr=0.1)
    sgd.state[weights]["count"] = 3
    with pytest.raises(PluginError, match=r"optimizer SGD: its state 'count' is int; .* tensors only"):
        optimizer_tensors(sgd)
