"""The data set lmdb: one LMDB, folders of them, missing keys, damaged files."""

from __future__ import annotations

import pytest

pytest.importorskip("lmdb", reason="the package lmdb is not installed")

from ctcbench.builtin.picture_sets.lmdb_set import lmdb
from ctcbench.contract.data import SPLITS
from ctcbench.contract.errors import UsageError
from tests.builtin.picture_sets.picture_cases import BAD_PICTURES, png, read_all, write_lmdb


def whole(path, **options):
    return lmdb(path=str(path), val=0, test=0, **options)


def test_pictures_and_labels_are_those_of_the_keys(tmp_path):
    write_lmdb(tmp_path / "x", [(png(7), b"ab"), (png(200), "é".encode())])
    source = whole(tmp_path / "x")
    assert read_all(source) == {"image-000000001": "ab", "image-000000002": "é"}
    assert source.alphabet.characters == "abé"
    levels = {sample.text: int(sample.image[0, 0]) for sample in (source.draw("train", i) for i in range(2))}
    assert levels == {"ab": 7, "é": 200}
    # A folder of one LMDB is the same, and so is the file itself.
    (tmp_path / "y.mdb").write_bytes((tmp_path / "x" / "data.mdb").read_bytes())
    assert read_all(whole(tmp_path / "y.mdb")) == read_all(source)


def test_linked_folders_are_named_and_not_read(tmp_path):
    write_lmdb(tmp_path / "elsewhere", [(png(), b"b")])
    write_lmdb(tmp_path / "set" / "MJ", [(png(), b"a")])
    (tmp_path / "set" / "ST").symlink_to(tmp_path / "elsewhere")
    source = whole(tmp_path / "set")
    assert [entry.text for entry in source.splits["train"]] == ["a"]
    assert "not used: 1 linked folder not read (ST)" in source.notices
    # The folder that is named, and the folder of a split, may be links.
    (tmp_path / "link").symlink_to(tmp_path / "set")
    assert [entry.text for entry in whole(tmp_path / "link").splits["train"]] == ["a"]
    (tmp_path / "splits" / "val").mkdir(parents=True)
    (tmp_path / "splits" / "train").symlink_to(tmp_path / "set")
    write_lmdb(tmp_path / "splits" / "val" / "x", [(png(), b"a")])
    source = lmdb(path=str(tmp_path / "splits"), test=0)
    assert [len(source.splits[split]) for split in SPLITS] == [1, 1, 0]
    assert [text for text in source.notices if "linked" in text] == [
        "not used: 1 linked folder not read (train/ST)"
    ]


def test_a_folder_of_links_alone_is_an_error_that_names_them(tmp_path):
    write_lmdb(tmp_path / "elsewhere", [(png(), b"b")])
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "ST").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=r"set: no LMDB in it; not used: 1 linked folder not read \(ST\)"):
        lmdb(path=str(tmp_path / "set"))


def test_folders_are_splits_of_several_lmdbs(tmp_path):
    for folder in ("training/MJ/MJ_train", "training/MJ/MJ_test", "validation", "evaluation/X"):
        write_lmdb(tmp_path / folder, [(png(), folder[-1:].encode())])
    source = lmdb(path=str(tmp_path), test=0)
    assert [sorted(entry.text for entry in source.splits[split]) for split in SPLITS] == [
        ["n", "t"],
        ["n"],
        [],
    ]
    assert source.notices[0] == "not used: 1 LMDB outside of the folders of splits (evaluation/X)"
    assert {entry.name for entry in source.splits["train"]} == {
        "training/MJ/MJ_train/image-000000001",
        "training/MJ/MJ_test/image-000000001",
    }


def test_shares_and_groups_divide_lmdbs_without_splits(tmp_path):
    for folder in "abcd":
        write_lmdb(tmp_path / folder, [(png(), b"x")] * 3)
    source = lmdb(path=str(tmp_path), val=0.25, test=0.25, group="^(.)/")
    shards = [{entry.shard.name for entry in source.splits[split]} for split in SPLITS]
    assert sorted(map(len, shards)) == [1, 1, 2]
    assert set.union(*shards) == set("abcd")


def test_each_bad_sample_has_its_reason(tmp_path):
    pictures = [(content, b"ok") for content, _ in BAD_PICTURES.values()]
    labels = [(None, b"a"), (png(), None), (png(), b"\xff"), (png(), b" "), (png(), b"ok")]
    found = read_all(whole(write_lmdb(tmp_path / "x", pictures + labels)))
    for number, (_, reason) in enumerate(BAD_PICTURES.values(), start=1):
        assert reason in found.pop(f"image-{number:09}")
    first = len(pictures) + 1
    assert list(dict(sorted(found.items())).values()) == [
        f"! has no key image-{first:09}",
        f"! has no key label-{first + 1:09}",
        "! its label is not UTF-8",
        "! its label is empty",
        "ok",
    ]


@pytest.mark.parametrize(
    ("num", "message"),
    [
        (b"", "has no key num-samples; an LMDB of pictures has num-samples"),
        (b"many", "num-samples is b'many', not a number"),
        (b"-1", "num-samples is b'-1', not a number"),
        (b"99999999", "num-samples is 99,999,999, but it has 3 keys"),
        (b"9" * 5000, "not a number up to 100,000,000"),
        (b"0", "has no pictures"),
    ],
)
def test_num_samples_must_fit_the_keys(tmp_path, num, message):
    with pytest.raises(UsageError, match=message):
        whole(write_lmdb(tmp_path / "x", [(png(), b"a")], num))


def test_damaged_files(tmp_path):
    data = (write_lmdb(tmp_path / "x", [(png(), b"a")] * 50) / "data.mdb").read_bytes()
    for name, content, message in (
        ("empty", b"", "is empty"),
        ("text", b"hello" * 5000, "is no LMDB, or one of another version"),
        ("cut", data[: len(data) // 2], "is cut off: it has"),
        ("tiny", data[:4096], "is cut off: it has"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.mdb").write_bytes(content)
        with pytest.raises(UsageError, match=message):
            whole(tmp_path / name)
    with pytest.raises(UsageError, match="no such file or folder"):
        whole(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no LMDB in it"):
        (tmp_path / "none").mkdir()
        whole(tmp_path / "none")


def test_a_file_that_is_written_again_is_read_again(tmp_path):
    source = whole(write_lmdb(tmp_path / "x", [(png(), b"a")]))
    before = source.fingerprint("train")
    for file in (tmp_path / "x").iterdir():
        file.unlink()
    write_lmdb(tmp_path / "x", [(png(), b"a"), (png(9), b"b")])
    again = whole(tmp_path / "x")
    assert again.size("train") == 2
    assert again.fingerprint("train") != before


def test_one_picture_of_an_alphabet_that_lacks_its_label(tmp_path):
    source = whole(write_lmdb(tmp_path / "x", [(png(), b"a1"), (png(), b"22")]), alphabet="digits")
    found = read_all(source)
    assert found["image-000000001"] == "! its label 'a1' has 'a', which the alphabet lacks"
    assert source.notices[0].startswith("the alphabet lacks 'a'")
