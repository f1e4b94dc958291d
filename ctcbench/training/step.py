"""train_step(): one training step on one screen, and the state that it changes.

Shape letters: N batch, C channels, H height, W width, T frames, K classes with the blank, L label length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ctcbench.config.recipe import Recipe
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.specs import BLANK
from ctcbench.training.augmentation import Augment, build_augmentation
from ctcbench.training.device import Compute
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP, ProcessGroup
from ctcbench.training.objective import Objective, build_objective
from ctcbench.training.recipe_optimizer import build_optimizer, group_parameters
from ctcbench.training.recognizer.network import Recognizer
from ctcbench.training.schedule import ReduceOnPlateau, blank_penalty, learning_rate
from ctcbench.training.split import Batch


@dataclass
class TrainState:
    """State of a training between two steps.

    Attributes:
        model: the recogniser, whose parameters are trained.
        network: the module that a step calls: `model` itself, or a compiled or distributed wrapper of it.
        augment: the augmentation, called as (images_NCHW, widths_N).
        objective: the loss, called as (log_probs_TNK, lengths_N, targets_NL, target_lengths_N).
        scaler: gradient scaler, enabled for float16 only.
        ema: exponential moving average of the weights, or None.
        steps: number of steps of the whole training.
        step: number of steps done.
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
    """Metrics of a step, as scalar tensors on the device: copying them to the host would wait for the step.

    Attributes:
        loss: mean loss in nats per image.
        all_blank: whether the best path of every image is empty.
        grad_norm: norm of the gradient before clipping.
    """

    loss: Tensor
    all_blank: Tensor
    grad_norm: Tensor


def new_state(
    recipe: Recipe,
    model: Recognizer,
    compute: Compute,
    steps: int,
    group: ProcessGroup = SINGLE_PROCESS_GROUP,
) -> TrainState:
    """Return the state before the first of `steps` steps, and move `model` from the CPU to its device.

    The augmentation, the loss and the optimizer are built from `recipe`.

    Raises:
        UsageError: an option of one of them is wrong.
        PluginError: one of them can't be built, or breaks its contract.
    """
    config = recipe.config
    augment = build_augmentation(recipe, model.image)
    objective = build_objective(recipe, model.alphabet, model.output.frames)
    # Before the model moves, because the check for unused parameters runs it on the CPU.
    group.synchronise_batch_norm(model, compute)
    model.to(compute.device)
    if config.channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    # use_buffers: batch norm's statistics are averaged as well. torch would otherwise copy the current ones,
    # which are not those of the averaged weights.
    ema = (
        AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True)
        if config.ema
        else None
    )
    if ema is not None:
        for module in ema.modules():
            if isinstance(module, nn.RNNBase):
                module.flatten_parameters()  # cuDNN warns about weights that are not one block of memory
    network = group.wrap_network(model, compute)
    if config.compile:
        # torch's compiler takes as long to import as torch itself.
        from ctcbench.training.recognizer.compiled_network import CompiledNetwork

        own_N, _ = group.shard(np.arange(config.batch_size))
        network = CompiledNetwork(network, compute, len(own_N))
    parameters = group_parameters(model, config.lr, config.weight_decay, compute.amp_dtype)
    return TrainState(
        model=model,
        network=network,
        augment=augment,
        objective=objective,
        optimizer=build_optimizer(recipe, parameters),
        scaler=torch.amp.GradScaler(compute.device.type, enabled=compute.scales_gradients),
        ema=ema,
        reduce_on_plateau=ReduceOnPlateau(),
        compute=compute,
        group=group,
        steps=steps,
    )


# ------------------------------------------------------------------------------------------------
def train_step(state: TrainState, batch: Batch, config: RunConfig) -> StepMetrics:
    """Train on `batch` for one step, and return its metrics."""
    # This function never waits for the device. Inside torch three parts do: the CTC kernel copies the
    # lengths, the average of the weights a count, float16's gradient scaler whether a gradient overflowed.
    # Random numbers are a function of (seed, step, rank), so that a resumed training draws the same.
    state.compute.seed(step_seed(config.seed, state.step, state.group.rank))
    images_NCHW = batch.images_NCHW
    if state.step < config.augment_until * state.steps:
        images_NCHW = state.augment(images_NCHW, batch.widths_N)
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


def training_loss(state: TrainState, logits_TNK: Tensor, batch: Batch, config: RunConfig) -> Tensor:
    """Return the loss in nats per image, in float32: blank penalty, log-softmax, then the loss component."""
    penalty = blank_penalty(state.step, state.steps, config)
    log_probs_TNK = penalised(logits_TNK.float(), penalty).log_softmax(-1)
    arguments = (
        log_probs_TNK, state.model.frames(batch.widths_N), batch.targets_NL, batch.target_lengths_N
    )  # fmt: skip
    if config.deterministic:
        # torch's CUDA kernel for CTC adds in varying order.
        return state.objective(*(argument.cpu() for argument in arguments)).to(logits_TNK.device)
    return state.objective(*arguments)


# ------------------------------------------------------------------------------------------------


def average_over_processes(group: ProcessGroup, own: StepMetrics, weight: float) -> StepMetrics:
    """Return the metrics of the whole batch from those of this process's shard."""
    # The gradient, and so its norm, is averaged over the processes already.
    if group.world_size == 1:
        return own
    mean = group.all_reduce_mean(torch.stack([own.loss * weight, 1 - own.all_blank.float()]))
    return StepMetrics(mean[0], mean[1] == 0, own.grad_norm)


def clip_gradients(state: TrainState, max_norm: float) -> Tensor:
    """Scale the gradients to a norm of at most `max_norm` (0: no limit); return their norm before that."""
    parameters = [p for p in state.model.parameters() if p.grad is not None]
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None], foreach=True)
    # On a CPU the norm is known, and the multiplication can be skipped; comparing it would wait for a GPU.
    if max_norm and (state.compute.device.type != "cpu" or norm > max_norm):
        nn.utils.clip_grads_with_norm_(parameters, max_norm, norm, foreach=True)
    return norm


def penalised(logits_TNK: Tensor, penalty: float) -> Tensor:
    """Return the logits with `penalty` subtracted from the blank's: z'_tnk = z_tnk − penalty·[k = blank]."""
    if penalty == 0:
        return logits_TNK
    is_blank_K = torch.arange(logits_TNK.shape[-1], device=logits_TNK.device) == BLANK
    return logits_TNK - penalty * is_blank_K


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """Return the seed of torch's generator for a step, counted from 0, in the process of rank `rank`."""
    # Odd constants of SplitMix64 (Steele et al. 2014) spread the seeds over 64 bits, so that no step gets
    # the seed of another or that of the initial weights.
    return (seed * 0x9E3779B97F4A7C15 + (step + 1) * 0xBF58476D1CE4E5B9 + rank * 0x94D049BB133111EB) % 2**63
