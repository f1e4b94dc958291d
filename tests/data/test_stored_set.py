"""Stored sets: every kind of damage is found, and the set drawn again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ctcbench.data.built_dataset import build_dataset
from ctcbench.data.materialise import materialise
from ctcbench.data.mixed_dataset import MixedDataset
from ctcbench.files.byte_rows import ByteRows
from ctcbench.files.text_column import TextColumn


def only_set(cache: Path) -> Path:
    (found,) = (path for path in cache.iterdir() if path.name != "locks")
    return found


def _cut(folder: Path, name: str) -> None:
    with (folder / name).open("r+b") as file:
        file.truncate((folder / name).stat().st_size - 5)


def _overwrite(folder: Path, name: str, content: bytes) -> None:
    with (folder / name).open("r+b") as file:
        file.write(content)


def _edit(folder: Path, **changes) -> None:
    path = folder / "samples.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _rows(folder: Path, name: str, rows: list[bytes]) -> None:
    ByteRows.of(rows).save(folder, name)
    _edit(folder, bytes={file.name: file.stat().st_size for file in folder.glob("*.npy")})


def _bounds(folder: Path, name: str) -> None:
    bounds = np.load(folder / f"{name}_bounds.npy")
    bounds[5] = 2**40
    np.save(folder / f"{name}_bounds.npy", bounds)


DAMAGE = {
    "images cut off": lambda folder: _cut(folder, "images.npy"),
    "widths cut off": lambda folder: _cut(folder, "widths.npy"),
    "json cut off": lambda folder: _cut(folder, "samples.json"),
    "images without a header": lambda folder: _overwrite(folder, "images.npy", b"GARBAGE!"),
    "widths pickled": lambda folder: _overwrite(folder, "widths.npy", b"\x80\x04K\x01."),
    "images missing": lambda folder: (folder / "images.npy").unlink(),
    "json missing": lambda folder: (folder / "samples.json").unlink(),
    "json not an object": lambda folder: (folder / "samples.json").write_text("[]"),
    "json binary": lambda folder: (folder / "samples.json").write_bytes(b"\xff\xfe\x00"),
    "texts cut off": lambda folder: _cut(folder, "texts.npy"),
    "a text missing": lambda folder: TextColumn.of(map(str, range(19))).save(folder, "texts"),
    "a text that is not UTF-8": lambda folder: _rows(folder, "texts", [b"\xff"] * 20),
    "names that end before they begin": lambda folder: _bounds(folder, "names"),
    "another shape": lambda folder: _edit(folder, shape=[20, 1, 6, 4]),
    "no sizes": lambda folder: _edit(folder, bytes=None),
    "a size missing": lambda folder: _edit(folder, bytes={}),
    "no names": lambda folder: (folder / "names.npy").unlink(),
    "a rejected sample without a reason": lambda folder: _edit(folder, bad=[[3, "train/3"]]),
    "json nested without end": lambda folder: (folder / "samples.json").write_text("[" * 100_000),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_set_is_drawn_again(plugins, cache, damage):
    first = materialise(build_dataset(plugins, "marks"), "train", 20, cache=cache)
    fingerprint = first.fingerprint
    DAMAGE[damage](only_set(cache))
    notices: list[str] = []
    again = materialise(build_dataset(plugins, "marks"), "train", 20, cache=cache, notice=notices.append)
    assert again.fingerprint == fingerprint
    assert (again.images_NCHW[:, 0, 0, 0] == range(20)).all()
    assert len(notices) == 1
    assert "drawn again" in notices[0]
    materialise(build_dataset(plugins, "marks"), "train", 20, cache=cache, notice=notices.append)
    assert len(notices) == 1
    only_set(cache)


def _rows_file(folder: Path, change) -> None:
    rows_N = np.load(folder / "rows.npy")
    np.save(folder / "rows.npy", change(rows_N).astype("<i4"))


ROW_DAMAGE = {
    "cut off": lambda folder: _cut(folder, "rows.npy"),
    "missing": lambda folder: (folder / "rows.npy").unlink(),
    "beyond the images": lambda folder: _rows_file(folder, lambda rows_N: np.where(rows_N == 7, 99, rows_N)),
    "negative": lambda folder: _rows_file(folder, lambda rows_N: np.where(rows_N == 7, -1, rows_N)),
    "of fewer images": lambda folder: _rows_file(folder, lambda rows_N: np.minimum(rows_N, 6)),
    "not in the order of their use": lambda folder: _rows_file(folder, lambda rows_N: rows_N.max() - rows_N),
    "of fewer samples": lambda folder: _edit_rows(folder, np.arange(8)),
    "of another type": lambda folder: np.save(folder / "rows.npy", np.zeros(20, "<f4")),
    "of more images": lambda folder: _edit(folder, distinct=9),
    "of no images": lambda folder: _edit(folder, distinct=None),
}


def _edit_rows(folder: Path, rows_N) -> None:
    np.save(folder / "rows.npy", rows_N.astype("<i4"))
    _edit(folder, bytes={file.name: file.stat().st_size for file in folder.glob("*.npy")})


@pytest.mark.parametrize("damage", ROW_DAMAGE)
def test_a_set_with_damaged_rows_is_drawn_again(plugins, cache, damage):
    parts = (build_dataset(plugins, f"marks:count={count}") for count in (5, 3))
    dataset = MixedDataset.of(*parts, 0.5)
    first = materialise(dataset, "train", 20, cache=cache)
    expected_NCHW = first.images_NCHW[:]  # the damage changes the mapped rows
    ROW_DAMAGE[damage](only_set(cache))
    notices: list[str] = []
    again = materialise(dataset, "train", 20, cache=cache, notice=notices.append)
    assert len(notices) == 1
    assert "drawn again" in notices[0]
    assert (again.fingerprint, again.texts) == (first.fingerprint, first.texts)
    assert (again.images_NCHW[:] == expected_NCHW).all()


def test_a_name_that_is_not_unicode_is_read_back(plugins, cache):
    dataset = build_dataset(plugins, "marks")
    materialise(dataset, "train", 20, cache=cache)
    names = ["caf\udce9.png", *map(str, range(19))]
    _rows(only_set(cache), "names", [name.encode(errors="surrogatepass") for name in names])
    notices: list[str] = []
    samples = materialise(dataset, "train", 20, cache=cache, notice=notices.append)
    assert list(samples.names) == names
    assert notices == []
