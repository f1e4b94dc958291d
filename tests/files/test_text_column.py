"""Texts and rows of bytes in arrays, in memory and mapped from files."""

from __future__ import annotations

import numpy as np
import pytest

from ctcbench.files.byte_rows import ByteRows
from ctcbench.files.text_column import TextColumn

TEXTS = ("a", "", "é漢\N{GRINNING FACE}", "caf\udce9", "b\0c", "x")


@pytest.mark.parametrize("texts", [TEXTS, (), ("",)])
def test_a_column_is_a_sequence_like_a_tuple(tmp_path, texts):
    made = TextColumn.of(iter(texts))
    made.save(tmp_path, "x")
    for column in (made, TextColumn.open(tmp_path, "x")):
        assert column == texts and len(column) == len(texts) and tuple(column) == texts
        assert column != (*texts, "y") and (not texts or column != ("y", *texts[1:]))
        assert [column[at] for at in range(-len(texts), len(texts))] == [*texts, *texts]
        for part in (slice(None), slice(1, 3), slice(4, 2), slice(None, None, 2), slice(None, None, -1)):
            assert column[part] == texts[part]
        with pytest.raises(IndexError):
            column[len(texts)]


def test_mapped_texts_take_no_memory_of_the_process(tmp_path):
    TextColumn.of(TEXTS).save(tmp_path, "x")
    rows = ByteRows.open(tmp_path, "x")
    assert not rows.content.flags.owndata and not rows.content.flags.writeable
    assert not rows.part(1, 3).content.flags.owndata


@pytest.mark.parametrize("bounds", [[], [0], [0, 3], [1, 2], [0, 2, 1, 2], [0, -1, 2], [0, 2**60, 2], [2]])
def test_bounds_that_do_not_fit_are_an_error(tmp_path, bounds):
    ByteRows.of([b"a", b"b"]).save(tmp_path, "x")
    np.save(tmp_path / "x_bounds.npy", np.array(bounds, np.int64))
    with pytest.raises(ValueError, match=r"x_bounds\.npy does not fit x\.npy"):
        ByteRows.open(tmp_path, "x")


@pytest.mark.parametrize("content", [b"", b"GARBAGE!", b"\x80\x04K\x01."])
def test_a_file_that_holds_no_array_is_an_error(tmp_path, content):
    ByteRows.of([b"a", b"b"]).save(tmp_path, "x")
    (tmp_path / "x.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"x\.npy|empty|magic|pickled"):
        ByteRows.open(tmp_path, "x")


@pytest.mark.parametrize("array", [np.zeros((2, 2), np.uint8), np.zeros(2, np.int8), np.array(5, np.uint8)])
def test_an_array_of_another_form_is_an_error(tmp_path, array):
    ByteRows.of([b"a", b"b"]).save(tmp_path, "x")
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ValueError, match=r"x\.npy is "):
        ByteRows.open(tmp_path, "x")


def test_a_text_that_is_not_utf_8_is_an_error(tmp_path):
    ByteRows.of([b"a", b"\xff"]).save(tmp_path, "x")
    with pytest.raises(ValueError, match="can't decode"):
        TextColumn.open(tmp_path, "x")
