"""Notices of a folder's labels: characters that no picture shows."""

from __future__ import annotations

import pytest

from ctcbench.builtin import label_notices
from ctcbench.builtin.folder import folder
from ctcbench.builtin.label_notices import Labels, alphabet_notice
from ctcbench.contract.specs import Alphabet


def labels_of(labels: dict[str, str]) -> Labels:
    return Labels(len(labels), labels.values, list(labels).__getitem__)


def invisible_notice(labels: dict[str, str]) -> str:
    return label_notices.invisible_notice(labels_of(labels))


def number_notice(labels: dict[str, str]) -> str:
    return label_notices.number_notice(labels_of(labels))


def test_invisible_characters_are_named_with_a_file_each():
    assert invisible_notice({"0.png": "abc é", "1.png": "漢字", "2.png": "\ue000\u0378"}) == ""
    notice = invisible_notice({"0.png": "a\u200b", "1.png": "b\ufeff\u200b", "2.png": "c", "3.png": "\u00a0"})
    assert notice.startswith("3 of 4 training labels have invisible characters: U+00A0 NO-BREAK SPACE")
    assert "U+200B ZERO WIDTH SPACE (as in 0.png), U+FEFF ZERO WIDTH NO-BREAK SPACE (as in 1.png)" in notice
    assert "and 3 more" in invisible_notice({"0.png": "".join(map(chr, range(1, 9)))})


def test_joiners_within_a_cluster_are_no_characters_of_their_own():
    pytest.importorskip("regex", reason="the package regex is not installed")
    labels = labels_of({"0.png": "\U0001f469\u200d\U0001f467", "1.png": "a\u200b"})
    assert "U+200D" in label_notices.invisible_notice(labels)
    notice = label_notices.invisible_notice(labels, "clusters")
    assert notice.startswith("1 of 2 training labels have invisible characters: U+200B ZERO WIDTH SPACE (as")
    assert "U+200D" not in notice


def test_labels_with_combining_marks_have_a_notice_of_clusters(tmp_path):
    pytest.importorskip("regex", reason="the package regex is not installed")
    for stem in ("\u0915\u093f", "\u0928", "a", "b"):
        (tmp_path / f"{stem}.png").touch()
    place = {"path": str(tmp_path), "val": 0, "test": 0}
    notice = folder(**place).notices[1]
    assert notice.startswith("1 of 4 training labels have combining marks (as that of")
    assert "characters=clusters makes one class of a letter and its marks" in notice
    assert folder(**place, characters="clusters").notices == ("labels: file names",)
    # Rare ones, and letters that have a code point with their accent, are as usual.
    (tmp_path / "\u0915\u093f.png").unlink()
    (tmp_path / "\xe9.png").touch()
    assert folder(**place).notices == ("labels: file names",)


def test_a_folder_reports_them_unless_the_alphabet_is_typed(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}\u200f.png").touch()
    assert "U+200F RIGHT-TO-LEFT MARK" in folder(path=str(tmp_path), val=0, test=0).notices[1]
    assert folder(path=str(tmp_path), val=0, test=0, alphabet="ab\u200f").notices == ("labels: file names",)


@pytest.mark.parametrize(
    ("stems", "written", "options"),
    [
        (["KUC-0", "osm-0"], "label=before-dash", {"label": "before-dash"}),
        (["KUC_0", "osm_17"], "label=before-underscore", {"label": "before-underscore"}),
        (["0001_KUC", "0002_osm"], "pattern='[0-9]+[-_](.+)'", {"pattern": "[0-9]+[-_](.+)"}),
        (
            ["1_KUC_17", "2_osm_4"],
            "pattern='[0-9]+[-_](.+)[-_][0-9]+'",
            {"pattern": "[0-9]+[-_](.+)[-_][0-9]+"},
        ),
    ],
)
def test_a_number_at_one_end_of_all_file_names_is_reported(tmp_path, stems, written, options):
    for stem in stems:
        (tmp_path / f"{stem}.png").touch()
    notice = folder(path=str(tmp_path), val=0, test=0).notices[1]
    assert notice.startswith("2 of 2 labels ")
    assert f"{stems[0]!r} does ({tmp_path / stems[0]}.png)" in notice
    # The advice leaves the number out.
    assert f"{written} leaves " in notice
    advised = folder(path=str(tmp_path), val=0, test=0, **options)
    assert advised.alphabet.characters == "CKUmos"
    # What the user chose is not questioned.
    chosen = folder(path=str(tmp_path), val=0, test=0, label="stem")
    assert chosen.notices == advised.notices == ("labels: file names",)


def test_names_without_such_a_number_have_no_notice():
    assert number_notice({}) == ""
    assert number_notice({"a.png": "12", "b.png": "a-b", "c.png": "a1"}) == ""
    assert number_notice({"a-1.png": "a-1", "b.png": "b"}) == ""


@pytest.mark.parametrize(
    ("stem", "what"),
    [
        ("{:03}", "the numbers from 7 to 106"),
        ("IMG_{:04}", "'IMG_' and a number"),
        ("Bild {}", "'Bild ' and a number"),
        ("x{}", "'x' and a number"),
    ],
)
def test_names_that_a_program_counts_are_reported(tmp_path, stem, what):
    for number in range(7, 107):
        (tmp_path / f"{stem.format(number)}.png").touch()
    notice = folder(path=str(tmp_path), val=0, test=0).notices[1]
    assert notice.startswith(f"100 of 100 labels are {what}, as a camera or a program names files.")
    assert "list=FILE names a list" in notice
    assert folder(path=str(tmp_path), val=0, test=0, label="stem").notices == ("labels: file names",)


def test_readings_that_are_numbers_have_no_such_notice():
    readings = [f"{number * 7919 % 100_000:05}" for number in range(200)]
    assert number_notice({reading: reading for reading in readings}) == ""
    assert number_notice({reading: f"B {reading}" for reading in readings}) == ""
    assert number_notice({str(number): f"{number:02}" for number in range(19)}) == ""
    # One text on several pictures is not counted.
    assert number_notice({f"{i}-{j}": str(i) for i in range(10) for j in range(10)}) == ""


def test_characters_that_a_typed_alphabet_lacks_are_summed_up(tmp_path):
    for name in ("12", "1b", "ca"):
        (tmp_path / f"{name}.png").touch()
    notices = folder(path=str(tmp_path), val=0, test=0, alphabet="digits").notices
    assert notices[1].startswith("the alphabet lacks 'a' (once), 'b' (once) and 'c' (once), which 2 of 3")
    assert folder(path=str(tmp_path), val=0, test=0, alphabet="12abc").notices == ("labels: file names",)
    labels = {"0.png": "".join(map(chr, range(0x4E00, 0x4E00 + 100)))}
    assert "'\u4e09' (once) and 90 more, which 1 of 1" in alphabet_notice(labels_of(labels), Alphabet("a"))


def test_spaces_at_either_end_are_counted_in_all_splits(tmp_path):
    for name in ("train/ab ", "train/a b", "val/b", "test/ a"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.png").touch()
    found = [text for text in folder(path=str(tmp_path)).notices if "with a space" in text]
    assert found == [
        f"2 labels begin or end with a space (as that of {tmp_path}/train/ab .png), which is a character to "
        f"be read like any other; remove it from labels whose pictures do not show it"
    ]
    (tmp_path / "train/ab .png").unlink()
    assert any(text.startswith("1 label begins or ends") for text in folder(path=str(tmp_path)).notices)
    (tmp_path / "test/ a.png").rename(tmp_path / "test/a.png")
    assert folder(path=str(tmp_path)).notices == ("labels: file names",)
