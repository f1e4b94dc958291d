"""The report in Markdown."""

from __future__ import annotations

import re

from ctcbench.reporting.formats.markdown import to_markdown
from ctcbench.reporting.formats.markdown_text import markdown_text


def test_markdown(report):
    text = to_markdown(report)
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert len(tables) == 3
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    assert tables[0].splitlines()[0].startswith("| # | backbone | head | decoder | n | exact % |")
    assert r"7\|8" in tables[0] and len(tables[0].splitlines()) == 10
    assert "### Left out, as they can't be read\n\n- x.json: damaged\n" in text
    for heading in ("### Main effects", "### Paired tests", "### Warnings", "### Failed"):
        assert heading in text


def test_paths_are_not_taken_for_emphasis():
    assert markdown_text("_data_/__old__/~~x~~") == r"\_data\_/\_\_old\_\_/\~\~x\~\~"
    assert markdown_text("label_smoothing") == "label_smoothing"
