"""torch's ``meta`` device as a second device: it has shapes without data, and does not mix with the CPU."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ctcbench.testing.case import Case

META = torch.device("meta")


def require_one_device(case: Case, action: Callable[[], object], remedy: str) -> None:
    """Check that `action`, whose inputs are on ``meta``, creates tensors on that device alone.

    Raises:
        AssertionError: it mixes them with tensors of the CPU, or returns one of these.
    """
    rule = "all tensors must be on the input's device"
    try:
        made = action()
    except Exception as error:
        # Other errors mean that ``meta`` lacks an operation, which proves nothing.
        if "device" in str(error) and "cpu" in str(error):
            case.require(False, rule, str(error).partition("\n")[0], remedy)
        return
    # No error is not enough: a result of constants alone is on the CPU.
    if isinstance(made, Tensor):
        case.require(made.device == META, rule, f"a result on {made.device}", remedy)
