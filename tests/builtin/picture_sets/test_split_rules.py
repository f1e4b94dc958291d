"""Splits by groups, by lists of names and by shares, on folders of pictures."""

from __future__ import annotations

import pytest

from ctcbench.builtin.folder import folder
from ctcbench.builtin.picture_sets.csv_set import csv
from ctcbench.contract.data import SPLITS
from ctcbench.contract.errors import UsageError
from tests.builtin.labelling.folder_cases import faults, fill, labels, write


def names(source) -> list[list[str]]:
    return [sorted(labels(source, split)) for split in SPLITS]


def writers(source) -> list[set[str]]:
    return [{name.partition("-")[0] for name in labels(source, split)} for split in SPLITS]


def test_all_pictures_of_a_group_are_in_one_split(tmp_path):
    fill(tmp_path, *(f"{writer}-{page}.png" for writer in "abcdefghij" for page in range(7)))
    source = folder(path=str(tmp_path), label="stem", group="^(.)-", val=0.2, test=0.3)
    train, val, test = writers(source)
    assert (len(train), len(val), len(test)) == (5, 2, 3)
    assert not train & val
    assert not train & test
    assert not val & test
    other = folder(path=str(tmp_path), label="stem", group="^(.)-", val=0.2, test=0.3, seed=1)
    assert writers(other) != [train, val, test]


def test_a_share_of_a_picture_or_more_is_never_empty(tmp_path):
    seeds = range(25)
    for number in (10, 12):
        fill(tmp_path, *(f"{i}.png" for i in range(number)))
        sources = [folder(path=str(tmp_path), label="stem", seed=seed) for seed in seeds]
        sizes = [[source.size(split) for split in SPLITS] for source in sources]
        assert all(min(found) >= 1 and sum(found) == number for found in sizes)
    # All else is as the names decide: most seeds need no help.
    assert len({tuple(found) for found in sizes}) > 3
    source = folder(path=str(tmp_path), label="stem", val=0.05)
    if not source.splits["val"]:
        with pytest.raises(
            UsageError, match=r"val=0\.05 of 12 pictures leaves it empty; give a larger share"
        ):
            source.size("val")


def test_a_column_of_a_list_is_a_group(tmp_path):
    fill(tmp_path, *(f"{i}.png" for i in range(12)))
    rows = "".join(f"{i}.png,w{i % 3},x{i}\n" for i in range(12))
    write(tmp_path, labels_csv=f"file,Writer,text\n{rows}")
    source = folder(path=str(tmp_path), group="writer", val=0.3, test=0.3)
    remainders = [{int(name.removesuffix(".png")) % 3 for name in split} for split in names(source)]
    assert sorted(map(len, remainders)) == [1, 1, 1]
    assert set.union(*remainders) == {0, 1, 2}


def test_a_split_with_a_share_gets_a_group_however_large_the_groups_are(tmp_path):
    fill(tmp_path, *(f"{writer}-{page}.png" for writer in "abc" for page in range(4)))
    source = folder(path=str(tmp_path), label="stem", group="^(.)", val=0.01, test=0.01)
    assert sorted(map(len, writers(source))) == [1, 1, 1]
    with pytest.raises(UsageError, match=r"makes 1 group of 12 pictures, and train and val need one each"):
        folder(path=str(tmp_path), label="stem", group=r"^(?:a|b|c)(-)", val=0.1, test=0)


def test_pictures_without_a_group_are_reported(tmp_path):
    fill(tmp_path, "a-1.png", "b-1.png", "c1.png")
    source = folder(path=str(tmp_path), label="stem", group="^(.)-", val=0, test=0)
    assert faults(source) == {f"{tmp_path}/c1.png": "group=^(.)- is not found in its name"} or list(
        faults(source).values()
    ) == ["group=^(.)- is not found in its name"]
    write(tmp_path, labels_csv="file,writer,text\na-1.png,x,1\nb-1.png,,2\nc1.png,y,3\n")
    source = folder(path=str(tmp_path), group="writer", val=0, test=0)
    assert list(faults(source).values()) == [
        "its cell in the column 'writer' is empty, and so it has no group"
    ]


@pytest.mark.parametrize("group", ["pages", "(a)(b)", "(", "abc"])
def test_a_group_that_is_no_column_and_no_pattern_is_an_error(tmp_path, group):
    fill(tmp_path, "a.png")
    write(tmp_path, labels_csv="file,writer,text\na.png,x,1\n")
    with pytest.raises(UsageError, match=r"no such column \(columns: 'file', 'writer', 'text'\)"):
        folder(path=str(tmp_path), group=group)


def test_lists_of_names_decide_the_splits(tmp_path):
    fill(tmp_path, *(f"p/{i}.png" for i in range(6)))
    (tmp_path / "v.txt").write_text("\ufeffp/0.png\r\n\n  1.png \n")
    (tmp_path / "t.txt").write_text("2\n")
    lists = {"val_names": str(tmp_path / "v.txt"), "test_names": str(tmp_path / "t.txt")}
    source = folder(path=str(tmp_path), label="stem", **lists)
    assert names(source) == [["p/3.png", "p/4.png", "p/5.png"], ["p/0.png", "p/1.png"], ["p/2.png"]]
    # A split without a list keeps its share of the rest.
    assert folder(path=str(tmp_path), label="stem", val_names=lists["val_names"], test=0).size("test") == 0
    (tmp_path / "r.txt").write_text("3\n4\n")
    source = folder(path=str(tmp_path), label="stem", train_names=str(tmp_path / "r.txt"), **lists)
    assert names(source)[0] == ["p/3.png", "p/4.png"]
    assert "not used: 1 picture that no list of names has (p/5.png)" in source.notices


def test_a_split_without_a_list_takes_its_share_of_the_listed_training_pictures(tmp_path):
    fill(tmp_path, *(f"{i:02}.png" for i in range(40)))
    (tmp_path / "train.txt").write_text("".join(f"{i:02}\n" for i in range(30)))
    (tmp_path / "test.txt").write_text("".join(f"{i:02}\n" for i in range(30, 38)))
    lists = {f"{split}_names": str(tmp_path / f"{split}.txt") for split in ("train", "test")}
    source = folder(path=str(tmp_path), label="stem", val=0.3, **lists)
    train, val, test = ({int(name[:2]) for name in split} for split in names(source))
    assert test == {*range(30, 38)} and train | val == {*range(30)} and not train & val
    assert 3 <= len(val) <= 15
    assert any("not used: 2 pictures that no list of names has" in notice for notice in source.notices)
    # The error about an empty share counts the pictures that it is taken from.
    few = folder(path=str(tmp_path), label="stem", val=1e-9, **lists)
    with pytest.raises(UsageError, match=r"val=1e-09 of 30 pictures leaves it empty"):
        few.size("val")
    few = folder(path=str(tmp_path), label="stem", val=1e-9, test_names=lists["test_names"])
    with pytest.raises(UsageError, match=r"val=1e-09 of 32 pictures leaves it empty"):
        few.size("val")


def test_groups_in_names_that_stated_splits_divide_are_named(tmp_path):
    fill(tmp_path, *(f"train/w{i % 4}_{i}.png" for i in range(12)), *(f"test/w{i}_m.png" for i in range(3)))
    source = folder(path=str(tmp_path), label="stem", group="(w[0-9])_", val=0)
    (notice,) = [notice for notice in source.notices if "group=" in notice]
    assert "3 of 4 groups are in several splits, as 'w0' in train and test" in notice
    assert all(entry.text for entry in source.splits["test"])


def test_groups_that_stated_splits_divide_are_named(tmp_path):
    fill(tmp_path, *(f"{writer}-{page}.png" for writer in "abc" for page in range(4)))
    (tmp_path / "t.txt").write_text("b-0\n")
    names = {"test_names": str(tmp_path / "t.txt"), "val": 0}
    source = folder(path=str(tmp_path), label="stem", group="^(.)-", **names)
    (notice,) = [notice for notice in source.notices if "group=" in notice]
    assert "1 of 3 groups are in several splits, as 'b' in train and test: the splits of" in notice
    rows = "".join(f"{w}-{i}.png,{w},x,{'test' if i == 3 else 'train'}\n" for w in "abc" for i in range(4))
    (tmp_path / "t.csv").write_text(f"file,writer,text,split\n{rows}")
    table = csv(path=str(tmp_path / "t.csv"), group="writer", val=0.4)
    assert "3 of 3 groups are in several splits, as" in table.notices[0]
    assert csv(path=str(tmp_path / "t.csv"), val=0.4).notices == ()


def test_a_list_may_name_groups(tmp_path):
    fill(tmp_path, *(f"{writer}-{page}.png" for writer in "abc" for page in range(2)))
    (tmp_path / "t.txt").write_text("b\n")
    source = folder(
        path=str(tmp_path), label="stem", group="^(.)-", val=0, test_names=str(tmp_path / "t.txt")
    )
    assert writers(source) == [{"a", "c"}, set(), {"b"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nowhere\n", r"test_names=.*no picture is called 'nowhere' \(of 1 names\)"),
        ("1\n", r"'1' may be (a/1.png and b/1.png|b/1.png and a/1.png); write whole names"),
        ("\n \n", "has no names of pictures"),
        ("a/2.png\n", "is in val_names too"),
        ("2\n", r"a/2.png is in (val|test)_names and in (val|test)_names"),
    ],
)
def test_lists_of_names_that_are_wrong(tmp_path, content, message):
    fill(tmp_path, "a/1.png", "b/1.png", "a/2.png", "a/3.png")
    (tmp_path / "v.txt").write_text("a/2.png\n")
    (tmp_path / "t.txt").write_text(content)
    with pytest.raises(UsageError, match=message):
        folder(
            path=str(tmp_path),
            label="stem",
            val_names=str(tmp_path / "v.txt"),
            test_names=str(tmp_path / "t.txt"),
        )


def test_lists_of_names_do_not_divide_a_set_that_has_splits(tmp_path):
    fill(tmp_path, "train/1.png", "val/1.png")
    (tmp_path / "t.txt").write_text("1\n")
    with pytest.raises(UsageError, match=r"splits of its own \(train, val\)"):
        folder(path=str(tmp_path), label="stem", test_names=str(tmp_path / "t.txt"))
    with pytest.raises(UsageError, match="other splits take all of its 1 pictures"):
        folder(path=str(tmp_path / "val"), label="stem", test_names=str(tmp_path / "t.txt"))
