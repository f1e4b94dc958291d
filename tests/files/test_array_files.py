"""Arrays in files: what numpy reads back, and errors of a full disk."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ctcbench.files.array_files import write_array

FULL = """
import resource, sys
from pathlib import Path
import numpy as np
from ctcbench.files.array_files import write_array
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    write_array(Path(sys.argv[1]), np.zeros(300))
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="<i8").reshape(2, 3),
        np.zeros((0, 4), np.uint8),
        np.float32(3),
        np.arange(8)[::2],
        np.arange(6).reshape(2, 3).T,
    ],
    ids=["matrix", "empty", "scalar", "every-second", "columns"],
)
def test_numpy_reads_what_was_written(tmp_path, array):
    path = tmp_path / "a.npy"
    path.write_bytes(b"x" * 1000)
    write_array(path, np.asarray(array))
    read = np.load(path, allow_pickle=False)
    assert read.dtype == np.asarray(array).dtype
    assert np.array_equal(read, array)


def test_a_full_disk_is_an_error_for_a_small_array_too(tmp_path):
    out = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "a.npy")], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "File too large"
