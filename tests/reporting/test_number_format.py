"""Numbers as they are written in tables."""

from ctcbench.evaluation.metrics import DECIMAL, PERCENT
from ctcbench.reporting.number_format import (
    count,
    host,
    interval_with_unit,
    p_value,
    percent,
    ranges,
    seconds,
    signed,
)


def test_number_formats():
    assert percent(0.9195) == "91.95 %"
    assert interval_with_unit((0.907, 0.931), PERCENT) == "90.70 – 93.10 %"
    assert interval_with_unit((0.0831, 0.11), DECIMAL) == "0.083 – 0.110"
    assert [count(v) for v in (None, 0, 7, 2306110, 327.6, 12.34, 0.0499)] == [
        "–", "0", "7", "2,306,110", "328", "12.3", "0.0499",
    ]  # fmt: skip
    assert [seconds(v) for v in (None, 9.34, 245.2, 7380)] == ["–", "9.3 s", "4 min 05 s", "2 h 03 min"]
    assert host({"host": {"cpu": "A CPU", "gpu": "A GPU", "cores": 2}}) == "A GPU"
    assert host({"host": {"cpu": "A CPU", "gpu": None, "cores": 1}}) == "A CPU, 1 core"
    assert host({}) == "unknown machine"


def test_ranges_differences_and_p_values():
    assert ranges([5, 1, 2, 3, 7, 8]) == "1–3, 5, 7, 8"
    assert signed(-1e-9) == "+0.00"  # as sums of equal figures may leave it
    assert (signed(0.012), signed(-0.0031), p_value(0.0004), p_value(0.0312)) == (
        "+1.20",
        "−0.31",
        "< 0.001",
        "0.031",
    )
