"""A set of pictures whose index another process maps from files."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from ctcbench.builtin.folder import folder
from ctcbench.builtin.picture_sets.csv_set import csv
from ctcbench.builtin.picture_sets.lmdb_set import lmdb
from ctcbench.builtin.picture_sets.parquet_set import parquet
from ctcbench.builtin.picture_sets.shared_set import open_shared_set
from ctcbench.contract.errors import CtcbenchError
from tests.builtin.picture_sets.picture_cases import png, read_all, write_lmdb, write_parquet

TEXTS = ["ab", "c", "é", "d e", "אב", "\N{GRINNING FACE}", "g", "h"]


def pictures(root, kind):
    """Return a set of one kind; one of its pictures can't be used."""
    images = [png(level) for level in range(len(TEXTS))]
    if kind == "lmdb":
        pytest.importorskip("lmdb", reason="the package lmdb is not installed")
        rows = [(image, text.encode()) for image, text in zip(images, TEXTS, strict=True)]
        return lmdb.builder(path=str(write_lmdb(root / "x", [*rows, (images[0], None)])))
    if kind == "parquet":
        pytest.importorskip("pyarrow", reason="the package pyarrow is not installed")
        file = write_parquet(root / "x.parquet", {"image": [*images, b""], "text": [*TEXTS, None]}, 3)
        return parquet.builder(path=str(file))
    for index, image in enumerate(images):
        (root / f"{index}.png").write_bytes(image)
    table = root / "labels.csv"
    lines = [f'{index}.png,"{text}"' for index, text in enumerate(TEXTS)]
    table.write_text("\n".join(["file,label", *lines, "missing.png,x"]), encoding="utf-8")
    if kind == "csv":
        return csv.builder(path=str(table))
    # A name that is not UTF-8.
    (root / "\udcff.png").write_bytes(images[0])
    return folder.builder(path=str(root))


@pytest.mark.parametrize("kind", ["folder", "csv", "lmdb", "parquet"])
@pytest.mark.parametrize("split", ["train", "val"])
def test_an_opened_set_draws_the_same_samples(tmp_path, kind, split):
    source = pictures(tmp_path, kind)
    (tmp_path / "shared").mkdir()
    source.share(tmp_path / "shared", split)
    opened = open_shared_set(tmp_path / "shared")
    assert list(opened.splits[split]) == list(source.splits[split])
    assert read_all(opened, split) == read_all(source, split)
    assert (opened.image, opened.alphabet) == (source.image, source.alphabet)
    assert opened.fingerprint(split) == source.fingerprint(split)
    # The arrays are mapped, and so in memory once for all processes.
    assert not opened.splits[split].rows.content.flags.owndata


def test_an_opened_set_has_every_option_of_the_pictures(tmp_path):
    options = {"height": 24, "width": 90, "channels": 3, "fit": "keep", "crop": 0.2, "direction": "rtl"}
    options["ground"] = "black"
    source = folder.builder(path=str(pictures(tmp_path, "folder").root), **options)
    assert all(getattr(source.image, f.name) != f.default for f in dataclasses.fields(source.image))
    (tmp_path / "shared").mkdir()
    source.share(tmp_path / "shared", "train")
    opened = open_shared_set(tmp_path / "shared")
    assert (opened.image, opened.alphabet, opened.fit) == (source.image, source.alphabet, source.fit)
    assert read_all(opened, "train") == read_all(source, "train")


def _cut(file):
    file.write_bytes(file.read_bytes()[:-1])


def _replace(file, values):
    np.save(file, np.array(values))


def _edit(file, **fields):
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("entries.npy", _cut),
        ("entries.npy", lambda file: file.write_bytes(b"")),
        ("entries.npy", lambda file: file.unlink()),
        ("entries_bounds.npy", lambda file: _replace(file, np.array([0, 2**62, 5], "<i8"))),
        ("entries_bounds.npy", lambda file: _replace(file, np.array([-8, 2], "<i8"))),
        ("entries_bounds.npy", lambda file: _replace(file, np.array([], "<i8"))),
        ("entries_bounds.npy", lambda file: _replace(file, ["x"])),
        ("places.npy", lambda file: _replace(file, np.array([7, 7, 7, 7, 7, 7], "<i4"))),
        ("places.npy", lambda file: _replace(file, np.array([-1], "<i4"))),
        ("source.json", _cut),
        ("source.json", lambda file: _edit(file, store={"kind": "else"})),
        ("source.json", lambda file: _edit(file, shared=[])),
        ("source.json", lambda file: _edit(file, image={"height": 0})),
    ],
)
def test_a_damaged_file_is_an_error(tmp_path, name, damage):
    source = pictures(tmp_path, "csv")
    (tmp_path / "shared").mkdir()
    source.share(tmp_path / "shared", "train")
    damage(tmp_path / "shared" / name)
    with pytest.raises(CtcbenchError, match="shared"):
        open_shared_set(tmp_path / "shared")


def test_damaged_bytes_of_an_entry_are_an_error(tmp_path):
    source = pictures(tmp_path, "csv")
    (tmp_path / "shared").mkdir()
    source.share(tmp_path / "shared", "train")
    content = np.load(tmp_path / "shared" / "entries.npy")
    np.save(tmp_path / "shared" / "entries.npy", np.full_like(content, 0xFF))
    with pytest.raises(CtcbenchError, match="entry 0 of the index is damaged"):
        open_shared_set(tmp_path / "shared").draw("train", 0)
