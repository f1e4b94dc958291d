"""Numbers as text: shares in per cent, intervals, p-values, counts, times, row numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ctcbench.contract.word_lists import counted
from ctcbench.evaluation.metrics import Format
from ctcbench.evaluation.seed_statistics import Interval
from ctcbench.files.text import one_line

MISSING = "–"


def percent(share: float, digits: int = 2) -> str:
    """Return a share (0 to 1) as ``91.95 %``."""
    return f"{share * 100:.{digits}f} %"


def with_unit(value: float, form: Format) -> str:
    """Return the value of a metric as ``91.95 %`` or ``0.096``."""
    return f"{value * form.scale:.{form.digits}f} {form.unit}".strip()


def interval_with_unit(bounds: Interval | None, form: Format) -> str:
    """Return an interval as ``90.67 – 93.06 %`` or ``0.083 – 0.110``; a dash if there is none."""
    return f"{interval(bounds, form)} {form.unit}".strip() if bounds else MISSING


def interval(bounds: Interval | None, form: Format) -> str:
    """Return an interval as ``90.67 – 93.06``, without the unit; a dash if there is none."""
    if bounds is None:
        return MISSING
    # `z`: a bound of −0.00001 is written 0.00, not −0.00. The minus sign is the typographic one, as in
    # `signed`.
    low, high = (f"{bound * form.scale:z.{form.digits}f}" for bound in bounds)
    return f"{low} – {high}".replace("-", "−")


def signed(share: float) -> str:
    """Return a difference of shares in percentage points: ``+1.20``, ``−0.31``."""
    # `z` writes −0.00, which sums of equal numbers can leave, as +0.00.
    return f"{share * 100:+z.2f}".replace("-", "−")


def p_value(p: float) -> str:
    """Return a p-value with three digits, or ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def count(value: float | None) -> str:
    """Return a number with thousands separators, three significant digits if it is small."""
    if value is None:
        return MISSING
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def seconds(value: float | None) -> str:
    """Return a duration as ``9.3 s``, ``4 min 05 s`` or ``2 h 03 min``."""
    if value is None:
        return MISSING
    if value < 60:
        return f"{value:.1f} s"
    # Rounded before it is divided: 119.6 s is 2 min 00 s, not 1 min 60 s.
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def host(provenance: Mapping[str, Any], *, gpu: bool = True) -> str:
    """Return the machine of a result: its GPU, else (or without `gpu`) its CPU and number of cores."""
    machine = provenance.get("host")
    # Result files may be other people's or damaged; the report then has no machine for them.
    machine = machine if isinstance(machine, Mapping) else {}
    number = machine.get("cores")
    cores = f", {counted(number, 'core')}" if number else ""
    processor = f"{machine.get('cpu') or 'unknown machine'}{cores}"
    return one_line(str((gpu and machine.get("gpu")) or processor))


def ranges(numbers: Sequence[int]) -> str:
    """Return whole numbers as ``1–3, 5``."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    # Two adjacent numbers are written 3, 4: a dash would suggest more than two.
    return ", ".join(
        str(run[0]) if len(run) == 1 else f"{run[0]}{'–' if len(run) > 2 else ', '}{run[-1]}" for run in runs
    )


def row_numbers(numbers: Sequence[int]) -> str:
    """Return the numbers of rows as ``row 3`` or ``rows 1–3, 5``."""
    return f"row{'s' if len(numbers) > 1 else ''} {ranges(numbers)}"
