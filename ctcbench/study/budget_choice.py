"""BudgetChoice: the numbers that a study's budget chose for a configuration, as its plan stores them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ctcbench.contract.data import MOST_SAMPLES
from ctcbench.files.json_records import Name, Record

_Positive = Annotated[float, Field(gt=0)]


class BudgetChoice(Record):
    """The numbers of images and epochs, and the measurement behind them.

    Attributes:
        training_seconds: the expected time of the training.
        step_seconds: the measured time of a step.
        compute: what was measured, such as ``cpu in bfloat16, 1 thread``.
    """

    train_samples: Annotated[int, Field(ge=1, le=MOST_SAMPLES)]
    epochs: Annotated[int, Field(ge=1, le=10**9)]
    training_seconds: _Positive
    step_seconds: _Positive
    compute: Name
