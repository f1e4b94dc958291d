"""Notes below a table of results: what all rows have in common, and what times were measured on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ctcbench.config.run_config import COMPONENT_SETTINGS
from ctcbench.contract.word_lists import counted, join_words
from ctcbench.files.text import one_line
from ctcbench.reporting.members import Member
from ctcbench.reporting.number_format import host, ranges
from ctcbench.reporting.report_model import Report


def setup_note(report: Report) -> str:
    """Return the components, numbers of images and seeds that all rows have in common."""
    parts = [*_components(report), *_counts(report), *_seeds(report)]
    return f"All rows: {', '.join(parts)}." if parts else ""


def training_time_note(report: Report) -> str:
    """Return what the training times were measured on."""
    precision = _common(report, lambda member: _part(member, "training").get("precision"))
    numbers = f" in {one_line(str(precision))}" if precision else ""
    return f"train s: mean training time on {join_words(_machines(report, gpu=True))}{numbers}."


def decoding_time_note(report: Report) -> str:
    """Return what the decoding times were measured on; decoders use the CPU."""
    return f"decode ms: mean decoding time of an image on {join_words(_machines(report, gpu=False))}."


def _components(report: Report) -> Iterator[str]:
    for name in COMPONENT_SETTINGS:
        value = report.common.get(name)
        # Without images of the training alone, that is the default; a head `none` is a choice.
        if value and not (name == "augmentation" and value == "none"):
            yield f"{name} {one_line(str(value))}"


def _counts(report: Report) -> Iterator[str]:
    train = _common(report, lambda member: _mapping(_part(member, "data").get("images")).get("train"))
    if isinstance(train, int):
        yield counted(train, "training image")
    epochs = report.common.get("epochs")
    if isinstance(epochs, int) and report.common.get("max_steps") == 0:
        yield counted(epochs, "epoch")
    test = _common(report, lambda member: member.result.score.images)
    if isinstance(test, int):
        yield counted(test, "test image")


def _seeds(report: Report) -> Iterator[str]:
    seeds = {frozenset(row.seeds) for row in report.rows}
    if len(seeds) == 1 and (numbers := [seed for seed in seeds.pop() if seed is not None]):
        yield f"seed{'s' if len(numbers) > 1 else ''} {ranges(numbers)}"


def _machines(report: Report, *, gpu: bool) -> list[str]:
    return sorted({host(m.result.provenance, gpu=gpu) for row in report.rows for m in row.members})


def _common(report: Report, value: Callable[[Member], Any]) -> Any:
    """Return the value of all results, None if they differ."""
    found = [value(member) for row in report.rows for member in row.members]
    return found[0] if found and all(one == found[0] for one in found) else None


def _part(member: Member, name: str) -> Mapping[str, Any]:
    return _mapping(member.result.provenance.get(name))


def _mapping(value: Any) -> Mapping[str, Any]:
    # Result files may be other people's or damaged; the report then has no such note.
    return value if isinstance(value, Mapping) else {}
