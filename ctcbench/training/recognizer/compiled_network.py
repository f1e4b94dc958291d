"""``--compile``: the network by torch.compile, on a GPU as CUDA graphs."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import Tensor, nn
from torch._dynamo.exc import TorchDynamoException

from ctcbench.contract.errors import CtcbenchError
from ctcbench.data.cache import cache_folder
from ctcbench.training.device import Compute


class CompiledNetwork(nn.Module):
    """Computes what ``network`` computes, compiled for batches of one size.

    Batches of other sizes, as an epoch's last may be, are computed by ``network`` itself: compiling
    takes the time of hundreds of steps, and would take it for each size anew. On a GPU the kernels of a
    pass are recorded once and played back as CUDA graphs, so that the host launches one thing where it
    launched hundreds; recurrent layers stay cuDNN's own.
    """

    def __init__(self, network: nn.Module, compute: Compute, batch_size: int) -> None:
        super().__init__()
        # torch's own choice is a folder in /tmp with a name that anybody can guess, of which it
        # loads libraries and pickles.
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "compiled"))
        self.network = network
        self.batch_size = batch_size
        self._on_gpu = compute.device.type == "cuda"
        mode = "reduce-overhead" if self._on_gpu else "default"
        # Not as a submodule: its weights are the network's.
        self._fast = [torch.compile(network, mode=mode, dynamic=False)]

    def forward(self, images_NCHW: Tensor) -> Any:
        """Return the network's output.

        Raises:
            CtcbenchError: torch can't compile the network here.
        """
        if len(images_NCHW) != self.batch_size:
            return self.network(images_NCHW)
        if self._on_gpu:
            torch.compiler.cudagraph_mark_step_begin()
        try:
            # Augmented images are float32 and others uint8; each type would be compiled for by itself.
            return self._fast[0](images_NCHW.float())
        except TorchDynamoException as error:
            cause = getattr(error, "inner_exception", error)
            first = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
            raise CtcbenchError(
                f"--compile: torch can't compile this network here: {first}; go on with --no-compile"
            ) from error
