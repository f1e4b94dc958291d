"""Whatever holds numbers in CPU memory, as a numpy array: its library not imported, its data not copied."""

from typing import Any, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray


class SupportsDLPack(Protocol):
    """An array that can be handed over by DLPack."""

    def __dlpack__(self) -> object: ...

    def __dlpack_device__(self) -> tuple[int, int]: ...


LogProbsLike: TypeAlias = ArrayLike | SupportsDLPack

# DLDeviceType of dlpack.h: what the CPU can read (the second and third are host memory that a GPU sees too,
# the last is managed), and names for the rest.
_HOST = {1, 3, 11, 13}
_DEVICES = {2: "CUDA", 4: "OpenCL", 7: "Vulkan", 8: "Metal", 10: "ROCm", 14: "oneAPI"}
FLOATS = "float32 or float64 (float16 and bfloat16 are upcast)"


def as_array(log_probs: LogProbsLike) -> NDArray[np.floating[Any]]:
    """Return `log_probs` as native, aligned float32 or float64; a view where that is what it is."""
    array = _to_numpy("log_probs", log_probs)
    if array.dtype.name in ("float16", "bfloat16"):  # bfloat16: the ml_dtypes type that jax's arrays have
        return array.astype(np.float32)
    if array.dtype.kind != "f" or array.dtype.itemsize not in (4, 8):
        raise TypeError(f"log_probs has dtype {array.dtype}; it must be {FLOATS}")
    if not array.dtype.isnative:
        return array.astype(array.dtype.newbyteorder("="))
    return array if array.flags.aligned else array.copy()


def as_lengths(lengths: object, *, num_sequences: int, num_frames: int, single: bool) -> NDArray[np.int64]:
    """Return lengths_N, each in [0, num_frames]; one number will do for a single sequence."""
    if lengths is None:
        return np.full(num_sequences, num_frames, dtype=np.int64)
    array = _to_numpy("lengths", lengths)
    if array.size == 0 and array.dtype.kind == "f":
        array = array.astype(np.int64)  # np.asarray([]) holds floats
    if array.dtype.kind not in "iu":
        raise TypeError(f"lengths has dtype {array.dtype}; it must hold whole numbers")
    if single and array.ndim == 0:
        array = array.reshape(1)
    if array.shape != (num_sequences,):
        raise ValueError(
            f"lengths has shape {array.shape}; it must be ({num_sequences},), one for each sequence"
        )
    outside_N = (array < 0) | (array > num_frames)
    if outside_N.any():
        n = int(np.argmax(outside_N))
        raise ValueError(
            f"lengths[{n}] is {array[n]}; it must lie in [0, {num_frames}], the frames of log_probs"
        )
    return np.ascontiguousarray(array, dtype=np.int64)


def _require_cpu(name: str, value: SupportsDLPack) -> None:
    kind, number = value.__dlpack_device__()
    if int(kind) not in _HOST:
        device = f"{_DEVICES.get(int(kind), f'of DLPack type {int(kind)}')}, number {number}"
        raise TypeError(f"{name} is on a device ({device}); it must be in CPU memory: copy it there first")


def _to_numpy(name: str, value: Any) -> NDArray[Any]:
    """Any array as numpy's. Tensors are known by their attributes, so that torch need not be there."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; fill it first, e.g. with .filled(-numpy.inf)")
    if getattr(value, "requires_grad", False) is True:
        raise ValueError(f"{name} requires grad, and decoding is not differentiable; pass {name}.detach()")
    device = getattr(getattr(value, "device", None), "type", "cpu")
    if device != "cpu":
        raise TypeError(
            f"{name} is on device {str(value.device)!r}; it must be in CPU memory: pass {name}.cpu()"
        )
    if str(getattr(value, "dtype", "")) == "torch.bfloat16":  # which numpy lacks
        value = value.float()
    by_dlpack = not hasattr(value, "__array__") and hasattr(value, "__dlpack__")
    if by_dlpack:
        _require_cpu(name, value)
    try:
        if by_dlpack:
            return cast(NDArray[Any], np.from_dlpack(value))
        return np.asarray(value)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise TypeError(f"{name}, a {kind}, cannot be read as an array in CPU memory: {error}") from error
