"""Device and precision of a run, and the settings of torch that belong to them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted
from ctcbench.training.distributed.process_rank import SINGLE_PROCESS, ProcessRank

_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
_ISA_VARIABLES = ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
# Values of these variables that forbid bfloat16 instructions; oneDNN ignores values that it does not know.
_ISAS_WITHOUT_BFLOAT16 = frozenset(
    ("sse41", "avx", "avx2", "avx2_vnni", "avx2_vnni_2", "avx512_core", "avx512_core_vnni")
)


@dataclass(frozen=True)
class Compute:
    """Device and precision.

    Attributes:
        device: the device that computes.
        amp_dtype: number format of mixed precision, None for float32 throughout.
    """

    device: torch.device
    amp_dtype: torch.dtype | None

    @property
    def scales_gradients(self) -> bool:
        """Whether gradients are scaled, as float16 has too small a range for them."""
        return self.amp_dtype is torch.float16

    @property
    def precision(self) -> str:
        """Name of the number format of matrix products, for example ``bfloat16``."""
        return str(self.amp_dtype or torch.float32).removeprefix("torch.")

    def describe(self) -> str:
        """Return device and number format as text, for example ``cpu in bfloat16``."""
        return f"{self.device.type} in {self.precision}"

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context manager for the forward pass."""
        if self.amp_dtype is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.amp_dtype)

    def seed(self, seed: int) -> None:
        """Seed torch's random generator of this device."""
        # Not torch.manual_seed: seeding the generators of all devices at each step would be slow.
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        else:
            torch.default_generator.manual_seed(seed)

    def fetch(self, tensor: Tensor) -> Callable[[], Tensor]:
        """Start to copy a tensor to the CPU; return a function that waits for the copy and returns it."""
        if self.device.type != "cuda":
            copy = tensor.cpu()
            return lambda: copy
        # Pinned memory is what makes the copy asynchronous; an event waits for this copy alone, and not for
        # the kernels that were launched after it.
        pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        pinned.copy_(tensor, non_blocking=True)
        copied = torch.cuda.Event()
        copied.record()

        def wait() -> Tensor:
            copied.synchronize()
            return pinned

        return wait

    def synchronise(self) -> None:
        """Wait until a GPU has computed everything that was launched on the current stream."""
        if self.device.type == "cuda":
            torch.cuda.current_stream(self.device).synchronize()

    def name(self) -> str | None:
        """Return the name of the GPU, or None on a CPU."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else None

    def peak_memory_mib(self) -> float | None:
        """Return the peak of allocated GPU memory in MiB, or None on a CPU."""
        if self.device.type != "cuda":
            return None
        return torch.cuda.max_memory_allocated(self.device) / 2**20

    def forget_peak_memory(self) -> None:
        """Reset the peak that `peak_memory_mib` returns."""
        if self.device.type == "cuda":
            torch.cuda.init()  # torch initialises CUDA lazily, and has no statistics before that
            torch.cuda.reset_peak_memory_stats(self.device)


def copy_to_device(array: NDArray[Any], device: torch.device) -> Tensor:
    """Return an array as a tensor on a device, without waiting for what a GPU computes."""
    tensor = torch.from_numpy(array)
    # A copy of other memory would wait until the GPU has computed everything that was launched.
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)


def choose_compute(config: RunConfig, process_rank: ProcessRank = SINGLE_PROCESS) -> Compute:
    """Return the device and precision that a configuration gets on this machine.

    Each of several processes on a machine with GPUs gets its own GPU.

    Raises:
        UsageError: the device does not exist, there are fewer GPUs than processes, or the device does not
            support the precision that the configuration requires.
    """
    # torchrun starts the same command in every process, so the device is chosen by rank.
    device = _device(config.device) if process_rank.size == 1 else _own_device(config.device, process_rank)
    if config.amp is False:
        return Compute(device, None)
    wanted = _DTYPES.get(config.amp_dtype)
    if device.type == "cuda":
        return Compute(device, wanted or default_autocast_dtype(device))
    if wanted is torch.float16:
        raise UsageError("--amp-dtype float16: not supported on a CPU; use bfloat16, or --no-amp")
    dtype = default_autocast_dtype(device)
    if dtype is None and (config.amp or wanted):
        raise UsageError(f"--amp: this CPU has no bfloat16 instructions ({_cpu_limit()}); use --no-amp")
    return Compute(device, dtype)


def default_autocast_dtype(device: torch.device) -> torch.dtype | None:
    """Return the number format in which `device` computes fastest under autocast, None for float32.

    On CUDA that is bfloat16, or float16 where the GPU has no bfloat16 instructions. On a CPU it is
    bfloat16 where the CPU has AVX-512 BF16 or AMX and oneDNN may use them (`ONEDNN_MAX_CPU_ISA`).
    """
    if device.type == "cuda":
        with torch.cuda.device(device):
            # Emulated bfloat16 is slower than float16.
            native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    return torch.bfloat16 if _cpu_has_bfloat16() else None


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


def _own_device(name: str, process_rank: ProcessRank) -> torch.device:
    device = _device(name)
    if device.type == "cpu":
        return device
    local_size, count = process_rank.local_size, torch.cuda.device_count()
    if device.index is not None and local_size > 1:
        raise UsageError(
            f"--device {name}: {local_size} processes can't share it; with --device auto each gets its own"
        )
    if count < local_size:
        raise UsageError(
            f"{local_size} processes on a machine with {counted(count, 'CUDA device')}: each needs "
            f"its own; use --nproc-per-node {count}, or --device cpu"
        )
    return torch.device("cuda", process_rank.local_rank if device.index is None else device.index)


def _cpu_has_bfloat16() -> bool:
    # oneDNN reports bfloat16 on any AVX-512 CPU, but emulates it there, slower than float32. So the CPU
    # must have the instructions, and oneDNN must be allowed to use them.
    checks = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    in_cpu = any(getattr(torch.cpu, check, lambda: False)() for check in checks)
    if not in_cpu or _onednn_isa() in _ISAS_WITHOUT_BFLOAT16:
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _onednn_isa(environment: Mapping[str, str] = os.environ) -> str:
    """Return the instruction set that the environment limits oneDNN to, in lower case, or an empty string."""
    # oneDNN reads the first name that has a value, and ignores its case.
    return next(filter(None, map(environment.get, _ISA_VARIABLES)), "").lower()


def _cpu_limit() -> str:
    isa = _onednn_isa()
    return f"ONEDNN_MAX_CPU_ISA={isa}" if isa in _ISAS_WITHOUT_BFLOAT16 else "AVX-512 BF16 or AMX"


@contextlib.contextmanager
def torch_settings(config: RunConfig, compute: Compute) -> Iterator[None]:
    """Return a context in which torch has the options of a run; afterwards they are as before.

    The states of the random generators of the CPU and of the run's GPU are restored as well.
    """
    # A run can be started from Python, in a process that uses torch for other things too.
    before = torch.are_deterministic_algorithms_enabled()
    cudnn = torch.backends.cudnn
    benchmark, allow_tf32 = cudnn.benchmark, cudnn.allow_tf32
    if compute.device.type == "cuda":
        # cuBLAS is deterministic only with a fixed workspace. Set for all runs, because torch before 2.11
        # reads it only once: a deterministic run after another one would be an error.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(config.deterministic)
    cudnn.benchmark = not config.deterministic
    cudnn.allow_tf32 = compute.amp_dtype is not None  # TensorFloat-32 is mixed precision too
    on_gpu = compute.device.type == "cuda"
    devices = [compute.device] if on_gpu else []
    try:
        # Seeding, streams and synchronisation act on the current device, which must be that of the run.
        current = torch.cuda.device(compute.device) if on_gpu else contextlib.nullcontext()
        with current, torch.random.fork_rng(devices=devices):
            yield
    finally:
        torch.use_deterministic_algorithms(before)
        cudnn.benchmark, cudnn.allow_tf32 = benchmark, allow_tf32
