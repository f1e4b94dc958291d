"""Objective: the loss of a recipe, with a check on two images before training starts."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ctcbench.config.recipe import Recipe
from ctcbench.contract.specs import Alphabet
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_checks import require_loss

# Called as (log_probs_TNK, lengths_N, targets_NL, target_lengths_N); returns the CTC loss of each image.
CTCLosses = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Objective:
    """The loss of a recipe.

    Attributes:
        function: what the component's builder returned.
        owner: owner and name of the component, the beginning of its error messages.
        obstacle: why `function` takes its lengths on the CPU, so that a CUDA graph can't contain it; empty
            where it takes them on the device of the log-probabilities.
        ctc_losses: the CTC losses that `function` receives; None: it uses those of torch, or none.
        deterministic: whether the loss must have the same bits each time. A loss with an obstacle is then
            computed on the CPU, because torch's CTC kernel for CUDA adds in varying order.
    """

    function: Callable[..., Tensor]
    owner: str
    obstacle: str = ""
    ctc_losses: CTCLosses | None = None
    deterministic: bool = False

    def __call__(
        self, log_probs_TNK: Tensor, lengths_N: Tensor, targets_NL: Tensor, target_lengths_N: Tensor
    ) -> Tensor:
        """Return the mean loss in nats per image; lengths are moved where `function` takes them."""
        device = log_probs_TNK.device
        if device.type == "cpu":
            # The kernel is for GPUs. Validation, for example, calls the loss on the CPU.
            return self.function(log_probs_TNK, lengths_N, targets_NL, target_lengths_N)
        if self.obstacle:
            arguments = (log_probs_TNK, lengths_N, targets_NL, target_lengths_N)
            if self.deterministic:
                return self.function(*(argument.cpu() for argument in arguments)).to(device)
            return self.function(*arguments)
        lengths_N = lengths_N.to(device, non_blocking=True)
        target_lengths_N = target_lengths_N.to(device, non_blocking=True)
        if self.ctc_losses is None:
            return self.function(log_probs_TNK, lengths_N, targets_NL, target_lengths_N)
        return self.function(
            log_probs_TNK, lengths_N, targets_NL, target_lengths_N, ctc_losses=self.ctc_losses
        )


def build_objective(
    recipe: Recipe,
    alphabet: Alphabet,
    frames: int,
    find_ctc_losses: Callable[[], CTCLosses | str] = lambda: "there is none for a CPU",
) -> Objective:
    """Build the loss of a recipe, and call it once on random log-probabilities.

    Args:
        recipe: the configuration with its registry.
        alphabet: classes of the characters.
        frames: number of frames T of the log-probabilities.
        find_ctc_losses: returns CTC losses for the device that trains, which read no length on the host, or
            the reason why there are none. It is called only for a loss that takes them.

    Raises:
        UsageError: there is no such loss, or an option of it is wrong.
        PluginError: it fails for two images of one character, or returns no finite scalar with a gradient.
    """
    function: Callable[..., Tensor] = recipe.build("loss", alphabet)
    owner = recipe.describe_owner("loss")
    # A generator of its own, so that the check does not change the random numbers of training.
    chance = torch.Generator().manual_seed(0)
    logits_TNK = torch.randn(frames, 2, alphabet.num_classes, generator=chance).requires_grad_()
    with attribute_errors(f"{owner} failed"):
        value = function(
            logits_TNK.log_softmax(-1),
            torch.tensor([frames, frames]),
            # The lowest and the highest label, since a loss with too few classes fails at the highest.
            torch.tensor([[1], [alphabet.num_classes - 1]]),
            torch.tensor([1, 1]),
        )
    require_loss(owner, value)
    deterministic = recipe.config.deterministic
    if not recipe.on_device("loss"):
        return Objective(function, owner, f"{owner} takes its lengths on the CPU", None, deterministic)
    if "ctc_losses" not in inspect.signature(function).parameters:
        return Objective(function, owner, deterministic=deterministic)
    found = find_ctc_losses()
    if isinstance(found, str):
        return Objective(function, owner, f"{owner} has no kernel here: {found}", None, deterministic)
    return Objective(function, owner, ctc_losses=found, deterministic=deterministic)
