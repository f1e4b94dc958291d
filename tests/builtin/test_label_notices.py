"""Notices of a folder's labels: characters that no picture shows."""

from __future__ import annotations

from ctcbench.builtin.folder import folder
from ctcbench.builtin.label_notices import invisible_notice


def test_invisible_characters_are_named_with_a_file_each():
    assert invisible_notice({"0.png": "abc é", "1.png": "漢字", "2.png": "\ue000\u0378"}) == ""
    notice = invisible_notice({"0.png": "a\u200b", "1.png": "b\ufeff\u200b", "2.png": "c", "3.png": "\u00a0"})
    assert notice.startswith("3 of 4 training labels have invisible characters: U+00A0 NO-BREAK SPACE")
    assert "U+200B ZERO WIDTH SPACE (as in 0.png), U+FEFF ZERO WIDTH NO-BREAK SPACE (as in 1.png)" in notice
    assert "and 3 more" in invisible_notice({"0.png": "".join(map(chr, range(1, 9)))})


def test_a_folder_reports_them_unless_the_alphabet_is_typed(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}\u200f.png").touch()
    assert "U+200F RIGHT-TO-LEFT MARK" in folder(path=str(tmp_path), val=0, test=0).notices[1]
    assert folder(path=str(tmp_path), val=0, test=0, alphabet="ab\u200f").notices == ("labels: file names",)
