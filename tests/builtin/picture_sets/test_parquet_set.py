"""The data set parquet: columns, shards and splits, pictures by path, damaged files."""

from __future__ import annotations

import contextlib
import json
import mmap
import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyarrow", reason="the package pyarrow is not installed")

from ctcbench.builtin.picture_sets import parquet_index, parquet_pages, parquet_store
from ctcbench.builtin.picture_sets.parquet_footer import check_footer
from ctcbench.builtin.picture_sets.parquet_set import parquet
from ctcbench.builtin.picture_sets.parquet_store import ParquetStore, open_parquet
from ctcbench.contract.data import SPLITS
from ctcbench.contract.errors import UsageError
from tests.builtin.picture_sets.picture_cases import BAD_PICTURES, png, read_all, write_parquet


def whole(path, **options):
    return parquet(path=str(path), val=0, test=0, **options)


def in_order(source):
    """Return the text or the reason of each row, in the order of the rows."""
    return [found for _, found in sorted(read_all(source).items())]


def test_rows_of_all_row_groups_are_read(tmp_path, monkeypatch):
    texts = [f"{i}" for i in range(30)]
    file = write_parquet(tmp_path / "x.parquet", {"image": [png(i) for i in range(30)], "text": texts}, 7)
    # Also where hardly a row group is kept.
    for kept in (parquet_store._KEPT_BYTES, 800, 0):
        monkeypatch.setattr(parquet_store, "_KEPT_BYTES", kept)
        source = whole(file)
        levels = {
            sample.text: int(sample.image[0, 0]) for sample in (source.draw("train", i) for i in range(30))
        }
        assert levels == {text: int(text) for text in texts}
        assert source.store._kept_bytes <= kept


def test_names_of_shards_are_splits(tmp_path):
    for name in ("train-00000-of-00002-ab", "train-00001-of-00002-ab", "validation-0", "test", "extra"):
        write_parquet(tmp_path / "data" / f"{name}.parquet", {"image": [png()], "label": [name[:4]]})
    source = parquet(path=str(tmp_path))
    assert [[entry.text for entry in source.splits[split]] for split in SPLITS] == [
        ["trai", "trai"],
        ["vali"],
        ["test"],
    ]
    assert "not used: 1 Parquet file whose name begins with no split (data/extra.parquet)" in source.notices
    with pytest.raises(UsageError, match=r"test and val, but none train; one that is named itself .*path="):
        for file in (tmp_path / "data").glob("train*"):
            file.unlink()
        parquet(path=str(tmp_path))
    assert whole(tmp_path / "data" / "test.parquet").size("train") == 1


def test_a_column_of_splits_and_one_of_groups(tmp_path):
    columns = {
        "image": [png(i) for i in range(12)],
        "text": ["x"] * 12,
        "split": ["train", "valid", "test", "train"] * 3,
        "writer": [f"w{i % 4}" for i in range(12)],
    }
    file = write_parquet(tmp_path / "x.parquet", columns)
    assert [parquet(path=str(file)).size(split) for split in SPLITS] == [6, 3, 3]
    alone = tmp_path / "alone"
    alone.mkdir()
    write_parquet(alone / "0.parquet", {**columns, "split": ["val", "test"] * 6})
    assert [parquet(path=str(alone)).size(split) for split in SPLITS[1:]] == [6, 6]
    with pytest.raises(UsageError, match="its column of splits has val and test, but no train"):
        parquet(path=str(alone)).size("train")
    del columns["split"]
    # Their pictures have no split, and would be divided by shares.
    write_parquet(alone / "1.parquet", columns)
    with pytest.raises(UsageError, match="its column of splits has test and val, but no train"):
        parquet(path=str(alone))
    source = parquet(path=str(write_parquet(file, columns)), group="writer", val=0.2, test=0.2)
    groups = [{entry.group for entry in source.splits[split]} for split in SPLITS]
    assert sorted(map(len, groups)) == [1, 1, 2]
    with pytest.raises(UsageError, match=r"no column 'writers'.*did you mean 'writer'"):
        parquet(path=str(file), split="writers")
    with pytest.raises(UsageError, match=r"no such column \(columns: 'image', 'text', 'writer'\)"):
        parquet(path=str(file), group="writers")


@pytest.mark.parametrize("of", [int, lambda i: i > 1, lambda i: None if i == 3 else str(i)])
def test_groups_are_whole_numbers_truth_values_or_texts(tmp_path, of):
    groups = [of(i % 4) for i in range(12)]
    columns = {"image": [png(i) for i in range(12)], "text": ["x"] * 12, "writer": groups}
    source = whole(write_parquet(tmp_path / "x.parquet", columns), group="writer")
    found = {entry.group for entry in source.splits["train"]}
    assert found == {"" if group is None else str(group) for group in groups}


def test_the_type_of_a_column_of_groups_is_checked(tmp_path):
    columns = {"image": [png()], "text": ["x"], "writer": [0.5]}
    file = write_parquet(tmp_path / "x.parquet", columns)
    with pytest.raises(
        UsageError, match=r"the column 'writer' \(group=\) is double; groups are texts, whole"
    ):
        parquet(path=str(file), group="writer")


def test_pictures_in_files_beside(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.png").write_bytes(png(9))
    pictures = [(None, "sub/a.png"), (None, "/etc/passwd"), (None, "../a.png"), (None, "b.png"), None]
    file = write_parquet(tmp_path / "x.parquet", {"image": pictures, "text": list("abcde")})
    assert read_all(whole(file)) == {
        "000000000": "a",
        "000000001": "! its picture '/etc/passwd' is not in the folder of the file",
        "000000002": "! its picture '../a.png' is not in the folder of the file",
        "000000003": "! no such file",
        "000000004": "! its picture is null (column 'image')",
    }


def test_a_link_beside_a_file_is_not_followed_out_of_its_folder(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    (tmp_path / "a.png").write_bytes(png())
    (folder / "out").symlink_to(tmp_path)
    (folder / "b.png").symlink_to(tmp_path / "a.png")
    (folder / "c.png").write_bytes(png())
    (folder / "in.png").symlink_to("c.png")
    (folder / "loop").symlink_to("loop")
    names = ["out/a.png", "b.png", "in.png", "loop", "nul\0", "x" * 5000]
    columns = {"image": [(None, name) for name in names], "text": ["a"] * len(names)}
    found = in_order(whole(write_parquet(folder / "x.parquet", columns)))
    assert found[:3] == [
        "! its picture 'out/a.png' is not in the folder of the file",
        "! its picture 'b.png' is not in the folder of the file",
        "a",
    ]
    assert found[3] == "! its picture 'loop' can't be read"
    assert all(reason.startswith("! ") and len(reason) < 100 for reason in found[3:])


def as_text(values):
    """Return a column of text whose bytes are not checked, as Arrow checks none."""
    import pyarrow

    return pyarrow.array(values, pyarrow.binary()).view(pyarrow.string())


def test_text_that_is_not_utf_8_is_the_fault_of_its_row(tmp_path):
    import pyarrow
    import pyarrow.parquet

    file, pictures = tmp_path / "x.parquet", pyarrow.array([png()] * 3)
    columns = {"image": pictures, "text": as_text([b"a", b"\xff", None])}
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    assert in_order(whole(file)) == ["a", "! its label is not UTF-8", "! its label is null"]
    columns = {"image": pictures, "text": as_text([b"a"] * 3), "split": as_text([b"train", b"val\xff", b""])}
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    assert [reason[:12] for reason in in_order(whole(file))] == ["a", "! its split ", "! its split "]
    places = pyarrow.StructArray.from_arrays(
        [pyarrow.nulls(3, pyarrow.binary()), as_text([b"\xff"] * 3)], ["bytes", "path"]
    )
    pyarrow.parquet.write_table(pyarrow.table({"image": places, "text": ["a"] * 3}), file)
    assert all(reason.startswith("! its row group 0 is damaged") for reason in in_order(whole(file)))


def test_each_bad_sample_has_its_reason(tmp_path):
    pictures = [content for content, _ in BAD_PICTURES.values()]
    columns = {"image": [*pictures, png(), png()], "text": ["ok"] * len(pictures) + [None, "ok"]}
    found = read_all(whole(write_parquet(tmp_path / "x.parquet", columns)))
    for number, (_, reason) in enumerate(BAD_PICTURES.values()):
        assert reason in found.pop(f"{number:09}")
    assert list(found.values()) == ["! its label is null", "ok"] or list(found.values()) == [
        "ok",
        "! its label is null",
    ]


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"file": ["a"], "text": ["a"]}, {}, r"has no column of pictures .*\(columns: file: string, text"),
        ({"image": [png()], "words_": ["a"]}, {}, "has no column of labels .* label=NAME names it"),
        ({"image": [png()], "label": [1]}, {}, "has no column of labels .*label: int64"),
        ({"image": [png()], "n": [1], "text": ["a"]}, {"label": "n"}, r"column 'n' \(label=\) is int64, not"),
        ({"a": [png()], "b": [png()], "text": ["x"]}, {}, "columns 'a' and 'b' may all be meant; image=NAME"),
        (
            {"image": [png()], "label": ["a"], "text": ["a"]},
            {},
            "columns 'label' and 'text' may all be meant",
        ),
        (
            {"image": [png()], "text": ["a"]},
            {"image": "text"},
            "column 'text' is string; pictures are binary",
        ),
        ({"image": [png()], "text": ["a"]}, {"image": "imag"}, "no column 'imag'.*did you mean 'image'"),
    ],
)
def test_columns_that_are_missing_or_not_clear(tmp_path, columns, options, message):
    with pytest.raises(UsageError, match=message):
        whole(write_parquet(tmp_path / "x.parquet", columns), **options)


def test_a_usual_name_decides_between_pictures(tmp_path):
    file = write_parquet(tmp_path / "x.parquet", {"mask": [png(1)], "image": [png(2)], "text": ["x"]})
    assert whole(file).draw("train", 0).image[0, 0] == 2
    assert whole(file, image="mask").draw("train", 0).image[0, 0] == 1


def test_damaged_files(tmp_path):
    data = write_parquet(tmp_path / "x.parquet", {"image": [png()] * 9, "text": ["x"] * 9}).read_bytes()
    for content in (b"", b"hello" * 100, data[: len(data) // 2]):
        (tmp_path / "y.parquet").write_bytes(content)
        with pytest.raises(UsageError, match=r"y\.parquet: is no Parquet file, or is damaged"):
            whole(tmp_path / "y.parquet")
    # The name of a column in the description of its pages, and not in that of the table.
    at = data.find(b"text")
    while at >= 0:
        (tmp_path / "y.parquet").write_bytes(data[:at] + b"\xf6" + data[at + 1 :])
        with contextlib.suppress(UsageError):
            whole(tmp_path / "y.parquet")
        at = data.find(b"text", at + 1)
    with pytest.raises(UsageError, match="has no rows"):
        whole(write_parquet(tmp_path / "z.parquet", {"image": [], "text": []}) and _empty(tmp_path))
    with pytest.raises(UsageError, match="no Parquet file in it"):
        (tmp_path / "none").mkdir()
        whole(tmp_path / "none")


def _empty(folder):
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table(
        {"image": pyarrow.array([], pyarrow.binary()), "text": pyarrow.array([], pyarrow.string())}
    )
    pyarrow.parquet.write_table(table, folder / "none.parquet")
    return folder / "none.parquet"


def test_large_row_groups_have_a_notice(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_store, "_LARGE_GROUP", 1000)
    columns = {"image": [png(i, width=200) for i in range(40)], "text": ["x"] * 40}
    file = write_parquet(tmp_path / "x.parquet", columns)
    assert "row_group_size=100" in whole(file).notices[0]
    assert whole(write_parquet(file, columns, row_group_size=1)).notices == ()


def expanding(file: Path, size: int, **options: Any) -> Path:
    """Write a Parquet file of some kilobytes with a picture of many zeros."""
    write_parquet(file, {"image": [bytes(size), png()], "text": ["a", "b"]}, compression="zstd", **options)
    assert file.stat().st_size < size / 100
    return file


def test_a_row_group_that_expands_beyond_the_limit_is_one_error(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_pages, "MOST_EXPANDED", 1_000_000)
    file = expanding(tmp_path / "x.parquet", 2_000_000)
    with pytest.raises(UsageError, match=r"row group 0, column 'image': expands to 2 MiB, but at most 0 are"):
        whole(file)
    # Of columns that are not read, no page is.
    write_parquet(file, {"mask": [bytes(2_000_000)], "image": [png()], "text": ["a"]}, compression="zstd")
    assert whole(file, image="image").size("train") == 1


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_pages_that_expand_to_more_than_the_metadata_state_are_one_error(tmp_path, version):
    file = expanding(tmp_path / "x.parquet", 2_000_000, data_page_version=version, use_dictionary=False)
    assert whole(file).size("train") == 2
    content = file.read_bytes()
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        header = parquet_pages._Header(mapped, 4, len(content))
    assert header.uncompressed > 2_000_000
    stated, more = _zigzag(header.uncompressed), _zigzag(header.uncompressed + 2**20)
    assert len(stated) == len(more)
    file.write_bytes(content.replace(stated, more, 1))
    with pytest.raises(UsageError, match=r"'image': is damaged: it states [\d,]+ bytes, but"):
        whole(file)


def test_pictures_that_share_a_value_expand_no_further_than_the_limit(tmp_path, monkeypatch):
    picture = png(width=200)
    columns = {"image": [picture] * 40, "text": ["x"] * 40}
    file = write_parquet(tmp_path / "x.parquet", columns, compression="zstd")
    monkeypatch.setattr(parquet_store, "_KEPT_BYTES", 10 * len(picture))
    source = whole(file)
    assert set(read_all(source).values()) == {"x"}
    # What rows share is in memory once.
    assert 0 < source.store._kept_bytes < 10 * len(picture)
    monkeypatch.setattr(parquet_store, "MOST_EXPANDED", 20 * (len(picture) + parquet_store._OBJECT_BYTES))
    source = whole(file)
    found = in_order(source)
    read = found.count("x")
    assert 10 < read <= 20
    (reason,) = {*found[read:]}
    assert reason.startswith("! the pictures of its row group 0 expand to more than 0 MiB; write the file")


@pytest.mark.parametrize("kind", ["plain", "dictionary"])
def test_labels_that_share_a_value_expand_no_further_than_the_limit(tmp_path, monkeypatch, kind):
    import pyarrow
    import pyarrow.parquet

    texts = pyarrow.array(["a" * 1000] * 40)
    columns = {"image": [png()] * 40, "text": texts if kind == "plain" else texts.dictionary_encode()}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "x.parquet")
    assert whole(tmp_path / "x.parquet").size("train") == 40
    monkeypatch.setattr(parquet_index, "MOST_EXPANDED", 30_000)
    with pytest.raises(UsageError, match="the texts of text expand to more than 0 MiB in a row group; write"):
        whole(tmp_path / "x.parquet")


def test_few_rows_are_decoded_at_a_time_where_values_may_be_large():
    assert parquet_store.rows_of_batch(64, 1, 16) == 16
    assert parquet_store.rows_of_batch(64, 16, 16) == 4
    assert parquet_store.rows_of_batch(64, 1000, 16) == 1
    assert parquet_store.rows_of_batch(64, 0, 16) == 16


@pytest.mark.parametrize("cases", [30, pytest.param(5000, marks=pytest.mark.slow)])
def test_damaged_page_headers_are_errors(tmp_path, cases):
    file = write_parquet(tmp_path / "x.parquet", {"image": [png()] * 4, "text": ["a", "b", "a", "b"]})
    content = file.read_bytes()
    for seed in range(cases):
        chance, damaged = random.Random(seed), bytearray(content)
        for _ in range(3):
            damaged[chance.randrange(4, 40)] = chance.randrange(256)
        file.write_bytes(damaged)
        with contextlib.suppress(UsageError):
            read_all(whole(file))


def test_a_damaged_footer_is_an_error_of_one_line(tmp_path):
    file = write_parquet(tmp_path / "x.parquet", {"image": [png()], "text": ["a"]})
    content = file.read_bytes()
    size = int.from_bytes(content[-8:-4], "little")
    file.write_bytes(content[: -8 - size] + b"\xff" * size + content[-8:])
    with pytest.raises(UsageError, match=r"^[^\n]*: is no Parquet file, or is damaged \([^\n]+\)$"):
        whole(file)


def test_a_picture_beside_the_file_that_changes_changes_the_fingerprint(tmp_path):
    pictures = [
        (None, "0.png"),
        (None, "sub/1.png"),
        (None, "../out.png"),
        (None, None),
        None,
        (png(), "x.png"),
    ]
    (tmp_path / "sub").mkdir()
    for name in ("0.png", "sub/1.png"):
        (tmp_path / name).write_bytes(png(200))
    write_parquet(tmp_path / "x.parquet", {"image": pictures, "text": list("abcdef")})
    before = whole(tmp_path / "x.parquet").fingerprint("train")
    assert whole(tmp_path / "x.parquet").fingerprint("train") == before
    (tmp_path / "sub" / "1.png").write_bytes(png(50) + b" ")
    after = whole(tmp_path / "x.parquet")
    assert after.fingerprint("train") != before
    # A worker process, which opens the file itself, finds the same.
    store = ParquetStore(json.loads(json.dumps(after.store.document())))
    assert [*store.states(after.splits["train"])] == [*after.store.states(after.splits["train"])]
    assert len([*store.states(after.splits["train"])]) == 1 + 4


def test_without_paths_the_pictures_are_not_looked_for(tmp_path, monkeypatch):
    write_parquet(tmp_path / "x.parquet", {"image": [(png(), "0.png")] * 3, "text": list("abc")})
    source = whole(tmp_path / "x.parquet")
    monkeypatch.setattr(parquet_store, "path_states", None)
    assert len([*source.store.states(source.splits["train"])]) == 1


def test_columns_with_dots_in_their_names_are_checked_like_others(tmp_path, monkeypatch):
    columns = {"my.img": [(None, "0.png")] * 2, "a.text": ["a", "b"]}
    (tmp_path / "0.png").write_bytes(png())
    file = write_parquet(tmp_path / "x.parquet", columns)
    source = whole(file, label="a.text")
    assert sorted(read_all(source).values()) == ["a", "b"]
    assert len([*source.store.states(source.splits["train"])]) == 3
    monkeypatch.setattr(parquet_pages, "MOST_EXPANDED", 1)
    with pytest.raises(UsageError, match=r"column 'my\.img': expands to"):
        whole(file, label="a.text")


def test_a_column_that_is_called_as_a_part_of_the_pictures_is_not_taken_for_them(tmp_path):
    (tmp_path / "0.png").write_bytes(png())
    columns = {"image.path": ["x", "y"], "image": [(None, "0.png")] * 2, "text": ["a", "b"]}
    source = whole(write_parquet(tmp_path / "x.parquet", columns), image="image", label="text")
    assert len([*source.store.states(source.splits["train"])]) == 3


def test_two_columns_of_one_name_are_an_error(tmp_path):
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table([pyarrow.array([png()]), ["a"], ["b"]], names=["image", "text", "text"])
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    with pytest.raises(UsageError, match=r"has several columns 'text'; give them different names"):
        whole(tmp_path / "x.parquet")


def test_a_column_whose_statistics_contradict_the_schema_is_an_error(tmp_path):
    # The metadata of pyarrow 26 abort the process there.
    file = write_parquet(tmp_path / "x.parquet", {"image": [png()], "text": ["a"]})
    check_footer(file, open_parquet(file).metadata)
    content, described = file.read_bytes(), b"\x02\x18\x04text"
    assert content.count(described) == 1
    file.write_bytes(content.replace(described, b"\x60" + described[1:]))
    with pytest.raises(UsageError, match=r"^[^\n]*x\.parquet: is [^\n]*damaged \([^\n]+\)$"):
        whole(file)


def _zigzag(number: int) -> bytes:
    number <<= 1
    written = bytearray()
    while number >= 128:
        written.append(number & 127 | 128)
        number >>= 7
    return bytes([*written, number])
