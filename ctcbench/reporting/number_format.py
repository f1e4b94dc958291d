"""Figures as a reader wants them: shares in per cent, counts with thousands, times in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctcbench.evaluation.metrics import Format
from ctcbench.evaluation.seed_statistics import Interval
from ctcbench.files.text import one_line

MISSING = "–"


def percent(share: float) -> str:
    """Return a share (0 to 1) as ``91.95 %``."""
    return f"{share * 100:.2f} %"


def with_unit(value: float, form: Format) -> str:
    """Return the value of a metric as ``91.95 %`` or ``0.096``."""
    return f"{value * form.scale:.{form.digits}f} {form.unit}".strip()


def interval_with_unit(bounds: Interval | None, form: Format) -> str:
    """Return an interval as ``90.67 – 93.06 %`` or ``0.083 – 0.110``; a dash if there is none."""
    if bounds is None:
        return MISSING
    low, high = (f"{bound * form.scale:.{form.digits}f}" for bound in bounds)
    return f"{low} – {high} {form.unit}".strip()


def count(value: float | None) -> str:
    """Return a number with thousands set apart, three digits behind the point where it is small."""
    if value is None:
        return MISSING
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def seconds(value: float | None) -> str:
    """Return a length of time as ``9.3 s``, ``4 min 05 s`` or ``2 h 03 min``."""
    if value is None:
        return MISSING
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def host(provenance: Mapping[str, Any]) -> str:
    """Return the machine of a result: its GPU, or its CPU and cores."""
    machine = provenance.get("host")
    machine = machine if isinstance(machine, Mapping) else {}
    cores = f", {machine['cores']} cores" if machine.get("cores") else ""
    return one_line(str(machine.get("gpu") or f"{machine.get('cpu') or 'unknown machine'}{cores}"))
