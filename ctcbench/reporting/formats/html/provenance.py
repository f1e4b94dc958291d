"""Where the rows come from: machines and versions, each set of them once, with the rows that it made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ctcbench.reporting.number_format import host
from ctcbench.reporting.report_model import Row


@dataclass
class Source:
    """A machine with its versions; ``rows`` and ``runs`` that came from it, when the first and last began."""

    machine: str
    versions: str
    plugins: str
    rows: set[int] = field(default_factory=set)
    runs: int = 0
    started: list[str] = field(default_factory=list)


def sources(rows: Sequence[Row]) -> list[Source]:
    """Return every machine and set of versions among the runs, that of the most runs first."""
    found: dict[tuple[str, str, str], Source] = {}
    for row in rows:
        for member in row.members:
            provenance = member.result.provenance
            names = host(provenance), _listed(provenance.get("versions")), _listed(provenance.get("plugins"))
            source = found.setdefault(names, Source(*names))
            source.rows.add(row.number)
            source.runs += 1
            if started := provenance.get("started"):
                source.started.append(str(started))
    return sorted(found.values(), key=lambda source: -source.runs)


def _listed(versions: object) -> str:
    if not isinstance(versions, dict):
        return ""
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)
