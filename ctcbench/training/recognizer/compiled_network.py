"""CompiledNetwork: a network under torch.compile, on a GPU as CUDA graphs (``--compile``)."""

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
    """A network compiled for batches of one size; batches of other sizes are computed uncompiled.

    On a GPU the kernels of a pass are recorded once and replayed as CUDA graphs, so that the host
    launches one graph instead of hundreds of kernels. Recurrent layers remain cuDNN's. There are no such
    graphs if the gradients of several passes are added up.
    """

    def __init__(self, network: nn.Module, compute: Compute, batch_size: int, parts: int = 1) -> None:
        """Compile at the first call.

        Args:
            network: the network.
            compute: the device that it is on.
            batch_size: number of images of the batches that are computed by the compiled network.
            parts: number of passes whose gradients are added up in a step.
        """
        super().__init__()
        # torch's default is a folder in /tmp with a predictable name, and it loads libraries and pickles
        # from there: another user could place them.
        os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "compiled"))
        self.network = network
        self.batch_size = batch_size
        # A pass leaves its gradients in the memory of its graph, where the next replay would write its own.
        self._has_graphs = compute.device.type == "cuda" and parts == 1
        # torch leaves its recurrent modules uncompiled, but would unroll a call of the function that they
        # call over all frames, which takes minutes.
        for module in network.modules():
            for name in getattr(module, "not_compiled", ()):
                setattr(module, name, torch.compiler.disable(getattr(module, name)))
        self.compile_for_graph(False)

    def compile_for_graph(self, is_captured: bool) -> None:
        """Compile anew at the next call; without CUDA graphs of its own if one of the step contains it."""
        self._replays = self._has_graphs and not is_captured
        mode = "reduce-overhead" if self._replays else "default"
        # In a list, so that it is not a submodule: its parameters are those of `network`.
        self._compiled = [torch.compile(self.network, mode=mode, dynamic=False)]

    def forward(self, images_NCHW: Tensor, *widths: Tensor) -> Any:
        """Return the network's output; `widths` is what the network takes after the images.

        It is compiled for each width of images, of which there are few.

        Raises:
            CtcbenchError: torch can't compile the network on this machine.
        """
        # An epoch's last batch may be smaller. Compiling for its size too would take the time of hundreds
        # of steps.
        if len(images_NCHW) != self.batch_size:
            return self.network(images_NCHW, *widths)
        if self._replays:
            torch.compiler.cudagraph_mark_step_begin()
        try:
            # Augmented images are float32 and others uint8; without the conversion each type would be
            # compiled for separately.
            return self._compiled[0](images_NCHW.float(), *widths)
        except TorchDynamoException as error:
            cause = getattr(error, "inner_exception", error)
            first = next(iter(str(cause).strip().splitlines()), type(cause).__name__)
            raise CtcbenchError(
                f"--compile: torch can't compile this network here: {first}; use --no-compile"
            ) from error
