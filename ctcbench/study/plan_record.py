"""PlanRecord: the JSON document of a study's plan, as far as it is checked when it is read."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from ctcbench.files.json_records import Name, Record
from ctcbench.study.budget_choice import BudgetChoice


# `plan_changes` sorts the values and uses them as keys of a dictionary.
def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError("expected text, a number, true, false or null")


class PlanModelRecord(Record):
    """One model of a stored plan: the name of its run folder, and its settings by result."""

    key: Name
    results: dict[Name, dict[Name, Annotated[Any, AfterValidator(_plain)]]]


class PlanBudget(Record):
    """The numbers that a study's budget chose, by the digest of the configuration."""

    choices: dict[Name, BudgetChoice]


class PlanRecord(Record):
    """JSON document of a study's plan: the parts that `plan_changes` compares, and a budget's choices."""

    models: list[PlanModelRecord]
    resources: dict[str, Any] | None = None
    versions: dict[str, Any] | None = None
    plugins: dict[str, Any] | None = None
    scale: Annotated[float, Field(gt=0, le=1)] = 1.0
    budget: PlanBudget | None = None
