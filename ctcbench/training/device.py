"""Which device and which precision a run gets, and the switches that make torch repeat itself."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.training.distributed.process_rank import ALONE, Place

_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Compute:
    """The device, the number format of mixed precision (None: float32 throughout), the gradient scaling."""

    device: torch.device
    amp_dtype: torch.dtype | None

    @property
    def scales_gradients(self) -> bool:
        """Whether gradients are scaled, as float16's small range asks."""
        return self.amp_dtype is torch.float16

    @property
    def precision(self) -> str:
        """The number format of the products, by name."""
        return str(self.amp_dtype or torch.float32).removeprefix("torch.")

    def describe(self) -> str:
        """Return device and number format, as ``cpu in bfloat16``."""
        return f"{self.device.type} in {self.precision}"

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context in which the forward pass runs."""
        if self.amp_dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.amp_dtype)

    def seed(self, seed: int) -> None:
        """Seed the generator that dropout draws from on this device, and no other: it is done each step."""
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        else:
            torch.default_generator.manual_seed(seed)

    def fetch(self, tensor: Tensor) -> Callable[[], Tensor]:
        """Begin to copy a tensor to the CPU; what is returned waits for it and gives it."""
        if self.device.type != "cuda":
            here = tensor.cpu()
            return lambda: here
        pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        pinned.copy_(tensor, non_blocking=True)
        copied = torch.cuda.Event()
        copied.record()

        def wait() -> Tensor:
            copied.synchronize()
            return pinned

        return wait

    def name(self) -> str | None:
        """Return the GPU's name, or None on a CPU."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else None

    def peak_memory_mib(self) -> float | None:
        """Return the most GPU memory that was allocated, in MiB, or None on a CPU."""
        if self.device.type != "cuda":
            return None
        return torch.cuda.max_memory_allocated(self.device) / 2**20

    def forget_peak_memory(self) -> None:
        """Count `peak_memory_mib` from here on."""
        if self.device.type == "cuda":
            torch.cuda.init()  # torch begins with CUDA at the first tensor there, and has no figures before
            torch.cuda.reset_peak_memory_stats(self.device)


def choose(config: RunConfig, place: Place = ALONE) -> Compute:
    """Return the device and precision that a configuration gets on this machine.

    Of several processes on a machine with GPUs each gets its own.

    Raises:
        UsageError: the device is not there, or not for each process, or can't do the mixed precision
            asked for.
    """
    device = _device(config.device) if place.size == 1 else _own_device(config.device, place)
    if config.amp is False:
        return Compute(device, None)
    wanted = _DTYPES.get(config.amp_dtype)
    if device.type == "cuda":
        with torch.cuda.device(device):
            # Emulated bfloat16 is slower than float16, so the instructions themselves are asked for.
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        best = torch.bfloat16 if native else torch.float16
        return Compute(device, wanted or best)
    if wanted is torch.float16:
        raise UsageError("--amp-dtype float16: a CPU has no use for it; use bfloat16, or --no-amp")
    if _cpu_has_bfloat16():
        return Compute(device, torch.bfloat16)
    if config.amp or wanted:
        raise UsageError("--amp: this CPU has no bfloat16 instructions (AVX-512 BF16 or AMX); use --no-amp")
    return Compute(device, None)


def _device(name: str) -> torch.device:
    available = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if available else "cpu")
    device = torch.device(name)
    if device.type == "cuda":
        count = torch.cuda.device_count() if available else 0
        if (device.index or 0) >= count:
            there = f"there are {count} CUDA devices" if count else "torch sees no CUDA device here"
            raise UsageError(f"--device {name}: {there}; use --device cpu or auto")
    return device


def _own_device(name: str, place: Place) -> torch.device:
    device = _device(name)
    if device.type == "cpu":
        return device
    if device.index is not None and place.local_size > 1:
        raise UsageError(
            f"--device {name}: {place.local_size} processes can't share it; with --device auto each gets "
            f"its own"
        )
    count = torch.cuda.device_count()
    if count < place.local_size:
        raise UsageError(
            f"{place.local_size} processes on a machine with {count} CUDA device{'s' * (count != 1)}: each "
            f"needs its own; use --nproc-per-node {count}, or --device cpu"
        )
    return torch.device("cuda", place.local_rank if device.index is None else device.index)


def _cpu_has_bfloat16() -> bool:
    # Emulated bfloat16 is slower than float32, so the instructions themselves are asked for.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, check, lambda: False)() for check in checks)


@contextlib.contextmanager
def repeatable(config: RunConfig, compute: Compute) -> Iterator[None]:
    """Set torch's switches and generators for a run, and put them back afterwards."""
    before = torch.are_deterministic_algorithms_enabled()
    cudnn = torch.backends.cudnn
    benchmark, allow_tf32 = cudnn.benchmark, cudnn.allow_tf32
    if config.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(config.deterministic)
    cudnn.benchmark = not config.deterministic
    cudnn.allow_tf32 = compute.amp_dtype is not None  # float32 throughout is not TensorFloat-32
    on_gpu = compute.device.type == "cuda"
    devices = [compute.device] if on_gpu else []
    try:
        # Seeds, streams and waiting all go to the current device, so that must be the run's.
        current = torch.cuda.device(compute.device) if on_gpu else contextlib.nullcontext()
        with current, torch.random.fork_rng(devices=devices):
            yield
    finally:
        torch.use_deterministic_algorithms(before)
        cudnn.benchmark, cudnn.allow_tf32 = benchmark, allow_tf32
