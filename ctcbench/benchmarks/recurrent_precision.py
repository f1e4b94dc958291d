"""Time of a recurrent head by number format: `python -m ctcbench.benchmarks.recurrent_precision`.

Recurrent heads are computed in float32 where the rest of a network is bfloat16 (docs/training.md). This
measures what another format would gain: forward and backward pass of the head `bilstm2` behind the backbone
`cnn3`, with the weights cast in each step, and on a GPU as one CUDA graph. It prints milliseconds as JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ctcbench.training.cuda.capture import CudaCapture

FORMATS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_REPEATS = 20


@dataclass(frozen=True)
class LayerSizes:
    """Sizes of a batch of features and of the layers."""

    images: int = 512
    frames: int = 18
    features: int = 1280
    width: int = 128


def measure(device: torch.device, sizes: LayerSizes) -> dict[str, float | str]:
    """Return the median time of a step in ms by number format, or the error where torch has no such kernel.

    float32 is TensorFloat-32 on a GPU that has it, unless torch's settings forbid it.
    """
    times: dict[str, float | str] = {}
    for name, dtype in FORMATS.items():
        try:
            times[name] = _milliseconds(_step(device, sizes, dtype), device)
        except RuntimeError as error:
            times[name] = next(iter(str(error).strip().splitlines()), type(error).__name__)[:100]
    return times


def _step(device: torch.device, sizes: LayerSizes, dtype: torch.dtype) -> Callable[[], object]:
    """Return a function that computes the gradients of weights and features by layers in `dtype`."""
    torch.manual_seed(0)
    layers = nn.LSTM(sizes.features, sizes.width, 2, bidirectional=True).to(device)
    feats_TNF = torch.randn(sizes.frames, sizes.images, sizes.features, device=device, requires_grad=True)
    start = torch.zeros(4, sizes.images, sizes.width, device=device, dtype=dtype)
    weights: list[Any] = layers._flat_weights

    def step() -> object:
        cast = [weight.to(dtype) for weight in weights]
        made_TND = torch._VF.lstm(
            feats_TNF.to(dtype), (start, start), cast, True, 2, 0.0, True, True, False
        )[0]  # fmt: skip
        return torch.autograd.grad(made_TND.float().square().mean(), [feats_TNF, *weights])

    return step


def _milliseconds(step: Callable[[], object], device: torch.device) -> float:
    """Return the median time of a step, on a GPU of its graph."""
    with warnings.catch_warnings():
        # Cast weights are a block of memory of their own each; cuDNN copies them into one.
        warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous")
        run = CudaCapture()(step) if device.type == "cuda" else step
        times = []
        for _ in range(_REPEATS + 1):  # the first one warms up
            started = time.perf_counter()
            run()
            if device.type == "cuda":
                torch.cuda.synchronize()
            times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times[1:])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure on the GPU, with ``--dry-run`` tiny layers on the CPU, and print the times."""
    parser = argparse.ArgumentParser(prog="recurrent_precision", description=__doc__.partition("\n")[0])
    parser.add_argument("--dry-run", action="store_true", help="measure tiny layers on the CPU")
    is_dry = parser.parse_args(arguments).dry_run
    device, sizes = torch.device("cuda"), LayerSizes()
    if is_dry:
        device, sizes = torch.device("cpu"), LayerSizes(images=2, frames=3, features=4, width=4)
    print(json.dumps(measure(device, sizes)))


if __name__ == "__main__":
    main()
