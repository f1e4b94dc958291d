"""The runs of a report grouped by the machine and the versions that produced them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ctcbench.reporting.number_format import host
from ctcbench.reporting.report_model import Row


@dataclass
class MachineGroup:
    """The ``runs`` on one machine with one set of versions: their rows, and when they ``started``."""

    machine: str
    versions: str
    plugins: str
    rows: set[int] = field(default_factory=set)
    runs: int = 0
    started: list[str] = field(default_factory=list)


def machine_groups(rows: Sequence[Row]) -> list[MachineGroup]:
    """Return a group for each machine and set of versions, the one with the most runs first."""
    found: dict[tuple[str, str, str], MachineGroup] = {}
    for row in rows:
        for member in row.members:
            provenance = member.result.provenance
            names = (
                host(provenance),
                _list_versions(provenance.get("versions")),
                _list_versions(provenance.get("plugins")),
            )
            group = found.setdefault(names, MachineGroup(*names))
            group.rows.add(row.number)
            group.runs += 1
            # ISO 8601 in UTC: the page takes the least and the largest text for the first and last time.
            if started := provenance.get("started"):
                group.started.append(str(started))
    return sorted(found.values(), key=lambda group: -group.runs)


def _list_versions(versions: object) -> str:
    if not isinstance(versions, dict):
        return ""
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)
