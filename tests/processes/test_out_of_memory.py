"""is_out_of_memory(): errors of Python, numpy, torch and the operating system."""

import errno
import os

import numpy as np
import pytest
import torch

from ctcbench.contract.errors import PluginError
from ctcbench.processes.out_of_memory import describe_shortage, is_out_of_memory
from ctcbench.processes.remote_errors import decode_error, encode_error
from ctcbench.registry.attribution import attribute_errors
from ctcbench.study.trial import explain_failure

# No machine has as much.
SHORTAGES = {
    "torch": lambda: torch.empty(1 << 52, dtype=torch.uint8),
    "numpy": lambda: np.empty(1 << 60, dtype=np.uint8),
    "python": lambda: bytearray(1 << 60),
    "the system": lambda: (_ for _ in ()).throw(OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))),
    "a GPU": lambda: (_ for _ in ()).throw(torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate")),
    "C++": lambda: (_ for _ in ()).throw(RuntimeError("std::bad_alloc")),
}


@pytest.mark.parametrize("whose", SHORTAGES)
def test_a_lack_of_memory_is_recognised_and_crosses_processes(whose):
    with pytest.raises(Exception) as caught, attribute_errors("the plugin"):
        SHORTAGES[whose]()
    assert not isinstance(caught.value, PluginError)  # which would be a fault of the plugin
    assert is_out_of_memory(caught.value)
    assert explain_failure(caught.value).startswith("out of memory (")
    received = decode_error(encode_error(caught.value))
    assert isinstance(received, MemoryError)
    assert str(received) == describe_shortage(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("size mismatch"),
        OSError(errno.ENOSPC, "No space left on device"),
        ImportError("cannot allocate memory in static TLS block"),
        ValueError("out of memory"),
    ],
    ids=repr,
)
def test_other_errors_are_no_lack_of_memory(error):
    assert not is_out_of_memory(error)


def test_the_description_is_one_short_line():
    assert describe_shortage(MemoryError("a" * 300 + "\nb")) == "a" * 200
    assert describe_shortage(MemoryError()) == "MemoryError"
