"""The header of safetensors files: what the library wrote is read, impossible headers are refused."""

import json

import numpy as np
import pytest
from safetensors.numpy import save

from ctcbench.files.safetensors_header import read_metadata

DATA = save({"a": np.zeros((2, 3)), "b": np.zeros(4)}, metadata={"document": '{"x": 1}'})


def with_header(header, size=None):
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(content) if size is None else size).to_bytes(8, "little") + content


def test_metadata_is_read():
    assert read_metadata(DATA) == {"x": 1}
    assert read_metadata(save({"a": np.zeros(2)})) == {}


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 7, with_header(b"", 2**60), with_header(b"{}", 3), with_header(b"[]"),
     with_header(b"[" * 100_000), with_header({"__metadata__": 3}),
     with_header({"__metadata__": {"document": 3}}), with_header({"__metadata__": {"document": "[]"}})],
    ids=range(9),
)  # fmt: skip
def test_impossible_headers_are_refused(data):
    with pytest.raises((ValueError, RecursionError)):
        read_metadata(data)
