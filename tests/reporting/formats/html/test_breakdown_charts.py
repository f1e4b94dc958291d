"""Data of the charts of accuracy by length, position and character."""

import dataclasses

from ctcbench.reporting.formats.html.breakdown_charts import MOST_CHARACTERS, breakdown_charts
from tests.reporting.formats.html import html_cases as cases


def test_groups_have_counts_over_runs_and_intervals_over_images(tmp_path):
    read = cases.texts(("ab", "ab"), ("ax", "ab"), ("abc", "abc"))
    members = [cases.member(tmp_path, read, seed=seed) for seed in (0, 1)]
    silent = dataclasses.replace(members[0], predictions=None)
    charts = breakdown_charts([cases.row(1, {}, members), cases.row(2, {}, [silent])])
    assert list(charts) == [1]
    found = charts[1]
    assert [group[:3] for group in found["lengths"]] == [["2", 4, 0.5], ["3", 2, 1.0]]
    assert found["lengths"][1][3:] == [0.2065, 1.0], "Wilson's for 1 of 1, not 2 of 2"
    assert [group[:3] for group in found["positions"]] == [["1", 6, 1.0], ["2", 6, 0.6667], ["3", 2, 1.0]]
    assert [group[0] for group in found["characters"]] == ["b", "a", "c"], "the lowest accuracy first"
    assert (found["texts"], found["left_out"]) == (6, 0)


def test_of_many_characters_those_read_worst_are_shown(tmp_path):
    letters = [chr(0x4E00 + index) for index in range(MOST_CHARACTERS + 4)]
    read = cases.texts(*[("x" if index < 4 else letter, letter) for index, letter in enumerate(letters)])
    found = breakdown_charts([cases.row(1, {}, [cases.member(tmp_path, read, seed=0)])])[1]
    assert len(found["characters"]) == MOST_CHARACTERS and found["left_out"] == 4
    assert [group[0] for group in found["characters"][:4]] == letters[:4]
