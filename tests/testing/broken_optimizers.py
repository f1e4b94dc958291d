"""Optimizers that break one rule each."""

import random

import torch

from tests.testing.broken_parts import breaks


class Sgd(torch.optim.Optimizer):
    """Gradient descent with weight decay; its subclasses break rules."""

    def __init__(self, parameters, **defaults):
        decayed = {"params": [*parameters.weights], "weight_decay": parameters.weight_decay}
        super().__init__(
            [decayed, {"params": [*parameters.vectors]}],
            {"lr": parameters.lr, "weight_decay": 0.0, **defaults},
        )

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for parameter in group["params"]:
                self.update(parameter, group)

    def update(self, parameter, group):
        if parameter.grad is not None:
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.sub_(self.direction(parameter), alpha=group["lr"])

    def direction(self, parameter):
        return parameter.grad


def optimizer_that_breaks(rule, words):
    """Note a class as an optimizer that breaks `rule` with a sentence that contains `words`."""

    def note(made):
        def build(parameters):
            return made(parameters)

        build.__name__ = made.__name__
        breaks("optimizer", rule, words)(build)
        return made

    return note


@optimizer_that_breaks(
    "returns_an_optimizer_of_all_parameters", "got its builder returned type, not a torch.optim"
)
def a_class(parameters):
    return Sgd


@optimizer_that_breaks("returns_an_optimizer_of_all_parameters", "parameters are in none of its groups")
def of_weights_alone(parameters):
    return torch.optim.SGD(parameters.weights, lr=parameters.lr)


@optimizer_that_breaks("has_groups_with_positive_scales", "positive finite number; got -1.0")
def with_a_negative_scale(parameters):
    return Sgd(parameters, scale=-1.0)


@optimizer_that_breaks("moves_every_parameter_with_a_gradient", "update all groups")
class OfTheFirstGroup(Sgd):
    def update(self, parameter, group):
        if group is self.param_groups[0]:
            super().update(parameter, group)


@optimizer_that_breaks("leaves_parameters_without_a_gradient", "skip parameters whose .grad is None")
class DecayingAll(Sgd):
    def update(self, parameter, group):
        parameter.mul_(1 - group["lr"] * group["weight_decay"])
        super().update(parameter, group)


@optimizer_that_breaks("leaves_parameters_without_a_gradient", "can't do a step: TypeError")
class NeedingAllGradients(Sgd):
    def update(self, parameter, group):
        parameter.sub_(group["lr"] * parameter.grad)


@optimizer_that_breaks("follows_the_learning_rate_of_its_groups", "= 0 a step must change nothing")
class AtAFixedRate(Sgd):
    def update(self, parameter, group):
        super().update(parameter, {**group, "lr": 0.1})


@optimizer_that_breaks("follows_the_learning_rate_of_its_groups", "must go further; got")
class AtARateOfItsOwn(Sgd):
    def update(self, parameter, group):
        super().update(parameter, {**group, "lr": min(group["lr"], 1e-3)})


@optimizer_that_breaks(
    "stays_finite_without_weight_decay_and_gradient", "a change of nan; add a small number"
)
class Normalising(Sgd):
    def direction(self, parameter):
        return parameter.grad / parameter.grad.norm()


@optimizer_that_breaks("is_finite_for_gradients_of_any_size", "gradients of about 1e+06")
class InHalfPrecision(Sgd):
    def direction(self, parameter):
        return parameter.grad.half().float()


@optimizer_that_breaks("lowers_a_convex_loss", "check the sign of the step")
class Ascending(Sgd):
    def direction(self, parameter):
        return -parameter.grad


@optimizer_that_breaks("has_deterministic_steps", "draw random numbers from torch alone")
class Noisy(Sgd):
    def direction(self, parameter):
        return parameter.grad * random.random()


@optimizer_that_breaks("resumes_from_its_state", "keep all state in self.state[parameter]")
class RememberingElsewhere(Sgd):
    def direction(self, parameter):
        momenta = self.__dict__.setdefault("momenta", {})
        momenta[parameter] = momenta.get(parameter, 0) * 0.9 + parameter.grad
        return momenta[parameter]


@optimizer_that_breaks("resumes_from_its_state", "its state 'count' is int")
class Counting(Sgd):
    def direction(self, parameter):
        state = self.state[parameter]
        state["count"] = state.get("count", 0) + 1
        return parameter.grad / state["count"]
