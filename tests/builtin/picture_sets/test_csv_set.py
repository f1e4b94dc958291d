"""The data set csv: columns by title, splits, paths relative to the table, tables at fault."""

from __future__ import annotations

import json

import pytest

from ctcbench.builtin.picture_sets.csv_set import csv
from ctcbench.contract.data import SPLITS
from ctcbench.contract.errors import UsageError
from tests.builtin.labelling.folder_cases import faults, fill, labels
from tests.builtin.picture_sets.picture_cases import BAD_PICTURES, read_all


def whole(path, **options):
    return csv(path=str(path), val=0, test=0, **options)


def test_paths_are_relative_to_the_table(tmp_path, monkeypatch):
    fill(tmp_path, "lists/img/0.png", "img/1.png")
    table = tmp_path / "lists" / "t.csv"
    table.write_bytes(b"\xef\xbb\xbfpath,label\r\nimg/0.png,a\r\n../img/1.png,b\r\n")
    monkeypatch.chdir(tmp_path)
    assert sorted(labels(whole("lists/t.csv")).values()) == ["a", "b"]
    assert whole("lists/t.csv").notices == ()


def test_pictures_of_another_folder_and_names_without_a_suffix(tmp_path, monkeypatch):
    fill(tmp_path, "scans/0.png", "scans/b/1.png")
    table = tmp_path / "t.csv"
    table.write_text("id,text\n0,a\nb/1,b\nnone,c\n")
    monkeypatch.chdir(tmp_path)
    found = whole("t.csv", image="id", folder="scans", suffix=".png")
    assert labels(found) == {"0.png": "a", "b/1.png": "b"}
    assert list(faults(found).values()) == ["none.png is listed, but there is no such file"]
    # Relative to the current folder where the table has no such folder beside it.
    (tmp_path / "lists").mkdir()
    table.rename(tmp_path / "lists" / "t.csv")
    again = whole("lists/t.csv", image="id", folder="scans", suffix=".png")
    assert labels(again) == labels(found)
    with pytest.raises(
        UsageError, match=r"folder=scan: no such folder; it is relative to lists or to the cur"
    ):
        whole("lists/t.csv", image="id", folder="scan")
    with pytest.raises(UsageError, match=r"none of 3 .* folder= and suffix= complete names"):
        whole("lists/t.csv", image="id")


def test_objects_in_lines_are_read_by_their_keys(tmp_path):
    fill(tmp_path, *(f"{i}.png" for i in range(6)))
    lines = [
        '{"file_name": "0.png", "text": "a, \\"b\\"", "fold": "train", "page": 7}',
        '{"fold": "test", "text": "\\u00e9", "file_name": "1.png"}',
        '{"file_name": "2.png", "text": 3, "fold": "train"}',
        '{"file_name": "3.png", "fold": "train"}',
        '{"file_name": "4.png", "text": "x", "text": "y", "fold": "train"}',
        '["5.png", "z"]',
        '{"file_name": "", "text": "x", "fold": "train"}',
    ]
    table = tmp_path / "metadata.jsonl"
    table.write_text("\ufeff" + "\n\n".join(lines) + "\n", encoding="utf-8")
    found = csv(path=str(table), split="fold", val=0)
    assert [[entry.text for entry in found.splits[split] if entry.text] for split in SPLITS] == [
        ['a, "b"'], [], ["\xe9"],
    ]  # fmt: skip
    reasons = {where.rpartition(":")[2]: reason for where, reason in faults(found).items()}
    assert reasons["5"] == "its 'text' is not a text in quotes"
    assert reasons["7"] == "the object has no key 'text'"
    assert "'text' twice" in reasons["9"] or "read as JSON" in reasons["9"]
    assert reasons["11"] == "the line is JSON, but no object {…}"
    assert reasons["13"] == "the line names no file"
    with pytest.raises(
        UsageError, match=r"metadata\.jsonl:1: no column 'txt'.* \(columns: file_name, text, fo"
    ):
        csv(path=str(table), label="txt")


def test_lines_without_a_label_keep_their_split_in_every_format(tmp_path):
    names = [f"{i}.png" for i in range(40)]
    fill(tmp_path, *names)
    labels = ["a"] * 30 + [None] * 10
    rows = [(name, text, "train" if text else "test") for name, text in zip(names, labels, strict=True)]
    objects = [json.dumps({"file_name": name, "text": text, "split": split}) for name, text, split in rows]
    (tmp_path / "m.jsonl").write_text("\n".join(objects))
    table = "\n".join(f"{name},{text or ''},{split}" for name, text, split in rows)
    (tmp_path / "m.csv").write_text(f"file_name,text,split\n{table}")
    of_objects, of_rows = (csv(path=str(tmp_path / name), val=0.1) for name in ("m.jsonl", "m.csv"))
    for split in SPLITS:
        assert [entry.name for entry in of_objects.splits[split]] == [
            entry.name for entry in of_rows.splits[split]
        ]
    assert len(of_objects.splits["test"]) == 10
    assert {entry.reason for entry in of_objects.splits["test"]} == {"its 'text' is null"}


def test_columns_are_chosen_by_title(tmp_path):
    fill(tmp_path, "0.png", "1.png", "2.png", "3.png")
    table = tmp_path / "t.tsv"
    table.write_text(
        "Scan\tClean text\ttext\tfold\n0.png\ta\tA\ttrain\n1.png\tb\tB\tdev\n2.png\tc\tC\ttest\n"
    )
    source = csv(path=str(table), image="scan", label="clean text", split="fold")
    assert [[entry.text for entry in source.splits[split]] for split in SPLITS] == [["a"], ["b"], ["c"]]
    assert csv(path=str(table), image="scan", val=0, test=0).size("train") == 3


def test_a_title_may_have_more_commas_than_the_header_has_delimiters(tmp_path):
    fill(tmp_path, "0.png", "1.png")
    for name, titles in (("a", "Scan;Transcript"), ("b", "file;label")):
        header = f"{titles};Remarks (who, when, why, how)"
        (tmp_path / f"{name}.csv").write_text(f"{header}\n0.png;x;\n1.png;y;a, b\n")
    chosen = csv(path=str(tmp_path / "a.csv"), image="Scan", label="Transcript", val=0, test=0)
    assert sorted(read_all(chosen).values()) == ["x", "y"]
    assert sorted(read_all(csv(path=str(tmp_path / "b.csv"), val=0, test=0)).values()) == ["x", "y"]


def test_a_column_split_is_used_and_a_missing_split_is_a_share(tmp_path):
    fill(tmp_path, *(f"{i}.png" for i in range(60)))
    rows = "".join(f"{i}.png,x,{'test' if i < 9 else 'Training'}\n" for i in range(60))
    (tmp_path / "t.csv").write_text(f"path,label,split\n{rows}")
    source = csv(path=str(tmp_path / "t.csv"), val=0.2)
    assert source.size("test") == 9
    assert 0 < source.size("val") < 25
    assert source.size("train") + source.size("val") == 51


def test_a_column_split_without_train_has_the_splits_that_it_names(tmp_path):
    fill(tmp_path, *(f"{i}.png" for i in range(6)))
    rows = "".join(f"{i}.png,{i},{'val' if i < 2 else 'test'}\n" for i in range(6))
    table = tmp_path / "t.csv"
    table.write_text(f"path,label,split\n{rows}")
    source = csv(path=str(table), direction="ltr")
    assert (source.size("val"), source.size("test")) == (2, 4)
    assert source.alphabet.characters == "012345"
    assert {source.draw("test", i).text for i in range(4)} == set("2345")
    with pytest.raises(UsageError, match=r"t\.csv: its column of splits has val and test, but no train"):
        source.size("train")
    table.write_text("path,label,split\n0.png,a,Test\n1.png,b,test\n2.png,,test\n3.png,c,tets\n4.png\n")
    found = faults(csv(path=str(table)), "test")
    reasons = {where.rpartition(":")[2]: reason for where, reason in found.items()}
    assert reasons["4"] == "its label is empty"
    assert reasons["5"].startswith("its split 'tets' is none of")
    assert reasons["6"].startswith("the line has 1 cell")
    # No share of nothing, and no advice to give a larger one.
    for split in ("train", "val"):
        with pytest.raises(UsageError, match=rf"its column of splits has test, but no {split}$"):
            csv(path=str(table), group="^(.)").size(split)


def test_lines_at_fault_are_reported(tmp_path):
    for number, (content, _) in enumerate(BAD_PICTURES.values()):
        (tmp_path / f"{number}.png").write_bytes(content)
    fill(tmp_path, "ok.png", "two.png", "odd.png")
    names = [*(f"{i}.png" for i in range(len(BAD_PICTURES))), "ok.png", "two.png", "./two.png"]
    rows = "".join(f"{name},t{i},train\n" for i, name in enumerate(names))
    (tmp_path / "t.csv").write_text(f"path,label,split\n{rows}odd.png,x,extra\nnone.png,x,train\n")
    source = whole(tmp_path / "t.csv")
    drawn = {name.rpartition("/")[2]: text for name, text in read_all(source).items()}
    for number, (_, reason) in enumerate(BAD_PICTURES.values()):
        assert reason in drawn[f"{number}.png"]
    assert drawn["ok.png"] == "t5"
    reasons = {where.rpartition(":")[2]: reason for where, reason in faults(source).items()}
    assert "this file has several labels: 't6'" in reasons["8"]
    assert "this file has several labels: 't6'" in reasons["9"]
    assert reasons["10"] == "its split 'extra' is none of train, val (validation, dev) and test"
    assert reasons["11"] == "none.png is listed, but there is no such file"


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (
            "file,writer\n0.png,a\n",
            {},
            r"t\.csv:1: the header has no column of labels \(columns: file, writer\)",
        ),
        ("id,label\n0,a\n", {}, r"t\.csv:1: the header has no column of names of pictures"),
        ("file,label\n0.png,a\n", {"label": "txt"}, r"t\.csv:1: no column 'txt'.*\(columns: file, label\)"),
        ("file,label\n0.png,a\n", {"split": "fold"}, r"t\.csv:1: no column 'fold'"),
        (
            "no.;scan;text it shows;page\n1;0.png;a;b\n",
            {},
            r"t\.csv:1: the titles 'no\.', .* are not known\. Pictures are in 'scan': .* "
            r"image=scan,label=TITLE, where TITLE is the column of the labels \(no\., text it shows or p",
        ),
        (
            "no.;scan;shows\n1;0.png;a\n",
            {"image": "scan"},
            r"no column of labels \(columns: no\., scan, shows\).* label=TITLE",
        ),
        (
            "no.;scan;shows\n1;0.png;a\n",
            {"label": "shows"},
            r"no column of names of pictures .* image=TITLE",
        ),
        ("file,label\n", {}, "has no lines with labels"),
        ("", {}, "has no lines with labels"),
        ("file,label,split\n0.png,,test\n", {}, "none of 1 pictures has a label"),
        ("0.png,a\n", {"label": "text"}, r"t\.csv:1: no column 'text'"),
    ],
)
def test_tables_at_fault(tmp_path, content, options, message):
    fill(tmp_path, "0.png")
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(UsageError, match=message):
        whole(tmp_path / "t.csv", **options)


def test_tables_that_are_none(tmp_path):
    with pytest.raises(UsageError, match="is a folder; give the table in it, or use dataset folder"):
        whole(tmp_path)
    with pytest.raises(UsageError, match="can't be read"):
        whole(tmp_path / "t.csv")
    (tmp_path / "t.txt").write_text("0.png a\n")
    with pytest.raises(UsageError, match=r"only \.csv, \.tsv and \.jsonl have columns, such as text"):
        whole(tmp_path / "t.txt", label="text")
    (tmp_path / "t.csv").write_bytes("file,label\n".encode("utf-16"))
    with pytest.raises(UsageError, match=r"is not UTF-8 \(UTF-16\)"):
        whole(tmp_path / "t.csv")
