"""Parts of a step that a CUDA graph can't contain are named by component and owner."""

import random
from dataclasses import replace

import pytest
import torch
from torch import nn

from ctcbench.training.cuda.host_reads import HostReads, find_obstacles
from tests.training.cuda.graph_cases import make_graph, make_training, train

PREFIX = "the training step is not captured as a CUDA graph, and takes longer: "
READS = "reads the value of a tensor on the host (.item(), or `if` on a tensor)"


class Scaling(nn.Module):
    """Multiplies by a number that the host reads."""

    def forward(self, x):
        return x * (1 + 0 * x.detach().mean().item())


class ReadingInBackward(torch.autograd.Function):
    """The identity, whose gradient is read on the host."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient if gradient.abs().sum() > 0 else gradient * 0


def notice_of(state, part, config):
    notices = []
    losses, by_graph = train(state, part, config, graph=make_graph(state, part, config, notices))
    assert len(losses) == state.steps
    assert by_graph == []
    (notice,) = notices
    assert notice.startswith(PREFIX)
    assert isinstance(state.optimizer.param_groups[0]["lr"], float)
    assert state.branches
    return notice.removeprefix(PREFIX)


@pytest.mark.parametrize("part_name", ["backbone", "head"])
def test_a_module_that_reads_a_value_is_named(registry, part_name):
    state, part, config = make_training(registry)
    module = getattr(state.model, part_name)
    hooked = Scaling()
    module.register_forward_hook(lambda m, x, y: hooked(y))
    component = {"backbone": config.backbone, "head": config.head}[part_name]
    assert notice_of(state, part, config) == f"ctcbench (builtin): {part_name} {component!r} {READS}"


def test_a_loss_and_an_augmentation_that_read_a_value_are_named(registry):
    state, part, config = make_training(registry, augmentation="distort")
    function, augment = state.objective.function, state.augment.function

    def masked(log_probs_TNK, *others):
        return function(log_probs_TNK, *others) + 0 * log_probs_TNK[log_probs_TNK < 0].sum()

    state.objective = replace(state.objective, function=masked)
    state.augment = replace(
        state.augment, function=lambda images, widths: augment(images, widths) * int(widths.max() > 0)
    )
    assert notice_of(state, part, config) == (
        f"ctcbench (builtin): augmentation 'distort' {READS}; "
        f"ctcbench (builtin): loss {config.loss!r} has a result whose size depends on values; "
        "the backward pass has a result whose size depends on values"
    )


def test_a_backward_pass_that_reads_a_value_is_named(registry):
    state, part, config = make_training(registry)
    state.model.head.register_forward_hook(lambda m, x, y: ReadingInBackward.apply(y))
    assert notice_of(state, part, config) == f"the backward pass {READS}"


def test_an_optimizer_that_reads_a_value_is_named(registry):
    state, part, config = make_training(registry, optimizer="adamw")

    class Reading(torch.optim.AdamW):
        def step(self, closure=None):
            self.norm = sum(float(p.grad.norm()) for group in self.param_groups for p in group["params"])
            super().step()

    groups = [{"params": group["params"], "scale": 1.0} for group in state.optimizer.param_groups]
    state.optimizer = Reading(groups, lr=1e-3, fused=True)
    assert notice_of(state, part, config) == f"ctcbench (builtin): optimizer 'adamw' {READS}"


def test_random_decisions_of_python_are_noticed(registry):
    state, part, config = make_training(registry)
    chance = random.Random(0)
    state.model.head.register_forward_hook(
        lambda m, x, y: [y := y + 0 for _ in range(chance.randrange(1000))] and y
    )
    assert notice_of(state, part, config) == "the network computes other operations in each step"


def test_what_is_known_without_a_step_is_said_at_once(registry):
    state, part, config = make_training(registry)
    state.objective = replace(state.objective, obstacle="someone: loss 'odd' takes its lengths on the CPU")
    state.augment = replace(state.augment, on_device=False, owner="someone: augmentation 'blur'")
    state.optimizer = torch.optim.SGD(
        [{"params": group["params"], "scale": 1.0} for group in state.optimizer.param_groups], lr=1e-3
    )
    for group in state.optimizer.param_groups:
        group.pop("capturable", None)
    notices = []
    graph = make_graph(state, part, config, notices)
    assert notices == [
        PREFIX + "someone: loss 'odd' takes its lengths on the CPU; "
        "someone: augmentation 'blur' takes its widths on the CPU; "
        "ctcbench (builtin): optimizer 'muon' has parameter groups without torch's key 'capturable'"
    ]
    assert graph.step() is None
    assert graph.prepare() == 0.0
    assert notices == [PREFIX + graph.obstacle]
    assert graph.describe_suffix() == ""


def test_a_gradient_scaler_that_reads_on_the_host_is_known_without_a_step(registry):
    state, _, _ = make_training(registry, optimizer="adamw", scaler=True)
    assert find_obstacles(state) == []
    state.optimizer._step_supports_amp_scaling = False
    (obstacle,) = find_obstacles(state)
    assert obstacle.startswith("ctcbench (builtin): optimizer 'adamw' makes float16's gradient scaler read")


@pytest.mark.parametrize(
    ("read", "found"),
    [
        (lambda x: x.sum().item(), True),
        (lambda x: bool(x.sum() > 0), True),
        (lambda x: x[x > 0], True),
        (lambda x: x.nonzero(), True),
        (lambda x: x.masked_select(x > 0), True),
        (lambda x: x.unique(), True),
        (lambda x: x.repeat_interleave(torch.tensor([1, 2, 1])), True),
        (lambda x: x.index_put_((x > 0,), torch.tensor(1.0)), True),
        (lambda x: torch.equal(x, x), True),
        (lambda x: x.repeat_interleave(2), False),
        (lambda x: x.clone().mul_(2).clamp(0, 1), False),
        (lambda x: x[torch.tensor([0, 2])], False),
        (lambda x: torch.where(x > 0, x, 0.0), False),
        (lambda x: nn.functional.dropout(x, 0.5), False),
    ],
)
def test_operations_that_read_on_the_host_are_found(read, found):
    x = torch.tensor([0.5, -1.0, 2.0])
    with HostReads(torch.device("cpu")) as reads:
        read(x)
    assert bool(reads.found) == found


def test_on_another_device_every_tensor_of_the_host_is_found():
    x = torch.zeros(3, device="meta")
    for use in (lambda: x * torch.tensor(2.0), lambda: x.copy_(torch.ones(3))):
        with HostReads(torch.device("meta")) as reads:
            use()
        assert reads.found == ["the step computes with a tensor on the CPU"]
    with HostReads(torch.device("meta")) as reads:
        x.mul(2).add_(x)
    assert reads.found == []
