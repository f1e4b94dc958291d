"""The list of samples that can't be used."""

from __future__ import annotations

from ctcbench.data.rejected_samples import RejectedSample, list_rejected, rejected_message


def test_a_line_break_in_a_name_or_reason_starts_no_other_entry():
    listed = list_rejected([RejectedSample(0, "a\nb.png", "has '\x1b[2J'"), RejectedSample(1, "é.png", "\n")])
    assert listed == "\n  a\\nb.png: has '\\x1b[2J'\n  é.png: \\n"


def test_leaving_out_bad_samples_is_suggested_where_others_are_left():
    rejected = [RejectedSample(0, "a.png", "empty file")]
    message = rejected_message("folder", "train", 2, rejected, skipped=False)
    assert message.endswith("\n--skip-bad leaves such samples out")
    assert rejected_message("folder", "train", 1, rejected, skipped=False).endswith("a.png: empty file")
    assert "--skip-bad" not in rejected_message("folder", "train", 2, rejected, skipped=True)
