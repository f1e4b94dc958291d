"""Rules for optimizers: parameter groups, learning rate, weight decay, state, finite and downhill steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from ctcbench.contract.errors import PluginError
from ctcbench.contract.model_parameters import ModelParameters
from ctcbench.contract.specs import ImageSpec, SequenceSpec
from ctcbench.registry.component_checks import require_optimizer
from ctcbench.testing.case import ALPHABET, Case, Rule
from ctcbench.training.device import default_autocast_dtype
from ctcbench.training.recipe_optimizer import group_parameters, optimizer_tensors, restore_optimizer
from ctcbench.training.recognizer.network import Recognizer

_LR = 3e-3
_STEPS = 4


def returns_an_optimizer_of_all_parameters(case: Case) -> None:
    """The builder returns a torch optimizer that holds each parameter in exactly one of its groups."""
    parameters = _parameters()
    built = case.attempt("be built", lambda: case.component(parameters, **case.options))
    try:
        require_optimizer("it", built, parameters)
    except PluginError as error:
        rule = "its builder must return a torch.optim.Optimizer that holds each parameter once"
        got = str(error).removeprefix("it: ").partition("; ")[0]
        case.require(False, rule, got, "give torch parameters.weights and parameters.vectors")


def has_groups_with_positive_scales(case: Case) -> None:
    """The ``scale`` of a group, where it has one, is a positive finite number."""
    for group in _build(case, _parameters()).param_groups:
        scale = group.get("scale", 1.0)
        sound = isinstance(scale, int | float) and math.isfinite(scale) and scale > 0
        rule = "the scale of a parameter group must be a positive finite number"
        case.require(sound, rule, repr(scale), "the core sets group['lr'] to the scheduled rate times it")


def moves_every_parameter_with_a_gradient(case: Case) -> None:
    """A step changes every parameter that has a gradient."""
    parameters = _parameters()
    optimizer, before = _build(case, parameters), _copies(parameters)
    for step in range(_STEPS):
        _step(case, optimizer, parameters, step)
    still = [tuple(p.shape) for p, old in zip(_all(parameters), before, strict=True) if torch.equal(p, old)]
    rule = f"{_STEPS} steps must change every parameter that has a gradient"
    case.require(
        not still, rule, f"{len(still)} unchanged, the first of shape {still[:1]}", "update all groups"
    )


def leaves_parameters_without_a_gradient(case: Case) -> None:
    """A parameter without a gradient is not changed, not even by weight decay."""
    parameters = _parameters()
    optimizer, before = _build(case, parameters), _copies(parameters)
    _step(case, optimizer, parameters, 0, with_gradient=lambda index: index % 2 == 0)
    for index, (parameter, old) in enumerate(zip(_all(parameters), before, strict=True)):
        case.require(
            index % 2 == 0 or torch.equal(parameter, old),
            "a parameter without a gradient must stay as it is",
            f"a change of one of shape {tuple(parameter.shape)}",
            "skip parameters whose .grad is None",
        )


def follows_the_learning_rate_of_its_groups(case: Case) -> None:
    """The rate of each step is ``group["lr"]``, which the core sets: at 0 nothing moves."""
    moved = []
    for lr in (0.0, _LR, 2 * _LR):
        parameters = _parameters()
        optimizer, before = _build(case, parameters), _copies(parameters)
        _step(case, optimizer, parameters, 0, lr=lr)
        moved.append(_distance(parameters, before))
    remedy = "take the rate from group['lr'] in each step"
    case.require(moved[0] == 0, "with group['lr'] = 0 a step must change nothing", f"{moved[0]:.3g}", remedy)
    rule = "a step with twice the group['lr'] must go further"
    case.require(moved[1] < moved[2], rule, f"{moved[1]:.3g} and {moved[2]:.3g}", remedy)


def stays_finite_without_weight_decay_and_gradient(case: Case) -> None:
    """With weight decay 0, a first step with gradients of zero changes nothing: no NaN from 0 / 0."""
    parameters = replace(_parameters(), weight_decay=0.0)
    optimizer, before = _build(case, parameters), _copies(parameters)
    _set_rates(optimizer, _LR)
    for parameter in _all(parameters):
        parameter.grad = torch.zeros_like(parameter)
    case.attempt("do a step with gradients of zero", optimizer.step)
    moved = _distance(parameters, before)
    rule = "with weight decay 0 and gradients of zero a first step must change nothing"
    case.require(moved == 0, rule, f"a change of {moved:.3g}", "add a small number to denominators")


def is_finite_for_gradients_of_any_size(case: Case) -> None:
    """Steps stay finite for gradients from 1e-12 to 1e6, and where mixed precision is in use."""
    dtype = default_autocast_dtype(torch.device("cpu"))
    for autocast_dtype in dict.fromkeys((None, dtype)):
        for size in (1e-12, 1e6):
            parameters = replace(_parameters(), autocast_dtype=autocast_dtype)
            optimizer = _build(case, parameters)
            for step in range(_STEPS):
                _step(case, optimizer, parameters, step, size=size)
            finite = all(bool(parameter.isfinite().all()) for parameter in _all(parameters))
            rule = f"parameters must stay finite for gradients of about {size:g}"
            case.require(finite, rule, "NaN or infinity", "look for squares that overflow, and for 0 / 0")


def lowers_a_convex_loss(case: Case) -> None:
    """Twenty steps on a convex loss lower it."""
    parameters = _parameters()
    optimizer = _build(case, parameters)
    targets = [torch.randn(p.shape, generator=_generator(5)) for p in _all(parameters)]
    losses = []
    for _ in range(20):
        pairs = zip(_all(parameters), targets, strict=True)
        loss = torch.stack([(p - target).square().sum() for p, target in pairs]).sum()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        _set_rates(optimizer, _LR)
        case.attempt("do a step", optimizer.step)
    rule, got = "20 steps must lower a convex loss", f"{losses[0]:.6g} before, {losses[-1]:.6g} after"
    case.require(losses[-1] < losses[0], rule, got, "check the sign of the step")


def has_deterministic_steps(case: Case) -> None:
    """The same gradients give the same parameters, bit for bit; torch's generator is seeded for each step."""
    ends = []
    for _ in range(2):
        parameters = _parameters()
        optimizer = _build(case, parameters)
        for step in range(_STEPS):
            _step(case, optimizer, parameters, step)
        ends.append(_copies(parameters))
    apart = _distance(ends[0], ends[1])
    rule, remedy = "the same gradients must give the same parameters", "draw random numbers from torch alone"
    case.require(apart == 0, rule, f"parameters that differ by {apart:.3g}", remedy)


def resumes_from_its_state(case: Case) -> None:
    """Its state is in ``optimizer.state[parameter]``, as tensors: a resumed run does the same steps."""
    parameters, resumed = _parameters(), _parameters()
    optimizer = _build(case, parameters)
    for step in range(_STEPS):
        _step(case, optimizer, parameters, step)
    with torch.no_grad():
        for one, other in zip(_all(parameters), _all(resumed), strict=True):
            other.copy_(one)
    successor = _build(case, resumed)
    stored = case.attempt("be stored in a checkpoint", lambda: optimizer_tensors(optimizer))
    stored = {name: tensor.clone() for name, tensor in stored.items()}
    case.attempt("be restored from a checkpoint", lambda: restore_optimizer(successor, stored))
    for step in (_STEPS, _STEPS + 1):
        _step(case, optimizer, parameters, step)
        _step(case, successor, resumed, step)
    apart = _distance(parameters, _copies(resumed))
    rule = "an optimizer with the state of another must do the same steps"
    remedy = "keep all state in self.state[parameter], as tensors"
    case.require(apart == 0, rule, f"parameters that differ by {apart:.3g}", remedy)


class _Head(nn.Module):
    """A recurrent layer, for the group of recurrent gates."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(12, 5, bidirectional=True)

    def forward(self, feats_TNF: Tensor) -> Tensor:
        """Return feats_TND."""
        feats_TND: Tensor = self.rnn(feats_TNF)[0]
        return feats_TND


def _parameters() -> ModelParameters:
    """Return the parameters of a small recogniser, the same each time, with a weight decay."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4))
        image, sequence, output = ImageSpec(3, 8), SequenceSpec(8, 12), SequenceSpec(8, 10)
        model = Recognizer(backbone, _Head(), image, sequence, output, ALPHABET, "sum")
    return group_parameters(model, lr=_LR, weight_decay=0.01)


def _build(case: Case, parameters: ModelParameters) -> torch.optim.Optimizer:
    built = case.attempt("be built", lambda: case.component(parameters, **case.options))
    rule, remedy = "its builder must return a torch.optim.Optimizer", "return the optimizer, not its class"
    case.require(isinstance(built, torch.optim.Optimizer), rule, type(built).__name__, remedy)
    optimizer: torch.optim.Optimizer = built
    return optimizer


def _all(parameters: ModelParameters) -> tuple[nn.Parameter, ...]:
    return (*parameters.weights, *parameters.vectors)


def _copies(parameters: ModelParameters) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in _all(parameters)]


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _step(
    case: Case,
    optimizer: torch.optim.Optimizer,
    parameters: ModelParameters,
    number: int,
    *,
    lr: float = _LR,
    size: float = 1.0,
    with_gradient: Callable[[int], bool] = lambda index: True,
) -> None:
    """Do a step as training does, with random gradients that depend on its number alone."""
    generator = _generator(number)
    optimizer.zero_grad(set_to_none=True)
    for index, parameter in enumerate(_all(parameters)):
        gradient = torch.randn(parameter.shape, generator=generator) * size
        parameter.grad = gradient if with_gradient(index) else None
    _set_rates(optimizer, lr)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(number)
        case.attempt("do a step", optimizer.step)


def _set_rates(optimizer: torch.optim.Optimizer, lr: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = lr * group.get("scale", 1.0)


def _distance(parameters: ModelParameters | Sequence[Tensor], before: Sequence[Tensor]) -> float:
    """Return the largest change, NaN where a parameter is not finite."""
    after: Iterator[Tensor] | Sequence[Tensor]
    after = _all(parameters) if isinstance(parameters, ModelParameters) else parameters
    changes = [(one.detach() - old).abs().max() for one, old in zip(after, before, strict=True)]
    return float(torch.stack(changes).max())


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
