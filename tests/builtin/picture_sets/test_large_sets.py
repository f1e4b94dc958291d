"""Large data sets: their pictures are read one at a time, and memory holds their index alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.builtin.picture_sets.picture_cases import png, write_lmdb

# Prints the bytes of memory that each row took at most, for an index and 500 drawn pictures.
MEASURE = """
import importlib, resource, sys
import numpy, PIL.Image
kind, path = sys.argv[1:]
module = "folder" if kind == "folder" else f"picture_sets.{kind}_set"
build = getattr(importlib.import_module(f"ctcbench.builtin.{module}"), kind)
if kind == "parquet":
    import pyarrow.parquet
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
source = build(path=path, label="stem") if kind == "folder" else build(path=path)
rows = sum(map(len, source.splits.values()))
source.fingerprint("train")
texts = {source.draw("train", index).text for index in range(500)}
assert len(texts) == 500
print(rows, (peak() - before) // rows)
"""
# Two objects for each row, its name and its label, and what sorts them.
MOST_BYTES = 900


def measured(kind, path) -> tuple[int, int]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", MEASURE, kind, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ended.returncode == 0, ended.stderr
    rows, per_row = map(int, ended.stdout.split())
    return rows, per_row


@pytest.mark.landing
def test_an_lmdb_of_200_000_pictures(tmp_path):
    pytest.importorskip("lmdb", reason="the package lmdb is not installed")
    # The pictures alone would take more than is allowed.
    picture = png() + bytes(1000)
    write_lmdb(tmp_path / "x", [(picture, b"%08d" % index) for index in range(200_000)])
    rows, per_row = measured("lmdb", tmp_path / "x")
    assert rows == 200_000
    assert per_row < MOST_BYTES


@pytest.mark.landing
def test_a_parquet_file_of_200_000_pictures(tmp_path):
    pytest.importorskip("pyarrow", reason="the package pyarrow is not installed")
    import pyarrow
    import pyarrow.parquet

    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    schema = pyarrow.schema([("image", kind), ("text", pyarrow.string())])
    picture = png() + bytes(1000)
    with pyarrow.parquet.ParquetWriter(tmp_path / "x.parquet", schema) as writer:
        pictures = pyarrow.array([{"bytes": picture, "path": None}] * 100, kind)
        for start in range(0, 200_000, 100):
            texts = pyarrow.array([f"{index:08}" for index in range(start, start + 100)])
            writer.write_table(pyarrow.table({"image": pictures, "text": texts}, schema))
    rows, per_row = measured("parquet", tmp_path / "x.parquet")
    assert rows == 200_000
    # The row groups that are kept take 64 MiB whatever the number of rows.
    assert per_row < MOST_BYTES + 64 * 2**20 / rows


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "folder"])
def test_30_000_files(tmp_path, kind):
    names = [f"{index // 1000:03}/{index:08}.png" for index in range(30_000)]
    for name in names:
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(png())
    (tmp_path / "t.csv").write_text("path,label\n" + "".join(f"{name},{name[4:12]}\n" for name in names))
    rows, per_row = measured(kind, tmp_path / "t.csv" if kind == "csv" else tmp_path)
    assert rows == 30_000
    # A path, its parts and the identity of its file, while the index is made.
    assert per_row < 4 * MOST_BYTES
