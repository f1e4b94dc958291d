"""The list of samples that can't be used."""

from __future__ import annotations

from ctcbench.data.rejected_samples import RejectedSample, list_rejected


def test_a_line_break_in_a_name_or_reason_starts_no_other_entry():
    listed = list_rejected([RejectedSample(0, "a\nb.png", "has '\x1b[2J'"), RejectedSample(1, "é.png", "\n")])
    assert listed == "\n  a\\nb.png: has '\\x1b[2J'\n  é.png: \\n"
