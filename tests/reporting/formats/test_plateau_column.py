"""The plateau column in every format."""

from __future__ import annotations

import csv
import io
import json

import pytest

from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.formats.csv_json import to_csv, to_json
from ctcbench.reporting.formats.latex import escape, to_latex
from ctcbench.reporting.formats.markdown import to_markdown
from ctcbench.reporting.tables import result_table
from tests.reporting.report_cases import a_run, shown


def plateaus(tmp_path, *left):
    return build_report(
        [
            a_run(
                tmp_path,
                provenance={"training": {} if step == "?" else {"left_plateau_step": step}},
                seed=seed,
            )
            for seed, step in enumerate(left)
        ]
    )


@pytest.mark.parametrize(
    ("left", "text"),
    [
        ((120, 90, 1310, 95), "108 (90 – 1,310)"),
        ((120, None, 90, None), "105 (90 – 120), 2 never"),
        ((None, None), "never"),
        ((120,), "120"),
        ((120, "?"), "120"),
    ],
)
def test_the_plateau_is_in_every_format(tmp_path, left, text):
    report = plateaus(tmp_path, *left)
    cells = result_table(report)
    assert dict(zip(cells.headers, cells.lines[0], strict=True))["plateau left"] == text
    said = shown(report, 250)
    assert text in said and "never: models that were on it at the end of training" in " ".join(said.split())
    assert text in to_markdown(report)
    assert escape(text) in to_latex(report)
    (record,) = csv.DictReader(io.StringIO(to_csv(report)))
    plateau = json.loads(to_json(report))["rows"][0]["plateau"]
    steps = [step for step in left if isinstance(step, int)]
    assert plateau["left"] == len(steps) and plateau["never"] == left.count(None) == int(
        record["plateau_never"]
    )
    assert (plateau["low"], plateau["high"]) == ((min(steps), max(steps)) if steps else (None, None))
    assert record["plateau_median"] == ("" if plateau["median"] is None else str(plateau["median"]))


def test_without_records_of_the_plateau_there_is_no_column(tmp_path):
    report = plateaus(tmp_path, "?", "?")
    assert "plateau left" not in result_table(report).headers and "plateau" not in to_markdown(report)
