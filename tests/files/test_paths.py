"""Home folders in paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctcbench.builtin.folder import folder
from ctcbench.builtin.picture_sets.csv_set import csv
from ctcbench.builtin.picture_sets.lmdb_set import lmdb
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError
from ctcbench.files.paths import expand_home, outer_space_hint, similar_folder_hint


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert expand_home("~/images", "path=") == Path("/home/someone/images")
    assert expand_home("images/~", "path=") == Path("images/~")


def test_an_unknown_user_is_an_error():
    with pytest.raises(
        UsageError, match=r"^path=~nobody-at-all/x: no home folder is known for ~nobody-at-all"
    ):
        expand_home("~nobody-at-all/x", "path=")


@pytest.mark.parametrize("component", [folder, csv, lmdb])
def test_a_name_with_a_space_at_an_end_is_found(tmp_path, component):
    (tmp_path / "scans ").touch()
    written = f"x:path={tmp_path}/scans "
    path = ComponentString.parse(written).options["path"]
    with pytest.raises(
        UsageError, match=r"there is 'scans ': a path with a space at an end is put in quotes"
    ):
        component(path=path)
    quoted = written.replace("=", "='") + "'"
    assert ComponentString.parse(quoted).options["path"] == f"{tmp_path}/scans "
    (tmp_path / "scans").touch()
    assert outer_space_hint(tmp_path / "scans") == outer_space_hint(tmp_path / "no" / "scans") == ""


def test_a_missing_folder_is_answered_with_a_similar_one(tmp_path):
    (tmp_path / "meters").mkdir()
    (tmp_path / "metre.txt").write_text("")
    with pytest.raises(UsageError, match=r"metres: no such folder; did you mean 'meters'\?"):
        folder(path=str(tmp_path / "metres"))
    assert similar_folder_hint(tmp_path / "lines") == similar_folder_hint(tmp_path / "no" / "lines") == ""
