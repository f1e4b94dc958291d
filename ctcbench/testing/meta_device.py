"""Another device where there is none: torch's ``meta`` keeps shapes alone, and won't mix with the host."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ctcbench.testing.case import Case

META = torch.device("meta")


def require_one_device(case: Case, action: Callable[[], object], remedy: str) -> None:
    """Check that `action`, whose tensors are on ``meta``, makes others there only, and returns one of them.

    Raises:
        AssertionError: it mixes them with the host's, or returns what is on the host.
    """
    rule = "all tensors must be on the input's device"
    try:
        made = action()
    except Exception as error:
        # Other errors mean that an operation does not exist there, which proves nothing.
        if "device" in str(error) and "cpu" in str(error):
            case.require(False, rule, str(error).partition("\n")[0], remedy)
        return
    if isinstance(made, Tensor):
        case.require(made.device == META, rule, f"a result on {made.device}", remedy)
