"""The loss of a recipe, with a check on two images before training starts."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ctcbench.config.recipe import Recipe
from ctcbench.contract.specs import Alphabet
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_checks import require_loss

# Called as (log_probs_TNK, lengths_N, targets_NL, target_lengths_N); returns the mean loss in nats per image.
Objective = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def build_objective(recipe: Recipe, alphabet: Alphabet, frames: int) -> Objective:
    """Build the loss of a recipe, and call it once on random log-probabilities.

    Args:
        recipe: the configuration with its registry.
        alphabet: classes of the characters.
        frames: number of frames T of the log-probabilities.

    Raises:
        UsageError: there is no such loss, or an option of it is wrong.
        PluginError: it fails for two images of one character, or returns no finite scalar with a gradient.
    """
    objective: Objective = recipe.build("loss", alphabet)
    # A generator of its own, so that the check does not change the random numbers of training.
    chance = torch.Generator().manual_seed(0)
    logits_TNK = torch.randn(frames, 2, alphabet.num_classes, generator=chance).requires_grad_()
    with attribute_errors(f"{recipe.describe_owner('loss')} failed"):
        value = objective(
            logits_TNK.log_softmax(-1),
            torch.tensor([frames, frames]),
            # The lowest and the highest label, since a loss with too few classes fails at the highest.
            torch.tensor([[1], [alphabet.num_classes - 1]]),
            torch.tensor([1, 1]),
        )
    require_loss(recipe.describe_owner("loss"), value)
    return objective
