"""Trainings with the step as a graph, on the CPU: `RecordingCapture` stands in for CUDA."""

from dataclasses import replace

import numpy as np
import torch

from ctcbench.config.recipe import Recipe
from ctcbench.training import device, split
from ctcbench.training.cuda.step_graph import StepGraph
from ctcbench.training.objective import Objective
from ctcbench.training.ragged_tensor import RaggedTensor
from ctcbench.training.recognizer.network import build_recognizer
from ctcbench.training.step import new_state, train_step
from tests.tiny_config import tiny
from tests.training.cuda.plain_ctc import plain_ctc_losses
from tests.training.cuda.recording_capture import RecordingCapture
from tests.training.step_cases import ALPHABET, IMAGE, some_samples


def make_training(
    registry, *, samples=None, alphabet=ALPHABET, image=IMAGE, steps=8, scaler=False, **settings
):
    """Return state, split and settings of a training whose parts read nothing on the host."""
    config = tiny(**{"amp": False, "schedule": "cosine", **settings})
    torch.manual_seed(config.seed)
    recipe = Recipe(registry, config)
    compute = device.Compute(torch.device("cpu"), None)
    model = build_recognizer(recipe, image, alphabet)
    state = new_state(recipe, model.train(), compute, steps=steps)
    if recipe.alignment == "ctc":
        function = state.objective.function
        state.objective = Objective(
            lambda *arguments: function(*arguments, ctc_losses=plain_ctc_losses), state.objective.owner
        )
    if scaler:
        state.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**4, growth_interval=3)
    samples = samples or some_samples(
        texts=["".join(str((i * 7 + j) % 10) for j in range(1 + i % 3)) for i in range(20)]
    )
    part = split.make_split(samples, alphabet, compute.device)
    if image.variable:
        images = RaggedTensor(part.images_NCHW, compute.device)
    else:
        images = torch.from_numpy(np.array(part.images_NCHW))
    part = replace(part, images_NCHW=images)
    return state, part.with_buckets(config.batch_size, exact=bool(model.unmasked)), config


def train(state, part, config, *, graph=None):
    """Train to the last step, by a graph where it covers one; return metrics, and the steps by graph."""
    losses, by_graph = [], []
    while state.step < state.steps:
        number = state.step
        metrics = None if graph is None else graph.step()
        if metrics is None:
            metrics = train_step(state, split.batch_at(part, number, config), config)
        else:
            by_graph.append(number)
        losses.append([metrics.loss.item(), float(metrics.all_blank), metrics.grad_norm.item()])
    return losses, by_graph


def make_graph(state, part, config, notices):
    return StepGraph(state, part, config, notices.append, RecordingCapture())


def weights(state):
    model = state.model if state.ema is None else state.ema
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}
