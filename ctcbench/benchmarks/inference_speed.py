"""Inference of a network by torch and by onnxruntime, in turn on the same images."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ctcbench.config.recipe import Recipe
from ctcbench.config.run_config import RunConfig
from ctcbench.data.run_dataset import build_run_dataset
from ctcbench.recognition.onnx_quantization import quantise
from ctcbench.recognition.onnx_reader import start_session
from ctcbench.recognition.torch_reader import TorchReader
from ctcbench.registry.component_registry import Registry
from ctcbench.training.device import Compute, choose_compute
from ctcbench.training.recognizer.network import build_recognizer
from ctcbench.training.recognizer.onnx_export import export_network

_WARM_UP = 2  # rounds


def measure(registry: Registry, config: RunConfig, batch_size: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each batch by library and precision: ``torch float32``, ``onnxruntime int8``, ….

    The network has initial weights, and the images are noise: neither changes the arithmetic. In each round
    every way computes one batch, so that a disturbance of the machine is not of one of them alone. All use
    the threads that torch is set to.

    Args:
        registry: where the components come from.
        config: backbone, head and data set.
        batch_size: images of a batch.
        rounds: number of measured batches.
    """
    recipe = Recipe(registry, config)
    source = build_run_dataset(registry, config).source
    model = build_recognizer(recipe, source.image, source.alphabet).eval()
    graph = export_network(model, recipe).model
    if config.channels_last:
        # As `load_torch_reader` does it.
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    spec, cpu = source.image, torch.device("cpu")
    shape = (batch_size, spec.channels, spec.height, spec.width)
    images_NCHW = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    widths_N = np.full(batch_size, spec.width)
    readers = {"torch float32": TorchReader(model, Compute(cpu, None))}
    mixed = choose_compute(config.replace(device="cpu", amp=None, amp_dtype="auto"))
    if mixed.amp_dtype is not None:
        readers[f"torch {mixed.precision}"] = TorchReader(model, mixed)
    ways: dict[str, Callable[[], object]] = {
        name: functools.partial(reader.read, images_NCHW, widths_N) for name, reader in readers.items()
    }
    feeds = {"images": images_NCHW, "widths": widths_N}
    for name, data in {
        "onnxruntime float32": graph.SerializeToString(),
        "onnxruntime int8": quantise(graph, [(images_NCHW, widths_N)]).SerializeToString(),
    }.items():
        session = start_session(data, Path("model.onnx"), torch.get_num_threads())
        ways[name] = functools.partial(session.run, None, feeds)
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for round_number in range(_WARM_UP + rounds):
        for name, compute in ways.items():
            started = time.perf_counter()
            compute()
            if round_number >= _WARM_UP:
                seconds[name].append(time.perf_counter() - started)
    return seconds
