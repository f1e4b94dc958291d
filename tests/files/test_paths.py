"""Home folders in paths."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.files.paths import expand_home


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert expand_home("~/images", "path=") == Path("/home/someone/images")
    assert expand_home("images/~", "path=") == Path("images/~")


def test_an_unknown_user_is_an_error():
    with pytest.raises(
        UsageError, match=r"^path=~nobody-at-all/x: no home folder is known for ~nobody-at-all"
    ):
        expand_home("~nobody-at-all/x", "path=")
