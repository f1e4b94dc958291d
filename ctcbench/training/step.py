"""One training step, on one screen, and what it works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import PluginError
from ctcbench.contract.specs import BLANK
from ctcbench.training.device import Compute
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP, ProcessGroup
from ctcbench.training.optimizers import BuildOptimizer, group_parameters
from ctcbench.training.recognizer.network import Recognizer
from ctcbench.training.schedule import ReduceOnPlateau, blank_penalty, learning_rate
from ctcbench.training.split import Batch

Objective = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
Augment = Callable[[Tensor, Tensor], Tensor]
_OF_IMAGES = (torch.uint8, torch.float32)


@dataclass
class TrainState:
    """Everything that a step changes, and ``step``, the number of steps done, out of ``steps``.

    ``network`` computes ``model`` and is the same, but where it is compiled or a group of processes
    trains it.
    """

    model: Recognizer
    network: nn.Module
    augment: Augment
    objective: Objective
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    ema: AveragedModel | None
    reduce_on_plateau: ReduceOnPlateau
    compute: Compute
    group: ProcessGroup
    steps: int
    step: int = 0


@dataclass(frozen=True)
class StepMetrics:
    """What a step found, still on the device so that nothing waits: scalars.

    ``loss`` in nats an image; ``all_blank`` whether the best path of every image is empty;
    ``grad_norm`` before clipping.
    """

    loss: Tensor
    all_blank: Tensor
    grad_norm: Tensor


def new_state(
    model: Recognizer,
    augment: Augment,
    objective: Objective,
    build_optimizer: BuildOptimizer,
    config: RunConfig,
    compute: Compute,
    steps: int,
    group: ProcessGroup = SINGLE_PROCESS_GROUP,
) -> TrainState:
    """Return the state before the first step, with the model on its device."""
    group.synchronise_batch_norm(model, compute)
    model.to(compute.device)
    if config.channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = (
        AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True)
        if config.ema
        else None
    )
    if ema is not None:
        for module in ema.modules():
            if isinstance(module, nn.RNNBase):
                module.flatten_parameters()  # a copy is not one block of memory, of which cuDNN complains
    network = group.wrap_network(model, compute)
    if config.compile:
        from ctcbench.training.recognizer.compiled_network import (
            CompiledNetwork,  # torch's compiler takes as long to import as torch
        )

        own_N, _ = group.shard(np.arange(config.batch_size))
        network = CompiledNetwork(network, compute, len(own_N))
    return TrainState(
        model=model,
        network=network,
        augment=augment,
        objective=objective,
        optimizer=build_optimizer(group_parameters(model, config.lr, config.weight_decay, compute.amp_dtype)),
        scaler=torch.amp.GradScaler(compute.device.type, enabled=compute.scales_gradients),
        ema=ema,
        reduce_on_plateau=ReduceOnPlateau(),
        compute=compute,
        group=group,
        steps=steps,
    )


# ------------------------------------------------------------------------------------------------
def train_step(state: TrainState, batch: Batch, config: RunConfig) -> StepMetrics:
    """Do one step of training on `batch`.

    Nothing here waits for the device. What torch does may: its CTC kernel copies the lengths, its average of
    the weights a count, and the gradient scaler of float16 asks whether a gradient overflowed.
    """
    # Chance too is a function of (seed, step), in each process another.
    state.compute.seed(step_seed(config.seed, state.step, state.group.rank))
    images_NCHW = batch.images_NCHW
    if state.step < config.augment_until * state.steps:
        images_NCHW = augmented(state.augment, batch, config)
    with state.compute.autocast():
        output = state.network(images_NCHW)
    loss = training_loss(state, output.logits_TNK, batch, config)
    if output.aux_TNK is not None:
        loss = loss + config.aux_weight * training_loss(state, output.aux_TNK, batch, config)
    rate = learning_rate(state.step, state.steps, config) * state.reduce_on_plateau.scale
    for group in state.optimizer.param_groups:
        group["lr"] = rate * group["scale"]
    state.optimizer.zero_grad(set_to_none=True)
    state.scaler.scale(loss if batch.weight == 1 else loss * batch.weight).backward()
    state.scaler.unscale_(state.optimizer)
    grad_norm = clip_gradients(state, config.clip)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    if state.ema is not None:
        state.ema.update_parameters(state.model)
    state.step += 1
    all_blank = (output.logits_TNK.detach().argmax(-1) == BLANK).all()
    return average_over_processes(state.group, StepMetrics(loss.detach(), all_blank, grad_norm), batch.weight)


def augmented(augment: Augment, batch: Batch, config: RunConfig) -> Tensor:
    """Return the images of a batch as an augmentation makes them.

    Raises:
        PluginError: what it makes are no images of the same shape on the same device.
    """
    given, made = batch.images_NCHW, augment(batch.images_NCHW, batch.widths_N)
    got = type(made).__name__
    if isinstance(made, Tensor):
        if made.shape == given.shape and made.device == given.device and made.dtype in _OF_IMAGES:
            return made
        got = f"{made.dtype} {tuple(made.shape)} on {made.device}"
    raise PluginError(
        f"augmentation {config.augmentation}: for {tuple(given.shape)} on {given.device} it gave {got}; "
        f"it must give as many of the same shape there, torch.uint8 or torch.float32"
    )


def training_loss(state: TrainState, logits_TNK: Tensor, batch: Batch, config: RunConfig) -> Tensor:
    """Return the loss of logits in float32: blank penalty, log-softmax, then the loss component."""
    penalty = blank_penalty(state.step, state.steps, config)
    log_probs_TNK = penalised(logits_TNK.float(), penalty).log_softmax(-1)
    arguments = (
        log_probs_TNK, state.model.frames(batch.widths_N), batch.targets_NL, batch.target_lengths_N
    )  # fmt: skip
    if config.deterministic:  # torch's CUDA kernel for CTC adds up in whatever order threads arrive
        return state.objective(*(argument.cpu() for argument in arguments)).to(logits_TNK.device)
    return state.objective(*arguments)


# ------------------------------------------------------------------------------------------------


def average_over_processes(group: ProcessGroup, own: StepMetrics, weight: float) -> StepMetrics:
    """Return the metrics of the whole batch from those of a part; its gradient is the batch's already."""
    if group.world_size == 1:
        return own
    mean = group.all_reduce_mean(torch.stack([own.loss * weight, 1 - own.all_blank.float()]))
    return StepMetrics(mean[0], mean[1] == 0, own.grad_norm)


def clip_gradients(state: TrainState, largest: float) -> Tensor:
    """Scale the gradients down to the norm `largest` (0: leave them), and return the norm they had."""
    parameters = [p for p in state.model.parameters() if p.grad is not None]
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None], foreach=True)
    # A CPU knows the norm by now and can save the multiplication; a GPU would have to be waited for.
    if largest and (state.compute.device.type != "cpu" or norm > largest):
        nn.utils.clip_grads_with_norm_(parameters, largest, norm, foreach=True)
    return norm


def penalised(logits_TNK: Tensor, penalty: float) -> Tensor:
    """Return the logits with `penalty` taken from the blank's: z'_tnk = z_tnk − penalty · [k = blank]."""
    if penalty == 0:
        return logits_TNK
    is_blank_K = torch.arange(logits_TNK.shape[-1], device=logits_TNK.device) == BLANK
    return logits_TNK - penalty * is_blank_K


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """Return the seed of torch's generator for a step: spread over 64 bits, and never that of the weights."""
    return (seed * 0x9E3779B97F4A7C15 + (step + 1) * 0xBF58476D1CE4E5B9 + rank * 0x94D049BB133111EB) % 2**63
