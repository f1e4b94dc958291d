"""Rules for optimizers: parameter groups, learning rate, weight decay, state, finite and downhill steps."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from ctcbench.contract.errors import PluginError
from ctcbench.registry.component_checks import require_optimizer
from ctcbench.testing.case import Case, Rule
from ctcbench.testing.optimizer_steps import (
    LR,
    all_parameters,
    build_optimizer,
    copy_parameters,
    do_step,
    largest_change,
    model_parameters,
    set_rates,
)
from ctcbench.training.device import default_autocast_dtype
from ctcbench.training.recipe_optimizer import optimizer_tensors, restore_optimizer

# More than one: the first step is a special case for optimizers with averages, which are still 0.
_STEPS = 4


def returns_an_optimizer_of_all_parameters(case: Case) -> None:
    """The builder returns a torch optimizer that holds each parameter in exactly one of its groups."""
    parameters = model_parameters()
    built = case.attempt("be built", lambda: case.component(parameters, **case.options))
    try:
        require_optimizer("it", built, parameters)
    except PluginError as error:
        rule = "its builder must return a torch.optim.Optimizer that holds each parameter once"
        got = str(error).removeprefix("it: ").partition("; ")[0]
        case.require(False, rule, got, "pass parameters.weights and parameters.vectors to torch")


def has_groups_with_positive_scales(case: Case) -> None:
    """The ``scale`` of a group, where it has one, is a positive finite number."""
    for group in build_optimizer(case, model_parameters()).param_groups:
        scale = group.get("scale", 1.0)
        sound = isinstance(scale, int | float) and math.isfinite(scale) and scale > 0
        rule = "the scale of a parameter group must be a positive finite number"
        case.require(sound, rule, repr(scale), "the core sets group['lr'] to the scheduled rate times it")


def moves_every_parameter_with_a_gradient(case: Case) -> None:
    """A step changes every parameter that has a gradient."""
    parameters = model_parameters()
    optimizer, before = build_optimizer(case, parameters), copy_parameters(parameters)
    for step in range(_STEPS):
        do_step(case, optimizer, parameters, step)
    still = [
        tuple(p.shape)
        for p, old in zip(all_parameters(parameters), before, strict=True)
        if torch.equal(p, old)
    ]
    rule = f"{_STEPS} steps must change every parameter that has a gradient"
    case.require(
        not still, rule, f"{len(still)} unchanged, the first of shape {still[:1]}", "update all groups"
    )


def leaves_parameters_without_a_gradient(case: Case) -> None:
    """A parameter without a gradient is not changed, not even by weight decay."""
    parameters = model_parameters()
    optimizer, before = build_optimizer(case, parameters), copy_parameters(parameters)
    # A layer that a batch does not use has no gradient in that step.
    do_step(case, optimizer, parameters, 0, with_gradient=lambda index: index % 2 == 0)
    for index, (parameter, old) in enumerate(zip(all_parameters(parameters), before, strict=True)):
        case.require(
            index % 2 == 0 or torch.equal(parameter, old),
            "a parameter without a gradient must stay as it is",
            f"a change of one of shape {tuple(parameter.shape)}",
            "skip parameters whose .grad is None",
        )


def follows_the_learning_rate_of_its_groups(case: Case) -> None:
    """The rate of each step is ``group["lr"]``, which the core sets: at 0 nothing moves."""
    moved = []
    # A new optimizer for each rate: all do the same first step.
    for lr in (0.0, LR, 2 * LR):
        parameters = model_parameters()
        optimizer, before = build_optimizer(case, parameters), copy_parameters(parameters)
        do_step(case, optimizer, parameters, 0, lr=lr)
        moved.append(largest_change(parameters, before))
    remedy = "take the rate from group['lr'] in each step"
    case.require(moved[0] == 0, "with group['lr'] = 0 a step must change nothing", f"{moved[0]:.3g}", remedy)
    rule = "a step with twice the group['lr'] must go further"
    case.require(moved[1] < moved[2], rule, f"{moved[1]:.3g} and {moved[2]:.3g}", remedy)


def stays_finite_without_weight_decay_and_gradient(case: Case) -> None:
    """With weight decay 0, a first step with gradients of zero changes nothing: no NaN from 0 / 0."""
    parameters = replace(model_parameters(), weight_decay=0.0)
    optimizer, before = build_optimizer(case, parameters), copy_parameters(parameters)
    set_rates(optimizer, LR)
    for parameter in all_parameters(parameters):
        parameter.grad = torch.zeros_like(parameter)
    case.attempt("do a step with gradients of zero", optimizer.step)
    moved = largest_change(parameters, before)
    rule = "with weight decay 0 and gradients of zero a first step must change nothing"
    case.require(moved == 0, rule, f"a change of {moved:.3g}", "add a small number to denominators")


def is_finite_for_gradients_of_any_size(case: Case) -> None:
    """Steps stay finite for gradients from 1e-12 to 1e6, and where mixed precision is in use."""
    dtype = default_autocast_dtype(torch.device("cpu"))
    # One pass on a CPU without bfloat16, where both are None.
    for autocast_dtype in dict.fromkeys((None, dtype)):
        for size in (1e-12, 1e6):
            parameters = replace(model_parameters(), autocast_dtype=autocast_dtype)
            optimizer = build_optimizer(case, parameters)
            for step in range(_STEPS):
                do_step(case, optimizer, parameters, step, size=size)
            finite = all(bool(parameter.isfinite().all()) for parameter in all_parameters(parameters))
            rule = f"parameters must stay finite for gradients of about {size:g}"
            case.require(finite, rule, "NaN or infinity", "look for squares that overflow, and for 0 / 0")


def lowers_a_convex_loss(case: Case) -> None:
    """Twenty steps on a convex loss lower it."""
    parameters = model_parameters()
    optimizer = build_optimizer(case, parameters)
    # Random targets: no parameter is at its optimum, and none can be left out.
    targets = [
        torch.randn(p.shape, generator=torch.Generator().manual_seed(5)) for p in all_parameters(parameters)
    ]
    losses = []
    for _ in range(20):
        pairs = zip(all_parameters(parameters), targets, strict=True)
        loss = torch.stack([(p - target).square().sum() for p, target in pairs]).sum()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        set_rates(optimizer, LR)
        case.attempt("do a step", optimizer.step)
    rule, got = "20 steps must lower a convex loss", f"{losses[0]:.6g} before, {losses[-1]:.6g} after"
    case.require(losses[-1] < losses[0], rule, got, "check the sign of the step")


def has_deterministic_steps(case: Case) -> None:
    """The same gradients lead to the same parameters, bit for bit; torch is seeded for each step."""
    ends = []
    for _ in range(2):
        parameters = model_parameters()
        optimizer = build_optimizer(case, parameters)
        for step in range(_STEPS):
            do_step(case, optimizer, parameters, step)
        ends.append(copy_parameters(parameters))
    apart = largest_change(ends[0], ends[1])
    rule, remedy = (
        "the same gradients must lead to the same parameters",
        "draw random numbers from torch alone",
    )
    case.require(apart == 0, rule, f"parameters that differ by {apart:.3g}", remedy)


def resumes_from_its_state(case: Case) -> None:
    """Its state is in ``optimizer.state[parameter]``, as tensors: a resumed run does the same steps."""
    parameters, resumed = model_parameters(), model_parameters()
    optimizer = build_optimizer(case, parameters)
    for step in range(_STEPS):
        do_step(case, optimizer, parameters, step)
    with torch.no_grad():
        for one, other in zip(all_parameters(parameters), all_parameters(resumed), strict=True):
            other.copy_(one)
    successor = build_optimizer(case, resumed)
    stored = case.attempt("be stored in a checkpoint", lambda: optimizer_tensors(optimizer))
    # Cloned: the next steps change the optimizer's own tensors in place.
    stored = {name: tensor.clone() for name, tensor in stored.items()}
    case.attempt("be restored from a checkpoint", lambda: restore_optimizer(successor, stored))
    for step in (_STEPS, _STEPS + 1):
        do_step(case, optimizer, parameters, step)
        do_step(case, successor, resumed, step)
    apart = largest_change(parameters, copy_parameters(resumed))
    rule = "an optimizer with the state of another must do the same steps"
    remedy = "keep all state in self.state[parameter], as tensors"
    case.require(apart == 0, rule, f"parameters that differ by {apart:.3g}", remedy)


RULES: tuple[Rule, ...] = (
    returns_an_optimizer_of_all_parameters,
    has_groups_with_positive_scales,
    moves_every_parameter_with_a_gradient,
    leaves_parameters_without_a_gradient,
    follows_the_learning_rate_of_its_groups,
    stays_finite_without_weight_decay_and_gradient,
    is_finite_for_gradients_of_any_size,
    lowers_a_convex_loss,
    has_deterministic_steps,
    resumes_from_its_state,
)
