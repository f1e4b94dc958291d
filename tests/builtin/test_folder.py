"""The folder data set: where labels come from, how files are assigned to splits, and errors."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ctcbench.builtin.folder import folder
from ctcbench.contract.errors import BadSample, UsageError


def picture(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (30, 10), shade).save(path)


@pytest.fixture
def root(tmp_path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def fill(root: Path, *names: str) -> None:
    for name in names:
        picture(root / name)


def labels(source, split="train") -> dict[str, str | None]:
    return {entry.name: entry.text for entry in source.splits[split]}


def whole(root: Path, **options):
    return folder(path=str(root), val=0, test=0, **options)


def bad(source, split="train") -> dict[str, str]:
    reasons = {}
    for index in range(source.size(split)):
        try:
            source.draw(split, index)
        except BadSample as error:
            reasons[source.describe(split, index)] = str(error)
    return reasons


def test_the_stem_is_the_label(root):
    fill(root, "abc.png", "x1.JPG", "deep/er/12.gif", ".hidden.png", ".cache/z.png")
    (root / "notes.md").write_text("not a picture")
    source = whole(root)
    assert labels(source) == {"abc.png": "abc", "x1.JPG": "x1", "deep/er/12.gif": "12"}
    assert source.alphabet.characters == "12abcx"
    sample = source.draw("train", 0)
    assert sample.image.shape == (40, 150)
    assert sample.width == 150
    assert sample.text == source.splits["train"][0].text


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"label": "before-dash"}, "a_b-c"),
        ({"label": "before-underscore"}, "a"),
        ({"label": "stem"}, "a_b-c-7"),
        ({"pattern": r"-(.)-"}, "c"),
        ({"pattern": r"(x)?(?P<label>a_b)"}, "a_b"),
    ],
)
def test_labels_from_names(root, options, text):
    fill(root, "a_b-c-7.png")
    assert labels(whole(root, **options)) == {"a_b-c-7.png": text}


def test_names_without_the_separator_are_bad_samples(root):
    fill(root, "a-1.png", "b.png")
    assert bad(whole(root, label="before-dash")) == {
        str(root / "b.png"): "its name has no '-' to end the label"
    }
    assert bad(whole(root, pattern="(.)-")) == {
        str(root / "b.png"): "the pattern '(.)-' is not found in its name"
    }


LISTS = {
    "csv with two columns": ("labels.csv", "1.png,abc\n2.png,d e\n"),
    "csv with a header": ("labels.csv", "width,label,file,more\n3,abc,1.png,x\n3,d e,2.png,y\n"),
    "csv from a spreadsheet": ("labels.csv", '\ufeffPicture No.;x\r\n1.png;abc\r\n"2.png";"d e"\r\n'),
    "csv of Windows": ("labels.csv", "\ufefffilename;text\r\n1.png;abc\r\n\r\n2.png;d e\r\n"),
    "csv with tabs": ("labels.csv", "image\ttext\n1.png\tabc\n2.png\td e\n"),
    "text with spaces": ("labels.txt", "1.png abc\n\n2.png   d e\n"),
    "text with tabs": ("labels.txt", "\ufeff1.png\tabc\r\n2.png\td e"),
}


@pytest.mark.parametrize("kind", LISTS)
def test_labels_from_a_list(root, kind):
    name, content = LISTS[kind]
    fill(root, "1.png", "2.png", "unlisted.png")
    (root / name).write_bytes(content.encode())
    source = whole(root)
    found = labels(source)
    found.pop("Picture No.", None)  # not a header that is known: a line like any other, reported below
    assert found == {"1.png": "abc", "2.png": "d e"}
    if "spreadsheet" in kind:
        assert bad(source) == {
            f"{root / name}:1": "Picture No. is listed, but there is no such file "
            "(if this is a header: call the columns file and label, for example, or name them by image= "
            "and label= of dataset csv)"
        }
    assert labels(whole(root, label="stem")) == {f"{s}.png": s for s in ("1", "2", "unlisted")}


def test_lines_that_cannot_be_used_are_bad_samples(root):
    fill(root, "1.png", "2.png", "3.png", "4.png")
    (root / "labels.csv").write_text('1.png,a\n2.png\n3.png,a,b\n1.png,b\nno.png,c\n,d\n4.png,"x,y"\n')
    source = whole(root)
    twice = f"'a' ({root}/labels.csv:1), 'b' ({root}/labels.csv:4)"
    assert bad(source) == {
        f"{root}/labels.csv:1": f"1.png: this file has several labels: {twice}",
        f"{root}/labels.csv:2": "the line has 1 cell, not 2: it has no label (separated by ',')",
        f"{root}/labels.csv:3": "the line has 3 cells, not 2; a text with ',' in it is quoted: \"a,b\"; "
        "more columns need a header such as file,label",
        f"{root}/labels.csv:4": f"1.png: this file has several labels: {twice}",
        f"{root}/labels.csv:5": "no.png is listed, but there is no such file",
        f"{root}/labels.csv:6": "the line names no file",
    }
    assert labels(source)["4.png"] == "x,y"


def test_pictures_that_cannot_be_used_are_bad_samples(root):
    fill(root, "ok.png", "né.png")
    (root / "broken.png").write_bytes((root / "ok.png").read_bytes()[:45])
    (root / "empty.png").touch()
    source = whole(root, alphabet="abcdefghijklmnopqrstuvwxyz")
    reasons = {Path(name).name: reason for name, reason in bad(source).items()}
    assert reasons.pop("broken.png").startswith("damaged or cut off")
    assert reasons == {
        "né.png": "its label 'né' has 'é', which the alphabet lacks",
        "empty.png": "empty file",
    }


def test_accents_are_composed_and_foreign_bytes_named(root):
    fill(root, "e\u0301.png")
    picture_bytes = (root / "e\u0301.png").read_bytes()
    with open(os.fsencode(root) + b"/\xff.png", "wb") as file:  # noqa: PTH123
        file.write(picture_bytes)
    source = whole(root)
    assert source.alphabet.characters == "é"
    ((name, reason),) = bad(source).items()
    assert reason == "its name is not UTF-8"
    assert name.endswith("\\xff.png")
    assert source.fingerprint("train")


def test_split_folders_are_taken_as_they_are(root):
    fill(root, "train/a.png", "train/x/b.png", "val/c.png", "test/d.png", "stray.png")
    source = folder(path=str(root))
    assert [sorted(labels(source, split)) for split in ("train", "val", "test")] == [
        ["train/a.png", "train/x/b.png"], ["val/c.png"], ["test/d.png"],
    ]  # fmt: skip
    assert source.alphabet.characters == "ab"
    assert bad(source, "val") == {} and source.draw("val", 0).text == "c"


def test_split_folders_with_lists(root):
    fill(root, "train/1.png", "train/2.png", "test/3.png")
    (root / "labels.txt").write_text("train/1.png a\ntrain/2.png b\ntest/3.png c\n")
    source = whole(root)
    assert labels(source) == {"train/1.png": "a", "train/2.png": "b"}
    assert labels(source, "test") == {"test/3.png": "c"}
    (root / "labels.txt").write_text("train/1.png a\ntrain/2.png b\n")
    (root / "test" / "labels.csv").write_text("3.png,own\n")
    assert labels(whole(root), "test") == {"test/3.png": "own"}


def test_a_missing_split_is_carved_from_train(root):
    fill(root, *(f"train/{i}.png" for i in range(300)), "test/1.png")
    source = folder(path=str(root), val=0.2)
    assert 35 < source.size("val") < 85
    assert source.size("train") + source.size("val") == 300
    assert source.size("test") == 1


def test_fractions_split_by_name_so_that_new_files_move_no_others(root):
    fill(root, *(f"{i}.png" for i in range(400)))
    before = folder(path=str(root), val=0.1, test=0.25)
    assert [before.size(split) > least for split, least in (("val", 20), ("test", 70), ("train", 220))] == [
        True
    ] * 3
    names = [set(labels(before, split)) for split in ("train", "val", "test")]
    assert len(set.union(*names)) == sum(map(len, names)) == 400
    fill(root, *(f"new{i}.png" for i in range(100)))
    after = folder(path=str(root), val=0.1, test=0.25)
    for split, old in zip(("train", "val", "test"), names, strict=True):
        kept = [name for name in labels(after, split) if name in old]
        assert kept == list(labels(before, split))
    other = folder(path=str(root), val=0.1, test=0.25, seed=1)
    assert set(labels(other, "test")) != set(labels(after, "test"))


def test_the_order_is_shuffled_and_the_same_each_time(root):
    fill(root, *(f"{i:03}.png" for i in range(100)))
    first, second = list(labels(whole(root))), list(labels(whole(root)))
    assert first == second
    assert first != sorted(first)


def test_the_fingerprint_changes_with_files_labels_and_options(root):
    fill(root, "a.png", "b.png")
    prints = [
        whole(root, **o).fingerprint("train")
        for o in ({}, {"width": 99}, {"fit": "pad"}, {"alphabet": "abc"})
    ]
    picture(root / "c.png")
    prints.append(whole(root).fingerprint("train"))
    os.utime(root / "c.png", ns=(1, 1))
    prints.append(whole(root).fingerprint("train"))
    (root / "labels.txt").write_text("a.png x\n")
    prints.append(whole(root).fingerprint("train"))
    assert len(set(prints)) == len(prints)
    assert whole(root).fingerprint("train") == prints[-1]


def test_pad_returns_the_width(root):
    Image.new("L", (20, 10), 0).save(root / "a.png")
    sample = whole(root, fit="pad", height=20, width=100).draw("train", 0)
    assert sample.width == 40
    assert (sample.image[:, 40:] == 255).all()
    assert (sample.image[:, :40] == 0).all()
    assert np.shape(whole(root, height=20, width=100).draw("train", 0).image) == (20, 100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": "("}, r"pattern=\(: not a regular expression"),
        ({"pattern": "abc"}, "has 0 groups; it needs one"),
        ({"pattern": "(a)(b)"}, "has 2 groups"),
        ({"pattern": "(a)", "label": "stem"}, "give one"),
        ({"label": "file"}, "label=file, but there is no labels.csv, labels.tsv"),
        ({"label": "name"}, "label=name"),
        ({"fit": "crop"}, "fit=crop"),
        ({"val": 0.5, "test": 0.5}, "val=0.5 and test=0.5 leave no pictures for train"),
        ({"val": 1}, "val=1.*below 1"),
        ({"alphabet": "aa"}, "more than once"),
        ({"width": 0}, "width=0"),
    ],
)
def test_invalid_options(root, options, message):
    fill(root, "a.png")
    with pytest.raises(UsageError, match=message):
        folder(path=str(root), **options)


def test_invalid_folders(root):
    with pytest.raises(UsageError, match="data: has no pictures"):
        whole(root)
    with pytest.raises(UsageError, match="nowhere: no such folder"):
        whole(root / "nowhere")
    with pytest.raises(UsageError, match=r"a: can't be read \(File name too long\)"):
        whole(root / ("a" * 300))
    with pytest.raises(UsageError, match=r"list=a+: can't be read \(File name too long\)"):
        whole(root, list="a" * 300)
    with pytest.raises(UsageError, match="option 'path' is required"):
        folder()
    fill(root, "a.png", "b.png")
    with pytest.raises(UsageError, match=r"a\.png: is a file"):
        whole(root / "a.png")
    (root / "labels.csv").write_bytes(b"a.png,\xe9\n")
    with pytest.raises(UsageError, match=r"labels\.csv:1: is not UTF-8 \(byte 0xe9\)"):
        whole(root)
    (root / "labels.txt").touch()
    with pytest.raises(UsageError, match=r"has labels\.csv and labels\.txt"):
        whole(root)
    (root / "labels.csv").unlink()
    with pytest.raises(UsageError, match=r"labels\.txt has no lines with labels"):
        whole(root)
    (root / "labels.txt").write_text("a.png\n")
    with pytest.raises(
        UsageError,
        match=r"none of 1 training pictures has a label: .*/labels.txt:1: the line has neither .*; label=",
    ):
        whole(root)
    (root / "test").mkdir()
    with pytest.raises(UsageError, match="has test/, but no train/"):
        whole(root)


def test_a_fraction_that_selects_no_file_is_an_error(root):
    fill(root, "a.png")
    source = folder(path=str(root), val=0.0001, test=0)
    with pytest.raises(UsageError, match=r"val=0.0001 of 1 picture leaves it empty"):
        source.size("val")
    assert source.size("test") == 0
    fill(root, "train/a.png")
    (root / "val").mkdir()
    with pytest.raises(UsageError, match="val: no pictures in it"):
        folder(path=str(root)).size("val")
