"""train_step(): one training step on one screen, and the state that it changes.

Shape letters: N batch, C channels, H height, W width, T frames, K classes with the blank, L label length.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ctcbench.config.recipe import Recipe
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.specs import BLANK
from ctcbench.training.augmentation import Augmentation, build_augmentation
from ctcbench.training.batch_parts import split_batch
from ctcbench.training.cuda.ctc_backend import find_ctc_losses
from ctcbench.training.device import Compute
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP, ProcessGroup
from ctcbench.training.objective import Objective, build_objective
from ctcbench.training.recipe_optimizer import build_optimizer, group_parameters
from ctcbench.training.recognizer.network import Recognizer, network_widths
from ctcbench.training.schedule import ReduceOnPlateau, blank_penalty, learning_rate
from ctcbench.training.split import Batch
from ctcbench.training.step_metrics import StepMetrics, average_over_processes
from ctcbench.training.weight_average import update_average


@dataclass
class TrainState:
    """State of a training between two steps.

    Attributes:
        recipe: the settings and components that the state was built from.
        model: the recogniser, whose parameters are trained.
        network: the module that a step calls: `model` itself, or a compiled or distributed wrapper of it.
        augment: the augmentation, called as (images_NCHW, widths_N).
        objective: the loss, called as (log_probs_TNK, lengths_N, targets_NL, target_lengths_N).
        scaler: gradient scaler, enabled for float16 only.
        ema: exponential moving average of the weights, or None.
        steps: number of steps of the whole training.
        step: number of steps done.
        learning_rate: rate of the last step, of which each parameter group has a multiple.
        blank_penalty: blank penalty of the step; in a CUDA graph a scalar tensor, which the graph reads.
        group_rates: scalar tensors that the optimizer reads its rates from, one for each parameter group;
            empty while the groups have numbers.
        branches: whether the host may read values that a step has computed. A GPU would wait for that.
    """

    recipe: Recipe
    model: Recognizer
    network: nn.Module
    augment: Augmentation
    objective: Objective
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    ema: AveragedModel | None
    reduce_on_plateau: ReduceOnPlateau
    compute: Compute
    group: ProcessGroup
    steps: int
    branches: bool
    step: int = 0
    learning_rate: float = 0.0
    blank_penalty: float | Tensor = 0.0
    group_rates: Sequence[Tensor] = ()


def new_state(
    recipe: Recipe,
    model: Recognizer,
    compute: Compute,
    steps: int,
    group: ProcessGroup = SINGLE_PROCESS_GROUP,
) -> TrainState:
    """Return the state before the first of `steps` steps, and move `model` from the CPU to its device.

    The augmentation, the loss and the optimizer are built from `recipe`, and its ``freeze`` takes effect.

    Raises:
        UsageError: an option of one of them is wrong.
        PluginError: one of them can't be built, or breaks its contract.
    """
    config = recipe.config
    # Here and not where weights are loaded: steps that a budget times must not be slower than the training's.
    if config.freeze == "backbone":
        model.freeze_backbone()
    augment = build_augmentation(recipe, model.image)
    objective = build_objective(
        recipe, model.alphabet, model.output.frames, lambda: find_ctc_losses(compute.device)
    )
    # Before the model moves, because the check for unused parameters runs it on the CPU.
    group.synchronise_batch_norm(model, compute)
    model.to(compute.device)
    if config.channels_last:
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    # use_buffers: batch norm's statistics are averaged as well. torch would otherwise copy the current ones,
    # which are not those of the averaged weights.
    ema = (
        AveragedModel(model, compute.device, multi_avg_fn=get_ema_multi_avg_fn(config.ema), use_buffers=True)
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
        network = CompiledNetwork(network, compute, -(-len(own_N) // config.accumulate), config.accumulate)
    parameters = group_parameters(model, config.lr, config.weight_decay, compute.amp_dtype)
    return TrainState(
        recipe=recipe,
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
        branches=compute.device.type == "cpu",
    )


# ------------------------------------------------------------------------------------------------
def train_step(state: TrainState, batch: Batch, config: RunConfig) -> StepMetrics:
    """Train on `batch` for one step, and return its metrics."""
    prepare_step(state, config)
    metrics = compute_step(state, batch, config, augments=augments_at(state, config))
    state.step += 1
    return average_over_processes(state.group, metrics, batch.weight)


def prepare_step(state: TrainState, config: RunConfig) -> None:
    """Set what changes from step to step on the host: random seed, learning rates, blank penalty."""
    # Random numbers are a function of (seed, step, rank), so that a resumed training draws the same.
    state.compute.seed(step_seed(config.seed, state.step, state.group.rank))
    scale = state.reduce_on_plateau.scale
    state.learning_rate = learning_rate(state.step, state.steps, config) * scale
    for index, group in enumerate(state.optimizer.param_groups):
        rate = state.learning_rate * group["scale"]
        if state.group_rates:
            state.group_rates[index].fill_(rate)
        else:
            group["lr"] = rate
    penalty = blank_penalty(state.step, state.steps, config)
    if isinstance(state.blank_penalty, Tensor):
        state.blank_penalty.fill_(penalty)
    else:
        state.blank_penalty = penalty


def compute_step(state: TrainState, batch: Batch, config: RunConfig, *, augments: bool) -> StepMetrics:
    """Compute loss, gradients and update of a step that is prepared; return the metrics of this process.

    With `state.branches` false and all of `batch` on the device, it reads no value on the host.
    """
    # A CUDA graph repeats this function without its Python code. So everything that differs between steps
    # is either a tensor whose address stays the same, or set by `prepare_step`, or an argument.
    if augments:
        batch = batch._replace(images_NCHW=state.augment(batch.images_NCHW, batch.widths_N))
    state.optimizer.zero_grad(set_to_none=True)
    loss, all_blank = add_gradients(state, split_batch(batch, config.accumulate), config)
    state.scaler.unscale_(state.optimizer)
    grad_norm = clip_gradients(state, config.clip)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    if state.ema is not None:
        update_average(state.ema, state.model, config.ema, is_first=state.step == 0)
    return StepMetrics(loss, all_blank, grad_norm)


def add_gradients(
    state: TrainState, parts: Sequence[tuple[Batch, float]], config: RunConfig
) -> tuple[Tensor, Tensor]:
    """Add up the gradients of the parts of a batch, each with its share of the images.

    Returns:
        The loss of the batch, and whether the best path of every image is empty.
    """
    losses, blanks = [], []
    for number, (batch, share) in enumerate(parts, start=1):
        # Only the last part averages over the processes, which takes the time of a copy of all gradients.
        with state.group.defer_average() if number < len(parts) else contextlib.nullcontext():
            widths = network_widths(state.model, batch.images_NCHW, batch.widths_N)
            with state.compute.autocast():
                output = state.network(batch.images_NCHW, *widths)
            loss = training_loss(state, output.logits_TNK, batch)
            if output.aux_TNK is not None:
                loss = loss + config.aux_weight * training_loss(state, output.aux_TNK, batch)
            weight = batch.weight * share
            state.scaler.scale(loss if weight == 1 else loss * weight).backward()
        losses.append(loss.detach() * share)
        blanks.append(is_all_blank(state.model, output.logits_TNK.detach(), *widths))
    return torch.stack(losses).sum(), torch.stack(blanks).all()


def training_loss(state: TrainState, logits_TNK: Tensor, batch: Batch) -> Tensor:
    """Return the loss in nats per image, in float32: blank penalty, log-softmax, then the loss component."""
    log_probs_TNK = penalised(logits_TNK.float(), state.blank_penalty).log_softmax(-1)
    lengths_N = state.model.batch_frames(batch.widths_N, logits_TNK)
    return state.objective(log_probs_TNK, lengths_N, batch.targets_NL, batch.target_lengths_N)


def is_all_blank(model: Recognizer, logits_TNK: Tensor, widths_N: Tensor | None = None) -> Tensor:
    """Return whether the best path of every image is empty; frames of padding don't count."""
    is_blank_TN = logits_TNK.argmax(-1) == BLANK
    # Images without masks have no padding.
    if widths_N is not None and not model.unmasked:
        frame_T1 = torch.arange(len(logits_TNK), device=logits_TNK.device)[:, None]
        is_blank_TN |= frame_T1 >= model.frames(widths_N)
    return is_blank_TN.all()


def augments_at(state: TrainState, config: RunConfig) -> bool:
    """Return whether the images of the next step are augmented."""
    return state.step < config.augment_until * state.steps


# ------------------------------------------------------------------------------------------------


def clip_gradients(state: TrainState, max_norm: float) -> Tensor:
    """Scale the gradients to a norm of at most `max_norm` (0: no limit); return their norm before that."""
    parameters = [p for p in state.model.parameters() if p.grad is not None]
    norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None], foreach=True)
    # On a CPU the norm is known, and the multiplication can be skipped.
    if max_norm and (not state.branches or norm > max_norm):
        nn.utils.clip_grads_with_norm_(parameters, max_norm, norm, foreach=True)
    return norm


def penalised(logits_TNK: Tensor, penalty: float | Tensor) -> Tensor:
    """Return the logits with `penalty` subtracted from the blank's: z'_tnk = z_tnk − penalty·[k = blank]."""
    if not isinstance(penalty, Tensor) and penalty == 0:
        return logits_TNK
    is_blank_K = torch.arange(logits_TNK.shape[-1], device=logits_TNK.device) == BLANK
    return logits_TNK - penalty * is_blank_K


def step_seed(seed: int, step: int, rank: int = 0) -> int:
    """Return the seed of torch's generator for a step, counted from 0, in the process of rank `rank`."""
    # Odd constants of SplitMix64 (Steele et al. 2014) spread the seeds over 64 bits, so that no step gets
    # the seed of another or that of the initial weights.
    return (seed * 0x9E3779B97F4A7C15 + (step + 1) * 0xBF58476D1CE4E5B9 + rank * 0x94D049BB133111EB) % 2**63
