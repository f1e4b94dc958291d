"""Recognition of errors that mean a lack of memory, whichever library raised them."""

from __future__ import annotations

import errno

# torch's CPU allocator raises RuntimeError, and so do memory maps and C++ code without a class for it.
_RUNTIME_ERRORS = (
    "can't allocate memory", "cannot allocate memory", "not enough memory", "out of memory", "bad_alloc",
)  # fmt: skip


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether `error` means that memory ran out, on the host or on a GPU."""
    # torch's and safetensors' classes are recognised by name, so that neither is imported for this.
    names = {base.__name__ for base in type(error).__mro__}
    if isinstance(error, MemoryError) or "OutOfMemoryError" in names:
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, RuntimeError) or "SafetensorError" in names:
        text = str(error).lower()
        return any(words in text for words in _RUNTIME_ERRORS)
    return False


def describe_shortage(error: BaseException) -> str:
    """Return the first line of an error that `is_out_of_memory` recognises, short enough for one line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]
