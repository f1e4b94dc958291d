"""Trainings that fail because of a part of a plugin: the error names it."""

import pytest
import torch

from ctcbench import CtcbenchError, PluginError
from ctcbench.config.recipe import resolve
from ctcbench.contract.components import Component
from ctcbench.data.built_dataset import build_dataset
from ctcbench.pipeline import runner
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP
from ctcbench.training.runtime import Runtime
from ctcbench.training.step_timing import measure_rates
from tests.tiny_config import tiny


def ctc(log_probs, lengths, targets, target_lengths):
    return torch.nn.functional.ctc_loss(log_probs, targets, lengths, target_lengths)


def nan_gradient(alphabet):
    """CTC, and the square root of 0, whose gradient is NaN."""
    return lambda log_probs, *rest: ctc(log_probs, *rest) + (log_probs * 0).sum().abs().sqrt()


def clearing(alphabet):
    """CTC that clears the targets before their gradient is computed."""

    def objective(log_probs, lengths, targets, target_lengths):
        loss = ctc(log_probs, lengths, targets, target_lengths)
        targets.zero_()
        return loss

    return objective


def counting(parameters):
    """Gradient descent whose state is a whole number."""
    optimizer = torch.optim.SGD([*parameters.weights, *parameters.vectors], lr=parameters.lr)
    optimizer.state[parameters.weights[0]]["count"] = 3
    return optimizer


OWNER = r"ctcbench-mine \(mine\)"
SUSPECT = rf"; ctcbench.testing checks the gradients of parts of plugins: {OWNER}: loss '"


@pytest.mark.parametrize(
    ("kind", "builder", "message"),
    [
        ("loss", nan_gradient, rf"the gradient is nan at step 1 .*{SUSPECT}nan_gradient'$"),
        ("loss", clearing, rf"the backward pass of step 1 failed: one of the .* instead.{SUSPECT}clearing'$"),
        ("optimizer", counting, rf"^{OWNER}: optimizer 'counting': its state 'count' is int; a checkpoint"),
    ],
)
def test_the_error_names_the_plugin(registry, tmp_path, kind, builder, message):
    mine = Plugin("mine", "ctcbench-mine", "1", "mine", components=(Component(kind, builder),))
    recipe = resolve(Registry((*registry.plugins, mine)), tiny(**{kind: builder.__name__}))
    expected = PluginError if kind == "optimizer" else CtcbenchError
    with pytest.raises(expected, match=message):
        runner.run(recipe, Runtime(tmp_path))


def test_the_error_of_a_step_that_is_timed_names_the_plugin(registry):
    mine = Plugin("mine", "ctcbench-mine", "1", "mine", components=(Component("loss", clearing),))
    recipe = resolve(Registry((*registry.plugins, mine)), tiny(loss="clearing"))
    dataset = build_dataset(registry, recipe.config.dataset)
    message = rf"^the backward pass of step 1 failed: one of the .* instead.{SUSPECT}clearing'$"
    with pytest.raises(CtcbenchError, match=message):
        measure_rates(recipe, dataset, 1.0, images=16, workers=1, group=SINGLE_PROCESS_GROUP)
