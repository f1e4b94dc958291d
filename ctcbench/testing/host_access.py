"""require_no_host_reads(): components that declare ``on_device`` read no value of a tensor on the host."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ctcbench.testing.case import Case
from ctcbench.training.cuda.host_reads import HostReads


def require_no_host_reads(case: Case, action: Callable[[], object]) -> None:
    """Check that `action` contains no operation that a CUDA graph can't contain.

    Raises:
        BrokenRule: it raised an error, or reads a value on the host.
    """
    with HostReads(torch.device("cpu")) as reads:
        reads.part = "it"
        case.attempt("be called", action)
    rule = "with on_device=True it must read no value of a tensor on the host"
    remedy = "compute with torch.where and masks, take ctc_losses, or leave out on_device=True"
    case.require(not reads.found, rule, "; ".join(reads.found), remedy)
