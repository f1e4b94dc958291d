"""Where a loss gets its lengths; torch's ``meta`` device stands in for a GPU."""

import pytest
import torch

from ctcbench import Alphabet, PluginError
from ctcbench.config.recipe import Recipe
from ctcbench.training.objective import Objective, build_objective
from tests.tiny_config import tiny

META = torch.device("meta")


def arguments(device=META):
    return (
        torch.zeros(4, 2, 3, device=device),
        torch.tensor([4, 3]),
        torch.ones(2, 1, dtype=torch.long, device=device),
        torch.tensor([1, 1]),
    )


class Seen:
    """A loss that remembers what it was called with."""

    def __call__(self, *arguments, **keywords):
        self.devices, self.keywords = [argument.device for argument in arguments], keywords
        return arguments[0].sum()


def test_a_loss_that_reads_nothing_on_the_host_gets_its_lengths_on_the_device():
    seen = Seen()
    Objective(seen, "seen")(*arguments())
    assert seen.devices == [META] * 4
    assert seen.keywords == {}


def test_a_loss_that_takes_ctc_losses_gets_them_on_a_gpu_alone():
    seen = Seen()
    objective = Objective(seen, "seen", ctc_losses=max)
    objective(*arguments())
    assert seen.keywords == {"ctc_losses": max}
    objective(*arguments("cpu"))
    assert seen.keywords == {}


def test_other_losses_get_their_lengths_on_the_cpu_and_are_computed_there_if_deterministic():
    cpu, seen = torch.device("cpu"), Seen()
    Objective(seen, "seen", "takes its lengths on the CPU")(*arguments())
    assert seen.devices == [META, cpu, META, cpu]
    with pytest.raises(NotImplementedError, match="meta"):  # the copy to the CPU
        Objective(seen, "seen", "takes its lengths on the CPU", deterministic=True)(*arguments())


def built(registry, loss, found):
    return build_objective(Recipe(registry, tiny(loss=loss)), Alphabet("ab"), 5, lambda: found)


def test_ctc_takes_the_kernel_of_the_device_if_there_is_one(registry):
    assert built(registry, "ctc", max).ctc_losses is max
    assert built(registry, "ctc", max).obstacle == ""
    without = built(registry, "ctc", "Triton can't be imported")
    assert without.ctc_losses is None
    assert without.obstacle.endswith("loss 'ctc' has no kernel here: Triton can't be imported")


def test_the_loss_of_slots_needs_no_kernel(registry):
    objective = built(registry, "slots", None)
    assert (objective.ctc_losses, objective.obstacle) == (None, "")


def test_a_loss_that_fails_for_two_images_names_its_owner(registry):
    with pytest.raises(PluginError, match="loss 'broken'"):
        build_objective(BrokenRecipe(registry, tiny()), Alphabet("ab"), 5)


class BrokenRecipe(Recipe):
    """A recipe whose loss raises."""

    def build(self, kind, *context):
        def broken(*arguments):
            raise ValueError("broken")

        return broken

    def describe_owner(self, kind):
        return "someone: loss 'broken'"
