"""Folders of splits: the usual names in any case, and folders that would mix splits."""

from __future__ import annotations

import pytest

from ctcbench.builtin.labelling.split_folders import likely_split
from ctcbench.contract.errors import UsageError
from tests.builtin.labelling.folder_cases import faults, fill, labels, whole, write


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"), ("train", "valid", "test"), ("train", "dev", "test"),
        ("Train", "Val", "Test"), ("train", "validation", "test"), ("TRAINING", "Validation", "Testing"),
    ],
)  # fmt: skip
def test_usual_names_are_recognised_in_any_case(tmp_path, names):
    for number, name in enumerate(names):
        fill(tmp_path, f"{name}/{number}.png")
    source = whole(tmp_path)
    assert [list(labels(source, split)) for split in ("train", "val", "test")] == [
        [f"{name}/{number}.png"] for number, name in enumerate(names)
    ]
    assert source.size("val") == 1


@pytest.mark.parametrize(("one", "other", "split"), [("val", "valid", "val"), ("Train", "train", "train")])
def test_two_folders_for_one_split_are_an_error(tmp_path, one, other, split):
    fill(tmp_path, "train/a.png", f"{one}/a.png", f"{other}/b.png")
    with pytest.raises(UsageError, match=f"has {one}/ and {other}/, which are all the split '{split}'"):
        whole(tmp_path)


def test_an_empty_split_is_named_as_it_is_called(tmp_path):
    fill(tmp_path, "train/a.png")
    (tmp_path / "Dev").mkdir()
    with pytest.raises(UsageError, match="Dev: no pictures in it"):
        whole(tmp_path).size("val")


@pytest.mark.parametrize(
    "folder", ["images/test", "test_images", "eval", "a/TestSet2/b", "val-old", "holdout"]
)
def test_pictures_of_a_likely_split_are_not_divided(tmp_path, folder):
    fill(tmp_path, "a.png", f"{folder}/b.png")
    with pytest.raises(UsageError, match=r": looks like '(val|test)' pictures, but .* is divided by shares"):
        whole(tmp_path)
    write(tmp_path, labels_csv=f"a.png,x\n{folder}/b.png,y\n")
    with pytest.raises(UsageError, match="looks like"):
        whole(tmp_path)
    write(tmp_path, labels_csv="a.png,x\n")
    source = whole(tmp_path)
    assert labels(source) == {"a.png": "x"}
    assert "1 picture not listed" in source.notices[1]


def test_pictures_of_another_split_inside_of_a_split(tmp_path):
    fill(tmp_path, "train/a.png", "train/test/b.png", "test/c.png")
    with pytest.raises(UsageError, match=r"train/test: looks like 'test' pictures"):
        whole(tmp_path)
    (tmp_path / "train/test").rename(tmp_path / "train/training")
    fill(tmp_path, "test/train/d.png")
    with pytest.raises(
        UsageError, match=r"test/train: looks like 'train' pictures, but .*test is the split 'test'"
    ):
        whole(tmp_path)


def test_splits_one_level_down_are_found_by_another_path(tmp_path):
    fill(tmp_path, "images/Train/a.png", "images/test/b.png")
    with pytest.raises(
        UsageError, match=f"looks like 'test' .* give path={tmp_path}/images, or rename test/"
    ):
        whole(tmp_path)


def test_a_link_to_itself_is_no_split(tmp_path):
    fill(tmp_path, "train/a.png")
    (tmp_path / "test").symlink_to("test")
    assert labels(whole(tmp_path)) == {"train/a.png": "a"}


def test_a_list_of_one_split_cannot_name_pictures_of_another(tmp_path):
    fill(tmp_path, "train/a.png", "test/b.png", "test/c.png")
    (tmp_path / "train/link.png").symlink_to("../test/c.png")
    write(
        tmp_path,
        train__labels_txt="a.png x\n../test/b.png y\nlink.png z\n",
        test__labels_txt="b.png y\nc.png z\n",
    )
    source = whole(tmp_path)
    assert labels(source) == {"train/a.png": "x"}
    assert labels(source, "test") == {"test/b.png": "y", "test/c.png": "z"}
    assert (
        faults(source)["train/labels.txt:2"]
        == "../test/b.png is a picture of test/, but the list is for train/"
    )
    assert "is the same file as" in faults(source)["train/labels.txt:3"]


def test_a_linked_picture_is_in_one_split(tmp_path):
    fill(tmp_path, "train/a.png", "test/b.png")
    (tmp_path / "train/b.png").symlink_to("../test/b.png")
    source = whole(tmp_path)
    assert (labels(source), labels(source, "test")) == ({"train/a.png": "a"}, {"test/b.png": "b"})
    assert list(faults(source)) == ["train/b.png"]


def test_listed_pictures_outside_are_checked_too(tmp_path):
    root = tmp_path / "lists"
    fill(tmp_path, "imgs/a.png", "test/b.png")
    write(root, labels_csv="../imgs/a.png,x\n../test/b.png,y\n")
    with pytest.raises(UsageError, match=r"test: looks like 'test' pictures"):
        whole(root)
    write(root, labels_csv="../imgs/a.png,x\n")
    assert list(labels(whole(root)).values()) == ["x"]


def test_a_folder_without_training_pictures_names_what_may_hold_them(tmp_path):
    fill(tmp_path, "train_images/a.png", "test/b.png")
    with pytest.raises(UsageError, match=r"has test/, but no train/ \(rename train_images/ to train/\)"):
        whole(tmp_path)


def test_names_that_look_like_a_split():
    looks = {
        name: likely_split(name) for name in ("Train", "trainset", "train_2", "my-test-images", "dev", "Eval")
    }
    assert looks == {
        "Train": "train", "trainset": "train", "train_2": "train", "my-test-images": "test", "dev": "val",
        "Eval": "test",
    }  # fmt: skip
    assert [likely_split(name) for name in ("latest", "contest", "device", "trains", "writer1", "value")] == [
        None, None, None, "train", None, None,
    ]  # fmt: skip
