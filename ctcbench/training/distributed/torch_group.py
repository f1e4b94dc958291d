"""Several processes that train one model: torch.distributed behind the few words of a `Group`."""

from __future__ import annotations

import contextlib
import copy
import datetime
import gc
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
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
from ctcbench.training.distributed.process_group import Group
from ctcbench.training.distributed.process_rank import GroupLost, Place
from ctcbench.training.distributed.sync_batch_norm import synchronise
from ctcbench.training.recognizer.model import Recognizer

# How long others wait for the one that draws, or reads validation. torchrun notices a process that
# has ended by itself; this is for a machine that is cut off.
_PATIENCE = datetime.timedelta(hours=12)
T = TypeVar("T")


@contextlib.contextmanager
def joined(place: Place, config: RunConfig) -> Iterator[Group]:
    """Give the group of the processes that torchrun started.

    Raises:
        UsageError: the device is not there, or not for each process.
        GroupLost: another process has ended.
    """
    on_gpu = device.choose(config, place).device.type == "cuda"
    # What is said on the host goes by gloo on a GPU machine too, so that the GPU need not be waited for.
    distributed.init_process_group("cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=_PATIENCE)
    done = False
    try:
        yield SeveralProcesses(place, "nccl" if on_gpu else "gloo")
        done = True
    except RuntimeError as error:
        if not _is_lost(error):
            raise
        raise GroupLost(
            f"another process of this training has ended, so process {place.rank} of {place.size} has to; "
            f"start it again with --resume"
        ) from error
    finally:
        if done:
            # One that leaves first takes its connections from the others; and what still holds the group
            # when the interpreter ends has threads that abort the process.
            gc.collect()
            with contextlib.suppress(RuntimeError):  # the result is there, whatever became of the others
                distributed.barrier()
        # After an error NCCL might wait for ever for what the others no longer send.
        if done or not on_gpu:
            distributed.destroy_process_group()


def _is_lost(error: RuntimeError) -> bool:
    return isinstance(error, distributed.DistError) or "gloo" in str(error)


class SeveralProcesses(Group):
    """One of several processes; what is sent between them is JSON, tensors and the bytes of files."""

    def __init__(self, place: Place, backend: str) -> None:
        self.place, self.backend = place, backend
        self._leaves_some_out = False

    def describe(self) -> str:
        """Return how many processes there are, and what carries their gradients."""
        return f" over {self.place.size} processes ({self.backend})"

    def share(self, value: T) -> T:
        """Return the first process's `value`."""
        shared: T = json.loads(self._send(json.dumps(value).encode()))
        return shared

    def any(self, flag: bool) -> bool:
        """Say whether the flag of any process is set."""
        flags = torch.tensor([int(flag)])
        distributed.all_reduce(flags)
        return bool(flags.item())

    def in_turn(self, do: Callable[[], T]) -> T:
        """Do something in the first process of each machine, and then in the others."""
        if self.place.is_first_here:
            done = do()
            self.any(False)
            return done
        self.any(False)
        return do()

    def require_same(self, facts: Mapping[str, Any]) -> None:
        """Check that `facts` are the same everywhere; all processes hear if they are not."""
        theirs = self.share(dict(facts))
        differing = next((name for name in facts if facts[name] != theirs[name]), "")
        names = [self._send(differing.encode(), process).decode() for process in range(self.place.size)]
        for process, name in enumerate(names):
            if name:
                raise UsageError(
                    f"process {process} of {self.place.size} has other {name} than the first; each machine "
                    f"needs the same versions, plugins and files"
                )

    @contextlib.contextmanager
    def copy_of(self, path: Path) -> Iterator[Path | None]:
        """Give the first process's file, which need not be on this machine."""
        if not self.share(path.exists()):
            yield None
        elif self.is_first:
            self._send(path.read_bytes())
            yield path
        else:
            with tempfile.TemporaryDirectory() as folder:
                (copied := Path(folder) / path.name).write_bytes(self._send(b""))
                yield copied

    def part(self, indices_N: NDArray[np.int64]) -> tuple[NDArray[np.int64], float]:
        """Return this process's images of a batch, of equal number up to one, and their weight.

        Of fewer images than processes each gets all, as an empty batch is more than most modules
        can take; the means are the same, since all count the same.
        """
        rank, size, count = self.place.rank, self.place.size, len(indices_N)
        if count < size:
            return indices_N, 1.0
        own_N = indices_N[count * rank // size : count * (rank + 1) // size]
        return own_N, size * len(own_N) / count

    def prepare(self, model: Recognizer, compute: Compute) -> None:
        """Replace the batch norms; they keep their weights and names."""
        self._leaves_some_out = _leaves_some_out(model)
        on_gpu = compute.device.type == "cuda"
        replaced = nn.SyncBatchNorm.convert_sync_batchnorm if on_gpu else synchronise
        for name, part in model.named_children():
            setattr(model, name, replaced(part))

    def network(self, model: nn.Module, compute: Compute) -> nn.Module:
        """Return the model in a DistributedDataParallel, which begins with the first process's weights."""
        devices = [compute.device] if compute.device.type == "cuda" else None
        return DistributedDataParallel(
            model, device_ids=devices, find_unused_parameters=self._leaves_some_out
        )

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over the processes."""
        total = values / self.place.size
        distributed.all_reduce(total)
        return total

    def _send(self, data: bytes, sender: int = 0) -> bytes:
        """Return the `data` of the process `sender`; the others' does not count."""
        length = torch.tensor([len(data)])
        distributed.broadcast(length, sender)
        buffer = torch.empty(int(length), dtype=torch.uint8)
        if self.place.rank == sender:
            buffer = torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else buffer
        if len(buffer):
            distributed.broadcast(buffer, sender)
        return buffer.numpy().tobytes()


def _leaves_some_out(model: Recognizer) -> bool:
    """Say whether a parameter gets no gradient in training: such a model is averaged another, slower way."""
    tried = copy.deepcopy(model).train()
    image = model.image
    zeros_NCHW = torch.zeros(2, image.channels, image.height, image.width, dtype=torch.uint8)
    with torch.random.fork_rng(devices=[]):
        output = tried(zeros_NCHW)
    total = sum(logits_TNK.sum() for logits_TNK in output if logits_TNK is not None)
    trained = [parameter for parameter in tried.parameters() if parameter.requires_grad]
    return None in torch.autograd.grad(total, trained, allow_unused=True)
