"""read_trained(): the summary of a finished training, checked, for the results of its decoders."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ctcbench.files.json_records import Count, Name, NotNegative, Record, read_record
from ctcbench.results.result import DataRecord, HostRecord, TrainingRecord
from ctcbench.results.run_folder import RunFolder


class SummaryRecord(Record):
    """JSON document of a run's summary: the parts that a result holds as well."""

    parameters: Count
    train_seconds: NotNegative
    images_per_second: NotNegative | None
    peak_memory_mib: NotNegative | None
    started: Name
    host: HostRecord
    versions: dict[Name, Name | None] = Field(max_length=1_000)
    plugins: dict[Name, Name | None] = Field(max_length=1_000)
    data: DataRecord
    training: TrainingRecord


def read_trained(folder: RunFolder) -> dict[str, Any]:
    """Return the summary of training in a run folder, with the keys of `SummaryRecord` and all others.

    Raises:
        CtcbenchError: the file can't be read or is damaged, or a key is missing or has a wrong value.
    """
    document = folder.read_summary()
    read_record(SummaryRecord, document, folder.summary_path)
    return document
