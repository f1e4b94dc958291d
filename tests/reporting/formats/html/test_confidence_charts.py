"""Data of the charts on confidence."""

from ctcbench.reporting.formats.html.confidence_charts import POINTS, confidence_charts
from tests.reporting.formats.html import html_cases as cases


def test_rows_with_confidences_have_charts(tmp_path):
    pairs = [("1", "1"), ("2", "2"), ("3", "x"), ("4", "x")]
    sure = cases.texts(*pairs, sure=(0.95, 0.85, 0.45, None))
    members = [cases.member(tmp_path, sure, seed=seed) for seed in (0, 1)]
    without = cases.member(tmp_path, cases.texts(*pairs), seed=0)
    charts = confidence_charts([cases.row(1, {}, members), cases.row(2, {}, [without])])
    assert list(charts) == [1]
    found = charts[1]
    assert (found["texts"], found["runs"]) == (6, 2)
    assert [bin_[:5] for bin_ in found["bins"]] == [
        [0.4, 0.5, 2, 0.45, 0.0], [0.8, 0.9, 2, 0.85, 1.0], [0.9, 1.0, 2, 0.95, 1.0],
    ]  # fmt: skip
    assert found["ece"] == round((0.45 + 0.15 + 0.05) / 3, 4)
    # Two runs read each text, which counts once in the interval: Wilson's for 1 of 1.
    assert found["bins"][2][5:] == [0.2065, 1.0]
    assert found["coverage"] == [[0.3333, 1.0, 0.95], [0.6667, 1.0, 0.85], [1.0, 0.6667, 0.45]]
    assert [0.99, 0.6667, 0.85] in found["accepted"]


def test_the_curve_of_many_texts_is_thinned_out(tmp_path):
    pairs = [("1", "1")] * 500
    one = cases.member(tmp_path, cases.texts(*pairs, sure=tuple(i / 500 for i in range(500))), seed=0)
    found = confidence_charts([cases.row(1, {}, [one])])[1]
    assert len(found["coverage"]) == POINTS and found["coverage"][-1][0] == 1.0
    assert found["accepted"] == [], "all texts are right, so none has to be rejected"
