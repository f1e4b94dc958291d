"""The files that lists name: found, missing, repeated under other names, in other splits, not listed."""

from __future__ import annotations

import os
import unicodedata

import pytest

from ctcbench.contract.errors import UsageError
from tests.builtin.labelling import strict_reader
from tests.builtin.labelling.folder_cases import faults, fill, labels, whole, write
from tests.builtin.labelling.test_label_list import draw_list


@pytest.mark.parametrize(
    "other", ["./a.png", "sub/../a.png", "sub//../a.png", "link.png", "linked/a.png", "ABSOLUTE"]
)
def test_a_file_under_two_names_has_one_label(tmp_path, other):
    fill(tmp_path, "a.png", "b.png", "sub/c.png")
    (tmp_path / "link.png").symlink_to("a.png")
    (tmp_path / "linked").symlink_to(tmp_path)
    other = str(tmp_path / "a.png") if other == "ABSOLUTE" else other
    write(tmp_path, labels_txt=f"a.png\t1\nb.png\t2\n{other}\t3\n")
    source = whole(tmp_path)
    assert labels(source) == {"b.png": "2"}
    both = f"this file has several labels: '1' ({tmp_path}/labels.txt:1), '3' ({tmp_path}/labels.txt:3)"
    assert list(faults(source)) in ([f"labels.txt:{n}" for n in order] for order in ((1, 3), (3, 1)))
    assert all(reason.endswith(both) for reason in faults(source).values())
    write(tmp_path, labels_txt=f"a.png\t1\nb.png\t2\n{other}\t1\n")
    source = whole(tmp_path)
    assert labels(source) == {"a.png": "1", "b.png": "2"}
    assert faults(source)["labels.txt:3"].endswith(
        f"is the same file as in {tmp_path}/labels.txt:1, with the same label"
    )


def test_names_that_differ_in_case_are_one_file_only_where_the_file_system_says_so(tmp_path):
    fill(tmp_path, "a.png", "A.png", "b.png")
    os.link(tmp_path / "b.png", tmp_path / "B.png")  # as a file system that ignores case shows it
    os.link(tmp_path / "b.png", tmp_path / "copy.png")
    write(tmp_path, labels_csv="a.png,1\nA.png,2\nb.png,3\nB.png,4\ncopy.png,5\n")
    source = whole(tmp_path)
    assert labels(source) == {"a.png": "1", "A.png": "2", "copy.png": "5"}
    assert set(faults(source)) == {"labels.csv:3", "labels.csv:4"}


def test_a_name_with_dots_has_the_split_of_the_file(tmp_path):
    names = [f"{i}.png" for i in range(60)]
    fill(tmp_path, *names, "sub/x.png")
    write(tmp_path, labels_txt="".join(f"{name}\tx\n" for name in names))
    from ctcbench.builtin.folder import folder

    plain = [labels(folder(path=str(tmp_path)), split) for split in ("train", "val", "test")]
    write(tmp_path, labels_txt="".join(f"sub/../{name}\tx\n" for name in names))
    assert [labels(folder(path=str(tmp_path)), split) for split in ("train", "val", "test")] == plain


def test_missing_files_are_named_with_what_may_be_meant(tmp_path):
    fill(tmp_path, "train/0.png", "train/sub/x.PNG")
    long = "n" * 5000
    lines = [
        "0.png,a",
        "0,b",
        "X.png,c",
        "none.png,d",
        f"{long}.png,e",
        "../train/0.png,f",
        "sub,g",
        ".,h",
        "~,i",
    ]
    write(tmp_path, labels_csv="\n".join(lines) + "\ntrain/0.png,ok\n")
    source = whole(tmp_path)
    missing = "is listed, but there is no such file"
    assert labels(source) == {"train/0.png": "ok"}
    found = faults(source)
    there = "there is train/0.png: write its path from the folder of the list"
    assert found["labels.csv:1"] == f"0.png {missing}; {there}"
    assert found["labels.csv:2"].startswith(f"0 {missing}; {there}")
    assert found["labels.csv:3"] == f"X.png {missing}; {there.replace('0.png', 'sub/x.PNG')}"
    assert found["labels.csv:4"] == f"none.png {missing}"
    assert (
        "it can't be read (File name too long)" in found["labels.csv:5"] and len(found["labels.csv:5"]) < 400
    )
    assert found["labels.csv:6"].startswith(f"../train/0.png {missing}")
    assert found["labels.csv:8"].startswith(". is listed, but it is no file")
    assert len(found) == 9


def test_a_header_that_is_not_known_is_explained(tmp_path):
    fill(tmp_path, "0.png")
    write(tmp_path, labels_csv="picture no,content\n0.png,a\n")
    remedy = "call the columns file and label, for example, or name them by image= and label= of dataset csv"
    assert f"(if this is a header: {remedy})" in faults(whole(tmp_path))["labels.csv:1"]


def test_a_text_list_with_commas_is_to_be_called_csv(tmp_path):
    fill(tmp_path, "0.png")
    write(tmp_path, labels_txt="0.png,Hello world\n")
    with pytest.raises(UsageError, match=r"between name and label is called \.csv"):
        whole(tmp_path)


def test_composed_and_decomposed_names_are_the_same(tmp_path):
    fill(tmp_path, unicodedata.normalize("NFD", "é.png"))
    write(tmp_path, labels_csv=unicodedata.normalize("NFC", "é.png") + ",x\n")
    assert list(labels(whole(tmp_path)).values()) == ["x"]


def test_names_relative_to_a_list_elsewhere(tmp_path):
    root = tmp_path / "data"
    fill(root, "train/1.png", "test/2.png", "shared/3.png")
    write(root, train__labels_txt="train/1.png a\n../shared/3.png b\n", test__labels_txt="2.png c\n")
    source = whole(root)
    assert labels(source) == {"train/1.png": "a", "shared/3.png": "b"}
    assert labels(source, "test") == {"test/2.png": "c"}
    fill(root, "train/train/1.png")
    assert "(relative to the list) or" in faults(whole(root))["train/labels.txt:1"]


def test_pictures_that_are_not_used_are_counted_and_named(tmp_path):
    fill(tmp_path, "train/1.png", "train/2.png", "stray.png", "more/3.png", "eval/4.png")
    (tmp_path / "train/5.HEIC").touch()
    (tmp_path / "train/6").write_bytes((tmp_path / "train/1.png").read_bytes())
    (tmp_path / "train/linked").symlink_to(tmp_path / "more")
    write(tmp_path, labels_csv="train/1.png,a\nmore/3.png,b\n", old_labels_txt="")
    source = whole(tmp_path)
    assert labels(source) == {"train/1.png": "a"}
    assert source.notices == (
        "labels: labels.csv",
        "not used: folder eval/ (looks like 'test'); folder more/; "
        "2 pictures outside of train/ (stray.png, more/3.png); 1 picture not listed (train/2.png); "
        "1 picture in a format that is not read (train/5.HEIC); "
        "1 picture without the suffix of its format (train/6); 1 file may hold labels (old_labels.txt); "
        "1 folder linked, not read (train/linked)",
    )


def test_a_drawn_list_labels_the_files_that_a_strict_reading_labels(tmp_path):
    names = [f"{i}.png" for i in range(8)]
    fill(tmp_path, *names)
    used = 0
    for seed in range(20_000, 20_150):
        suffix, content = draw_list(seed)
        (tmp_path / f"list{suffix}").write_bytes(content)
        expected: dict[str, set[str]] = {}
        try:
            lines = strict_reader.read(suffix, content)
        except strict_reader.Refused:
            lines = {}
        for pair in filter(None, lines.values()):
            name = os.path.normpath(pair[0])
            if name in names:
                expected.setdefault(name, set()).add(pair[1])
        agreed = {name: texts.pop() for name, texts in expected.items() if len(texts) == 1}
        try:
            found = whole(tmp_path, list=f"list{suffix}", alphabet="ab")
        except UsageError as error:
            assert not agreed, error
            continue
        assert labels(found) == agreed, (seed, content)
        assert len(faults(found)) + len(agreed) == len(lines)
        used += len(agreed)
    assert used > 100


@pytest.mark.landing
def test_a_file_that_is_listed_thousands_of_times_takes_no_quadratic_time(tmp_path):
    fill(tmp_path, "a.png", "b.png")
    write(tmp_path, labels_txt="b.png\tx\n" + "".join(f"a.png\t{n}\n" for n in range(30_000)))
    found = faults(whole(tmp_path))
    assert len(found) == 30_000
    assert all(reason.endswith(" and 29,997 more") and len(reason) < 1000 for reason in found.values())
