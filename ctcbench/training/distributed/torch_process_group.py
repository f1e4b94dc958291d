"""ProcessGroup of several processes, on torch.distributed."""

from __future__ import annotations

import contextlib
import copy
import datetime
import gc
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.training import device
from ctcbench.training.device import Compute
from ctcbench.training.distributed.process_group import ProcessGroup
from ctcbench.training.distributed.process_rank import ProcessGroupLost, ProcessRank
from ctcbench.training.distributed.sync_batch_norm import synchronise
from ctcbench.training.recognizer.network import Recognizer

# Processes wait at a barrier while another draws images or validates, which takes up to hours. torchrun
# detects a process that ended; this timeout is for a machine that lost its connection.
_TIMEOUT = datetime.timedelta(hours=12)
T = TypeVar("T")


@contextlib.contextmanager
def join_process_group(process_rank: ProcessRank, config: RunConfig) -> Iterator[ProcessGroup]:
    """Yield the group of the processes that torchrun started, and leave it afterwards.

    Raises:
        UsageError: the device does not exist, or there are fewer of them than processes.
        ProcessGroupLost: another process has ended.
    """
    on_gpu = device.choose_compute(config, process_rank).device.type == "cuda"
    # Tensors on the host use gloo on a GPU machine too, so that exchanging them does not wait for the GPU.
    distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=_TIMEOUT)
    succeeded = False
    try:
        yield TorchProcessGroup(process_rank, "nccl" if on_gpu else "gloo")
        succeeded = True
    except RuntimeError as error:
        if not _is_connection_error(error):
            raise
        raise ProcessGroupLost(
            f"another process of this training has ended, so rank {process_rank.rank} of "
            f"{process_rank.size} processes ends too; start the training again with --resume"
        ) from error
    finally:
        if succeeded:
            # Objects that still hold the group when the interpreter exits have threads that abort the
            # process, so they are collected first.
            gc.collect()
            # A process that leaves early closes the connections of the others. The result is stored by
            # now, so an error of the barrier does not matter.
            with contextlib.suppress(RuntimeError):
                distributed.barrier()
        # After an error NCCL might wait for ever for messages that the others no longer send.
        if succeeded or not on_gpu:
            distributed.destroy_process_group()


def _is_connection_error(error: RuntimeError) -> bool:
    return isinstance(error, distributed.DistError) or "gloo" in str(error)


class TorchProcessGroup(ProcessGroup):
    """Group of several processes, which exchange JSON documents, tensors and the contents of files."""

    def __init__(self, process_rank: ProcessRank, backend: str) -> None:
        self.process_rank, self.backend = process_rank, backend
        self._has_unused_parameters = False
        self._wrapped: DistributedDataParallel | None = None

    def describe_suffix(self) -> str:
        """Return the number of processes and the backend, for example `` over 2 processes (gloo)``."""
        return f" over {self.world_size} processes ({self.backend})"

    def broadcast(self, value: T) -> T:
        """Return the main process's `value`, which JSON must be able to represent."""
        received: T = json.loads(self._broadcast_bytes(json.dumps(value).encode()))
        return received

    def any_process(self, flag: bool) -> bool:
        """Return whether `flag` is set in any process; a barrier as well."""
        flags = torch.tensor([int(flag)])
        distributed.all_reduce(flags)
        return bool(flags.item())

    def main_process_first(self, function: Callable[[], T]) -> T:
        """Call `function` in the main process of each machine, then in the others; return its result."""
        if self.process_rank.is_local_main:
            result = function()
            self.any_process(False)  # a barrier
            return result
        self.any_process(False)
        return function()

    def require_same(self, facts: Mapping[str, Any]) -> None:
        """Check that `facts` are the same in all processes; if not, raise UsageError in every process."""
        expected = self.broadcast(dict(facts))
        differing = next((name for name in facts if facts[name] != expected[name]), "")
        # Every process sends its first difference, so that all raise the same error and none waits for ever.
        names = [
            self._broadcast_bytes(differing.encode(), sender).decode() for sender in range(self.world_size)
        ]
        for rank, name in enumerate(names):
            if name:
                raise UsageError(
                    f"rank {rank} of {self.world_size} processes has other {name} than rank 0; each machine "
                    f"needs the same versions, plugins and files"
                )

    def broadcast_content(self, content: bytes | None) -> bytes | None:
        """Return the main process's `content` of a file, which may be on another machine."""
        if not self.broadcast(content is not None):
            return None
        return self._broadcast_bytes(content or b"")

    def shard(self, indices_N: NDArray[np.int64]) -> tuple[NDArray[np.int64], float]:
        """Return this process's shard of a batch's indices and its weight; sizes differ by one at most."""
        count = len(indices_N)
        # Most modules can't compute an empty batch. If every process computes all images with equal
        # weights, the mean is the same.
        if count < self.world_size:
            return indices_N, 1.0
        # Contiguous and in order of rank, so that the shards together are the batch of a single process.
        own_N = indices_N[count * self.rank // self.world_size : count * (self.rank + 1) // self.world_size]
        return own_N, self.world_size * len(own_N) / count

    def synchronise_batch_norm(self, model: Recognizer, compute: Compute) -> None:
        """Replace the batch norms of a model on the CPU; their parameters keep values and names."""
        self._has_unused_parameters = _has_unused_parameters(model)
        on_gpu = compute.device.type == "cuda"
        convert = nn.SyncBatchNorm.convert_sync_batchnorm if on_gpu else synchronise
        for name, child in model.named_children():
            setattr(model, name, convert(child))

    def wrap_network(self, model: nn.Module, compute: Compute) -> nn.Module:
        """Return the model in DistributedDataParallel, which broadcasts the main process's weights first."""
        devices = [compute.device] if compute.device.type == "cuda" else None
        self._wrapped = DistributedDataParallel(
            model, device_ids=devices, find_unused_parameters=self._has_unused_parameters
        )
        return self._wrapped

    def defer_average(self) -> AbstractContextManager[object]:
        """Return a context in which a backward pass adds to this process's gradients alone."""
        assert self._wrapped is not None
        context: AbstractContextManager[object] = self._wrapped.no_sync()
        return context

    def all_reduce_mean(self, values: Tensor) -> Tensor:
        """Return the mean over the processes of `values`, element by element."""
        mean = values / self.world_size
        distributed.all_reduce(mean)
        return mean

    def _broadcast_bytes(self, data: bytes, sender: int = 0) -> bytes:
        """Return the `data` of rank `sender`; that of other ranks is ignored."""
        length = torch.tensor([len(data)])
        distributed.broadcast(length, sender)
        buffer = torch.empty(int(length), dtype=torch.uint8)
        if self.rank == sender:
            buffer = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else buffer
        if len(buffer):
            distributed.broadcast(buffer, sender)
        return buffer.numpy().tobytes()


def _has_unused_parameters(model: Recognizer) -> bool:
    """Return whether a parameter gets no gradient in training."""
    # DistributedDataParallel otherwise waits for the gradient of every parameter.
    trial = copy.deepcopy(model).train()
    image = model.image
    zeros_NCHW = torch.zeros(2, image.channels, image.height, image.width, dtype=torch.uint8)
    with torch.random.fork_rng(devices=[]):
        output = trial(zeros_NCHW)
    total = sum(logits_TNK.sum() for logits_TNK in output if logits_TNK is not None)
    trained = [parameter for parameter in trial.parameters() if parameter.requires_grad]
    return None in torch.autograd.grad(total, trained, allow_unused=True)
