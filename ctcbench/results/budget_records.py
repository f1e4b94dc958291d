"""BudgetRecords: the numbers that budgets chose in an output folder, in ``<out>/budgets/<digest>.json``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ctcbench.contract.data import MOST_SAMPLES
from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_files import format_json, parse_object
from ctcbench.files.json_records import Name, NotNegative, Record, read_record
from ctcbench.files.locks import lock
from ctcbench.files.plain_files import MIB
from ctcbench.files.plain_folder import PlainFolder
from ctcbench.results.decoder_key import is_file_name

_FOLDER = "budgets"
_SIZE_LIMIT = MIB
Positive = Annotated[float, Field(gt=0)]


class BudgetRecord(Record):
    """JSON document of the numbers that a budget chose, and of the measurement behind them.

    Attributes:
        digest: that of the budget and the settings, `Budget.digest`; the file is named by it.
        budget_seconds: the budget.
        training_seconds: the expected time of the training.
        step_seconds: the measured time of a step.
        compute: what was measured, such as ``cpu in bfloat16, 2 threads``.
        created: when, in ISO 8601.
    """

    format: Literal[1] = 1
    digest: Name
    budget_seconds: Positive
    train_samples: Annotated[int, Field(ge=1, le=MOST_SAMPLES)]
    epochs: Annotated[int, Field(ge=1, le=10**9)]
    training_seconds: Positive
    step_seconds: Positive
    draw_seconds: NotNegative
    compute: Name
    created: Name


@dataclass(frozen=True)
class BudgetRecords:
    """The records of an output folder. Every file is written atomically, under a lock."""

    out: Path

    def path(self, digest: str) -> Path:
        """Return the path of a record."""
        return self.out / self._name(digest)

    def read(self, digest: str) -> BudgetRecord | None:
        """Return a record, None if there is none.

        Raises:
            NotPlain: a link, a pipe or something else is in its place.
            CtcbenchError: it is damaged, or is the record of something else.
        """
        files, path = PlainFolder(self.out), self.path(digest)
        if not files.has(self._name(digest)):
            return None
        try:
            data = files.read(self._name(digest), _SIZE_LIMIT)
            record = read_record(BudgetRecord, parse_object(data, path), path)
            if record.digest != digest:
                raise CtcbenchError(f"{path}: the record of another command ({record.digest})")
        except CtcbenchError as error:
            raise CtcbenchError(f"{error}; --fresh replaces it") from None
        return record

    def write(self, record: BudgetRecord, *, replace: bool) -> BudgetRecord:
        """Write a record, and return the stored one.

        Without `replace`, a record that another process has written since is kept, and returned.

        Raises:
            NotPlain: a link is in the place of the folder, or something else than a plain file in its own.
            UsageError: it can't be written.
        """
        files = PlainFolder(self.out)
        # Raises for a link in the place of the folder, before the lock creates anything there.
        files.names(_FOLDER)
        with lock(self.out / _FOLDER / ".lock", wait=True, what="writing the numbers of a budget"):
            files.remove_temporary_files(_FOLDER)
            if not replace and (known := self.read(record.digest)):
                return known
            files.write(self._name(record.digest), format_json(record.model_dump()))
        return record

    def _name(self, digest: str) -> str:
        assert is_file_name(digest), digest
        return f"{_FOLDER}/{digest}.json"
