"""Conversion of arrays and tensors in CPU memory to numpy, without a copy and without importing torch."""

from typing import Any, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .scalars import check_integer


class SupportsDLPack(Protocol):
    """An array that can be exchanged by the DLPack protocol."""

    def __dlpack__(self) -> object: ...

    def __dlpack_device__(self) -> tuple[int, int]: ...


LogProbsLike: TypeAlias = ArrayLike | SupportsDLPack

# Values of DLDeviceType in dlpack.h. The CPU can read these: its own memory (1), memory pinned for CUDA (3)
# and ROCm (11), and managed memory (13).
_HOST = {1, 3, 11, 13}
# Names of the other devices, for error messages.
_DEVICES = {2: "CUDA", 4: "OpenCL", 7: "Vulkan", 8: "Metal", 10: "ROCm", 14: "oneAPI"}
FLOATS = "float32 or float64 (float16 and bfloat16 are upcast)"


def as_array(log_probs: LogProbsLike) -> NDArray[np.floating[Any]]:
    """Return `log_probs` as an aligned float32 or float64 array in native byte order, if possible a view.

    Raises:
        TypeError: the dtype is another one, or the values are not in CPU memory.
        ValueError: the tensor requires grad.
    """
    array = _to_numpy("log_probs", log_probs)
    if array.dtype.name in ("float16", "bfloat16"):  # arrays of jax have the bfloat16 of ml_dtypes
        return array.astype(np.float32)
    if array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
        raise TypeError(
            f"log_probs{_kind_of(log_probs)} has dtype {array.dtype}; it must be {FLOATS}: convert it, e.g. "
            "by numpy.asarray(log_probs, dtype=numpy.float32)"
        )
    if not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    return array if array.flags.aligned else array.copy()


def as_lengths(lengths: object, *, num_sequences: int, num_frames: int, single: bool) -> NDArray[np.int64]:
    """Return `lengths` as int64 (N,), or `num_frames` for each sequence if it is None.

    If `single`, a plain number is accepted for the only sequence.

    Raises:
        TypeError: the lengths are not integers.
        ValueError: there is not one for each sequence, or one is outside [0, num_frames].
    """
    if lengths is None:
        return np.full(num_sequences, num_frames, dtype=np.int64)
    array = _to_numpy("lengths", lengths)
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(np.int64)  # np.asarray([]) has dtype float64
    if single and array.ndim == 0:
        array = array.reshape(1)
    if array.dtype == object and array.ndim == 1:
        # Such as a list with None, or with an integer beyond 64 bits: the message names the element.
        array = np.array([_length(n, value, num_frames) for n, value in enumerate(array)], dtype=np.int64)
    if array.dtype.kind not in "iu":
        raise TypeError(
            f"lengths{_kind_of(lengths)} has dtype {array.dtype}; it must hold whole numbers, one for each "
            "sequence"
        )
    if array.shape != (num_sequences,):
        # As torch.nn.CTCLoss takes them.
        is_transposed = not single and array.shape == (num_frames,)
        raise ValueError(
            f"lengths has shape {array.shape}; it must be ({num_sequences},), one for each sequence"
            + ("; log_probs must be (N, T, K): transpose (T, N, K) first" if is_transposed else "")
        )
    outside_N = (array < 0) | (array > num_frames)
    if outside_N.any():
        n = int(np.argmax(outside_N))
        raise ValueError(
            f"lengths[{n}] is {array[n]}; it must lie in [0, {num_frames}], the frames of log_probs"
        )
    return np.ascontiguousarray(array, dtype=np.int64)


def _kind_of(value: object) -> str:
    """Return the type of a value for an error message, if it is no array and no list of numbers."""
    is_usual = hasattr(value, "dtype") or isinstance(value, list | tuple)
    return "" if is_usual else f", of type {type(value).__name__},"


def _length(n: int, value: Any, num_frames: int) -> int:
    return check_integer(f"lengths[{n}]", value, low=0, high=num_frames)


def _require_cpu(name: str, value: SupportsDLPack) -> None:
    kind, number = value.__dlpack_device__()
    if int(kind) not in _HOST:
        device = f"{_DEVICES.get(int(kind), f'of DLPack type {int(kind)}')}, number {number}"
        raise TypeError(f"{name} is on a device ({device}); it must be in CPU memory: copy it there first")


def _to_numpy(name: str, value: Any) -> NDArray[Any]:
    """Convert an array to numpy. Tensors are recognised by their attributes, because torch may be missing."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; fill it first, e.g. with .filled(-numpy.inf)")
    if getattr(value, "requires_grad", False) is True:
        raise ValueError(f"{name} requires grad, and decoding is not differentiable; pass {name}.detach()")
    device = getattr(getattr(value, "device", None), "type", "cpu")
    if device != "cpu":
        raise TypeError(
            f"{name} is on device {str(value.device)!r}; it must be in CPU memory: pass {name}.cpu()"
        )
    if str(getattr(value, "dtype", "")) == "torch.bfloat16":  # numpy has no such dtype
        value = value.float()
    by_dlpack = not hasattr(value, "__array__") and hasattr(value, "__dlpack__")
    if by_dlpack:
        _require_cpu(name, value)
    try:
        if by_dlpack:
            return cast(NDArray[Any], np.from_dlpack(value))
        return np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:  # a foreign class may raise anything
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        remedy = (
            "; sequences of different lengths are padded to one length, and `lengths` has their frames"
            if name == "log_probs" and isinstance(value, list | tuple)
            else ""
        )
        raise TypeError(
            f"{name}, a {kind}, cannot be read as an array in CPU memory: {error}{remedy}"
        ) from error
