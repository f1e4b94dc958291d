"""The tracks of the speed record: the hardware on which records are compared with each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ctcbench.config.run_config import RunConfig
from ctcbench.results import provenance
from ctcbench.training.device import choose_compute
from ctcbench.training.distributed.process_rank import read_process_rank

_THREADS = 2


def on_two_cores(host: Mapping[str, Any]) -> str:
    """Return why a machine does not fit the track of two CPU cores, empty if it does."""
    if host["cores"] > _THREADS:
        return f"torch uses {host['cores']} threads; set OMP_NUM_THREADS={_THREADS}"
    return ""


def on_one_h100(host: Mapping[str, Any]) -> str:
    """Return why a machine does not fit the track of one H100, empty if it does."""
    if not host["gpu"]:
        return "no CUDA device is available"
    return "" if "H100" in host["gpu"] else f"the GPU is {host['gpu']}"


def this_machine() -> dict[str, Any]:
    """Return this machine as results name theirs, with its GPU whether a configuration uses it or not."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return provenance.host(gpu) | {"cores": torch.get_num_threads()}


@dataclass(frozen=True)
class HardwareTrack:
    """The hardware of a class of records.

    Attributes:
        device: the device that trains, as in `RunConfig`; empty: any.
        unfit: returns why a machine, as `provenance.host` names it, does not belong to the track, or an empty
            text.
        processes: most processes that train together; 0: any number.
    """

    device: str
    unfit: Callable[[Mapping[str, Any]], str]
    processes: int = 1


TRACKS: dict[str, HardwareTrack] = {
    "two-cores": HardwareTrack("cpu", on_two_cores),
    "h100": HardwareTrack("cuda", on_one_h100),
    "open": HardwareTrack("", lambda host: "", processes=0),
}


def choose_track(config: RunConfig) -> str:
    """Return the track that this machine belongs to, ``open`` where it belongs to no other."""
    device = choose_compute(config).device.type
    return next((name for name in TRACKS if TRACKS[name].device == device and not unfit_here(name)), "open")


def unfit_here(track: str) -> str:
    """Return why this process can't train for a track, empty if it can."""
    return why_unfit(track, this_machine(), read_process_rank().size)


def why_unfit(track: str, host: Mapping[str, Any], processes: int) -> str:
    """Return why so many processes on a machine don't belong to a track, empty if they do.

    Args:
        track: one of `TRACKS`.
        host: the machine, as `provenance.host` names it.
        processes: number of processes that train together.
    """
    if 0 < TRACKS[track].processes < processes:
        return f"{processes} processes train together; start it without torchrun"
    return TRACKS[track].unfit(host)
