"""Where labels come from: what is recognised, what is an error, and what is said about it."""

from __future__ import annotations

import json
import os
import re

import pytest

from ctcbench.contract.errors import UsageError
from tests.builtin.labelling.folder_cases import faults, fill, labels, whole, write

NAMES = [f"{i:04}.png" for i in range(6)]
LINES = "".join(f"{name}\tAB{i}\n" for i, name in enumerate(NAMES))
READ = {name: f"AB{i}" for i, name in enumerate(NAMES)}


@pytest.mark.parametrize(
    "name", ["labels.txt", "Labels.txt", "LABELS.TSV", "gt.txt", "labels.tsv", "labels.csv"]
)
def test_usual_lists_are_recognised_and_named(tmp_path, name):
    fill(tmp_path, *NAMES)
    (tmp_path / name).write_text(LINES)
    source = whole(tmp_path)
    assert labels(source) == READ
    assert source.notices == (f"labels: {name}",)


def test_json_is_recognised(tmp_path):
    fill(tmp_path, *NAMES)
    write(tmp_path, labels_json=json.dumps(READ))
    assert labels(whole(tmp_path)) == READ


LIKELY = {
    "a list of another name": ("rec_gt_train.txt", LINES),
    "annotations": ("annotations.xml", "<x/>"),
    "a table": ("Labels v2.xlsx", "PK"),
    "a list that names pictures": ("my data.txt", "sub/0003.png something\n"),
    "names in another case": ("my data.txt", "sub/0003.PNG something\n"),
    "a table of names with spaces": ("Liste.csv", 'Datei;Wert\r\nLos A\\Bild 0008.PNG;"5,1"\r\n'),
    "stems with spaces": ("Liste.csv", "Datei;Wert\r\nBild 0008;1\r\nBild 0009;2\r\n"),
    "a list of stems": ("answers.lst", "0000 AB\n0001 CD\n"),
    "a list in a sub-folder": ("imgs/labels.txt", LINES),
    "a text beside a picture": ("0001.txt", "AB"),
    "JSON beside a picture": ("0001.json", "{}"),
    "without a suffix": ("labels", LINES),
    "without a suffix or a usual name": ("answers", "0000 AB\n0001 CD\n"),
    "UTF-16": ("answers.txt", "0001.png\tAB\n"),
    "JSON lines": ("metadata.jsonl", "{}"),
    "a document": ("labels.docx", "PK"),
    "an old list": ("labels.csv.bak", LINES),
    "a text in another folder": ("labels/0001.txt", "AB"),
}


@pytest.mark.parametrize("kind", LIKELY)
def test_file_names_are_no_labels_where_a_file_looks_like_a_list(tmp_path, kind):
    fill(tmp_path, *NAMES, "imgs/9.png", "imgs/Bild 0008.png", "imgs/Bild 0009.png")
    name, content = LIKELY[kind]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content, encoding="utf-16" if kind == "UTF-16" else "utf-8")
    way = f"list={name} reads it"
    if name == "0001.txt":
        way = "label=sidecar reads it"
    elif "0001" in name:
        way = "call the text of a picture NAME.gt.txt, beside it, or put all into one list (list=FILE)"
    elif name.endswith(("xml", "xlsx")):
        way = "convert it to a list labels.csv with the header file,label"
    expected = f"the file names would be the labels, but {name} may have them; {way}, or label=stem takes the"
    with pytest.raises(UsageError, match=re.escape(expected)):
        whole(tmp_path)
    source = whole(tmp_path, label="stem")
    assert len(labels(source)) == 9
    assert source.notices == ("labels: file names", f"not used: 1 file may hold labels ({name})")


def test_the_data_set_that_reads_a_packed_set_is_named(tmp_path):
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed/train-00000-of-00001.parquet").touch()
    with pytest.raises(UsageError, match=r"dataset parquet:path=.*packed reads Parquet files"):
        whole(tmp_path / "packed")
    (tmp_path / "pages/train").mkdir(parents=True)
    (tmp_path / "pages/train/data.mdb").touch()
    with pytest.raises(UsageError, match=r"pages/train: has no pictures .*dataset lmdb:path=.*pages reads"):
        whole(tmp_path / "pages")


def test_other_files_are_no_lists(tmp_path):
    fill(tmp_path, "abc.png", "x1.png", "a.png", "b.png", "c.png")
    write(
        tmp_path,
        README_md="abc.png",
        notes_txt="taken in May",
        keys_txt="a\nb\nc\n",
        LICENSE_txt="free\nas in beer",
    )
    write(tmp_path, requirements_txt="pillow\n", classes_json='["a"]', x_x="")
    (tmp_path / "LICENSE").write_text("do what you want with abc\n")
    (tmp_path / ".labels.csv").write_text("abc.png,x\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/labels.txt").touch()
    assert whole(tmp_path).notices == ("labels: file names",)


def test_plain_texts_beside_pictures_are_read_where_the_user_asks_for_it(tmp_path):
    fill(tmp_path, *NAMES)
    for name, text in READ.items():
        (tmp_path / name).with_suffix(".txt").write_text(text)
    with pytest.raises(UsageError, match=r"0002\.txt and 3 more may have them; label=sidecar reads them"):
        whole(tmp_path)
    (tmp_path / "README.txt").write_text("two\nlines")  # no label, unlike README.gt.txt
    fill(tmp_path, "0009.png")
    source = whole(tmp_path, label="sidecar")
    assert labels(source) == READ
    assert source.notices == ("labels: NAME.txt beside each picture",)
    assert "there is no 0009.txt beside it" in faults(source).values()
    (tmp_path / "0009.gt.txt").write_text("AB9")
    assert labels(whole(tmp_path, label="sidecar")) == {"0009.png": "AB9"}


def test_a_list_of_any_name_and_place_can_be_named(tmp_path, monkeypatch):
    root = tmp_path / "data"
    fill(root, *(f"imgs/{name}" for name in NAMES))
    write(root, imgs__rec_gt_txt=LINES, labels_csv="x")
    nested = {f"imgs/{name}": text for name, text in READ.items()}
    source = whole(root, list="imgs/rec_gt.txt")
    assert labels(source) == nested
    assert source.notices == ("labels: imgs/rec_gt.txt", "not used: 1 file may hold labels (labels.csv)")
    write(tmp_path, out_lst=LINES.replace("0", "imgs/0", 1).replace("\n0", "\nimgs/0"))
    assert labels(whole(root, list=str(tmp_path / "out.lst"))) == nested
    monkeypatch.chdir(tmp_path)
    assert labels(whole(root, list="out.lst", label="file")) == nested
    for wrong, message in (("no.txt", "no such file; it is"), ("imgs", "is a folder, not a plain file")):
        with pytest.raises(UsageError, match=f"list={wrong}: {message}"):
            whole(root, list=wrong)
    for options in ({"label": "stem"}, {"pattern": "(.)"}, {"label": "sidecar"}):
        with pytest.raises(UsageError, match=r"list= and .* are two ways to one label"):
            whole(root, list="out.lst", **options)


def test_texts_beside_pictures(tmp_path):
    fill(tmp_path, "a.png", "sub/b.jpg", "c.d.png", "e.png", "f.png", "g.png", "h.png")
    contents = {
        "a": b'\xef\xbb\xbfHello, "world"\r\n', "sub/b": b" x y \n\n", "c.d": b"e\xcc\x81",
        "e": b"two\nlines\n", "f": b"\xe9\n", "g": b" \n", "none": b"x",
    }  # fmt: skip
    for name, content in contents.items():
        (tmp_path / f"{name}.gt.txt").write_bytes(content)
    source = whole(tmp_path)
    assert source.notices == ("labels: NAME.gt.txt beside each picture",)
    assert labels(source) == {"a.png": 'Hello, "world"', "sub/b.jpg": "x y", "c.d.png": "é"}
    assert faults(source) == {
        "e.gt.txt": "has 2 lines; a label is one line",
        "f.gt.txt": "line 1 is not UTF-8 (byte 0xe9); save the file as UTF-8",
        "g.gt.txt": "its label is empty",
        "h.png": "there is no h.gt.txt beside it",
        "none.gt.txt": "there is no picture of its name beside it",
    }


def test_two_sources_are_an_error(tmp_path):
    fill(tmp_path, *NAMES)
    write(tmp_path, labels_csv="0000.png,x\n")
    (tmp_path / "0001.gt.txt").write_text("y")
    with pytest.raises(UsageError, match=r"both labels\.csv and 0001\.gt\.txt; label=file .* label=sidecar"):
        whole(tmp_path)
    assert labels(whole(tmp_path, label="file")) == {"0000.png": "x"}
    assert labels(whole(tmp_path, label="sidecar")) == {"0001.png": "y"}
    (tmp_path / "Labels.csv").write_text("0000.png,z\n")
    with pytest.raises(UsageError, match=r"has Labels\.csv and labels\.csv; keep one .* list=Labels\.csv"):
        whole(tmp_path, label="file")
    (tmp_path / "Labels.csv").unlink()
    (tmp_path / "0001.gt.txt").unlink()
    with pytest.raises(UsageError, match=r"label=sidecar, but there is no NAME\.gt\.txt or NAME\.txt beside"):
        whole(tmp_path, label="sidecar")


def test_a_source_that_misses_a_split_is_an_error(tmp_path):
    fill(tmp_path, "train/1.png", "Test/2.png")
    write(tmp_path, train__labels_txt="1.png x\n")
    with pytest.raises(
        UsageError, match=r"from train/labels\.txt, but not those of the 1 picture in Test/; add Test/"
    ):
        whole(tmp_path)
    (tmp_path / "train/labels.txt").rename(tmp_path / "train/1.gt.txt")
    with pytest.raises(UsageError, match=r"NAME\.gt\.txt .* none of the 1 pictures of 'test' has one"):
        whole(tmp_path)
    (tmp_path / "Test/2.gt.txt").write_text("y")
    source = whole(tmp_path)
    assert labels(source, "test") == {"Test/2.png": "y"}


def test_pipes_are_not_read(tmp_path):
    fill(tmp_path, "a.png")
    for name in ("labels.csv", "a.gt.txt", "words.txt"):
        os.mkfifo(tmp_path / name)
    assert faults(whole(tmp_path, alphabet="abc")) == {"a.gt.txt": "is no file"}
    assert labels(whole(tmp_path, label="stem")) == {"a.png": "a"}
