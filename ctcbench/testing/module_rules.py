"""Rules for backbones and heads: shapes, seeds, evaluation, batches, gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ctcbench.testing import module_form_rules, width_rules
from ctcbench.testing.case import Case, Rule
from ctcbench.testing.module_calls import (
    batch_axis,
    build_module,
    call,
    close,
    distance,
    inputs_for,
    new_module,
    output_of,
    trained_output,
)
from ctcbench.training.recognizer.module_probe import probe_backbone, probe_head

# Several images: batch normalisation can't train on one value for each channel.
_BATCH = 3


def has_the_right_shape(case: Case) -> None:
    """A backbone returns feats_NFHW, a head feats_TND, of the same shape in evaluation and in training."""
    built = case.build()
    # The core's own probe: the kit and a run report the same faults in the same words.
    probe: Callable[[], Any] = (
        (lambda: probe_backbone(built, case.image, f"backbone {case.component.name}"))
        if case.component.kind == "backbone"
        else (lambda: probe_head(built, case.sequence, f"head {case.component.name}"))
    )
    case.attempt("be probed", probe)
    evaluated, trained = _in_both_modes(case)
    case.require(
        trained.shape == evaluated.shape,
        f"in training the shape must be that of evaluation, {tuple(evaluated.shape)}",
        tuple(trained.shape),
        "let no shape depend on self.training",
    )


def does_not_modify_its_input(case: Case) -> None:
    """Images and features are not modified: the shortcut's classifier reads the features of a head too."""
    module, inputs = new_module(case), inputs_for(case, _BATCH)
    for mode, training in (("evaluation", False), ("training", True)):
        given = inputs.clone()
        module.train(training)
        with torch.no_grad():
            case.attempt(f"be called in {mode}", lambda given=given: module(given))  # type: ignore[misc]
        case.require(
            torch.equal(given, inputs),
            f"in {mode} its input must not be changed in place",
            f"an input that differs by up to {distance(given, inputs):.3g} after the call",
            "write x = x + …, not x += …, and use no inplace=True before the first layer with weights",
        )


def returns_float32(case: Case) -> None:
    """The output of a float32 input is float32, in evaluation and in training."""
    for mode, output in zip(("evaluation", "training"), _in_both_modes(case), strict=True):
        rule = f"of float32 the output in {mode} must be float32"
        remedy = "create tensors with dtype=x.dtype, and bring numpy's doubles to it"
        case.require(output.dtype == torch.float32, rule, output.dtype, remedy)


def depends_on_the_seed_alone(case: Case) -> None:
    """Weights and outputs, including dropout, depend on torch's generator alone."""
    inputs = inputs_for(case, _BATCH)
    first, second = (trained_output(case, new_module(case, seed=1), inputs) for _ in range(2))
    case.require(
        torch.equal(first, second),
        "the same seed of torch must result in the same weights and the same output",
        f"outputs that differ by up to {distance(first, second):.3g}",
        "draw all randomness from torch's generator, when built and in forward",
    )


def does_not_seed_torch(case: Case) -> None:
    """Neither builder nor module seeds torch: every seed of a study would be the same run."""
    # A module that seeds torch leaves the same state behind, whatever the seed of the run was.
    states = []
    for seed in (1, 2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            output_of(case, build_module(case).train(), inputs_for(case, _BATCH))
            states.append(torch.get_rng_state())
    case.require(
        not torch.equal(*states),
        "torch's generator must depend on the run's seed after the module is built and called",
        "the same state for two seeds",
        "remove torch.manual_seed from it",
    )


def is_deterministic_in_evaluation(case: Case) -> None:
    """In eval mode the same input has the same output, and a call changes nothing in the module."""
    module, inputs = new_module(case).eval(), inputs_for(case, _BATCH)
    # Cloned: state_dict() returns the tensors themselves.
    before = {name: value.clone() for name, value in module.state_dict().items()}
    first, second = call(case, module, inputs), call(case, module, inputs)
    case.require(
        torch.equal(first, second),
        "in eval mode the same input must have the same output",
        f"outputs that differ by up to {distance(first, second):.3g}",
        "let dropout and noise depend on self.training",
    )
    changed = [name for name, value in module.state_dict().items() if not torch.equal(value, before[name])]
    case.require(
        not changed,
        "in eval mode a call must change no weight and no buffer",
        f"changes of {', '.join(changed)}",
        "update running statistics only while self.training",
    )


def takes_single_and_empty_batches(case: Case) -> None:
    """Batches of N = 1 and N = 0 work: the last of an epoch, a split without images."""
    module = new_module(case).eval()
    expected = list(call(case, module, inputs_for(case, _BATCH)).shape)
    for n in (1, 0):
        with torch.no_grad():
            got = output_of(case, module, inputs_for(case, n), f"take a batch of {n}")
        expected[batch_axis(case)] = n
        case.require(
            list(got.shape) == expected,
            f"the output of a batch of {n} must have shape {tuple(expected)}",
            tuple(got.shape),
            "take the batch size from the input, and squeeze no axis",
        )


def computes_each_image_independently(case: Case) -> None:
    """In eval mode the output of an image does not depend on the other images of the batch."""
    module, inputs, axis = new_module(case).eval(), inputs_for(case, _BATCH), batch_axis(case)
    together = call(case, module, inputs)
    alone = torch.cat([call(case, module, part) for part in inputs.split(1, dim=axis)], dim=axis)
    case.require(
        # Up to rounding: products of matrices of another size add in another order.
        close(together, alone),
        "in eval mode the output of an image must be the same alone as in a batch",
        f"outputs that differ by up to {distance(together, alone):.3g}",
        "check which axis is the batch (a head gets (T, N, F): no batch_first)",
    )


def has_gradients_for_every_parameter(case: Case) -> None:
    """Every parameter that is trained gets a finite gradient, and so does a head's input."""
    module, inputs = new_module(case).train(), inputs_for(case, _BATCH)
    inputs.requires_grad_(case.component.kind == "head")
    output = output_of(case, module, inputs, "be called in training")
    trained = {name: p for name, p in module.named_parameters() if p.requires_grad}
    if not output.requires_grad:
        # A module without weights, such as `columns`, has nothing to train.
        case.require(not trained, "the output must have a gradient", "none", "don't detach or use no_grad")
        return
    # Weighted at random: the plain sum of a softmax or of a normalisation is constant, and its gradient 0.
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(3))
    case.attempt("be differentiated", lambda: (output.float() * weights).sum().backward())
    missed = [name for name, p in trained.items() if p.grad is None]
    case.require(
        not missed,
        "gradients must reach every parameter",
        f"none for {', '.join(missed)}",
        "use it in forward, or leave it out (requires_grad=False if it is a constant)",
    )
    broken = [name for name, p in trained.items() if p.grad is not None and not p.grad.isfinite().all()]
    case.require(
        not broken,
        "gradients must be finite",
        f"NaN or infinity in {', '.join(broken)}",
        "check the operations that use them",
    )
    if case.component.kind == "head":
        # Not for a backbone: its input is an image, which nothing learns.
        reached = inputs.grad is not None and bool(inputs.grad.abs().sum() > 0)
        remedy = "don't detach the features: the backbone learns through the head"
        case.require(reached, "gradients must reach a head's input", "none", remedy)


def _in_both_modes(case: Case) -> tuple[Tensor, Tensor]:
    """Return the outputs of a module for a batch in evaluation and in training."""
    module, inputs = new_module(case), inputs_for(case, _BATCH)
    return call(case, module.eval(), inputs), trained_output(case, module, inputs)


_RULES: tuple[Rule, ...] = (
    has_the_right_shape,
    does_not_modify_its_input,
    returns_float32,
    depends_on_the_seed_alone,
    does_not_seed_torch,
    is_deterministic_in_evaluation,
    takes_single_and_empty_batches,
    computes_each_image_independently,
    has_gradients_for_every_parameter,
)
HEAD_RULES: tuple[Rule, ...] = _RULES + module_form_rules.RULES + width_rules.MODULE_RULES
# A sequence of features has no channels-last format.
BACKBONE_RULES: tuple[Rule, ...] = (*HEAD_RULES, module_form_rules.takes_channels_last)
