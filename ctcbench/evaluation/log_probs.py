"""Log-probabilities on disk: one safetensors file per split, from which any decoder starts without torch."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.contract.specs import Alphabet, Direction
from ctcbench.files.atomic import atomic_path
from ctcbench.files.json_records import Record

# Part of every stored file: another text would make those that exist unreadable.
FORMAT = "ctcbench log-probs 1"


class LogProbsDocument(Record):
    """The JSON metadata of the file; ``crc32`` is a checksum of the arrays."""

    format: str
    alphabet: str
    direction: Direction = "ltr"
    fingerprint: str
    texts: list[str]
    crc32: int
    left_out: int | None = None  # earlier versions did not write it


def save_log_probs(path: Path, log_probs: LogProbs) -> None:
    """Write `log_probs` to `path` atomically.

    The file has ``values_NTK`` (float32, natural logarithms) and ``lengths_N`` (int64, frames), and a
    `LogProbsDocument` as JSON under ``document`` in its metadata.

    Raises:
        UsageError: the folder can't be written, or the disk is full.
    """
    arrays: dict[str, NDArray[Any]] = {
        "values_NTK": np.ascontiguousarray(log_probs.values_NTK, dtype=np.float32),
        "lengths_N": np.ascontiguousarray(log_probs.lengths_N, dtype=np.int64),
    }
    document = {
        "format": FORMAT,
        "alphabet": log_probs.alphabet.characters,
        "direction": log_probs.alphabet.direction,
        "fingerprint": log_probs.fingerprint,
        "texts": list(log_probs.texts),
        "crc32": _checksum(arrays),
        "left_out": log_probs.left_out,
    }
    # One key only: safetensors writes several metadata keys in an order that differs from run to run.
    data = save(arrays, metadata={"document": json.dumps(document)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def load_log_probs(path: Path) -> LogProbs:
    """Return the log-probabilities in `path`.

    Raises:
        CtcbenchError: the file does not exist, or it is damaged, truncated or of another kind; the message
            names it.
    """
    if not path.is_file():
        raise CtcbenchError(f"{path}: no such file, so there are no stored log-probabilities")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = json.loads((file.metadata() or {}).get("document", "{}"))
            # Before the tensors are read: another safetensors file, such as the weights, has none of these
            # names.
            if metadata.get("format") != FORMAT:
                raise CtcbenchError(
                    f"{path}: not a file of log-probabilities (its format should be {FORMAT!r})"
                )
            arrays = {name: file.get_tensor(name) for name in ("values_NTK", "lengths_N")}
        document = LogProbsDocument.model_validate(metadata)
        log_probs = LogProbs(
            values_NTK=arrays["values_NTK"],
            lengths_N=arrays["lengths_N"],
            texts=tuple(document.texts),
            alphabet=Alphabet(document.alphabet, document.direction),
            fingerprint=document.fingerprint,
            left_out=document.left_out,
        )
        # The shapes first: a wrong one has a better message than a wrong checksum.
        damage = _damage(log_probs) or ("" if document.crc32 == _checksum(arrays) else "wrong checksum")
    except OSError as error:
        raise CtcbenchError(f"{path}: can't be read ({error})") from error
    except (SafetensorError, ValueError, AttributeError, RecursionError, UsageError) as error:
        # ValidationError and JSONDecodeError are ValueErrors; metadata that is no object has no `get`.
        raise CtcbenchError(f"{path}: damaged or cut off ({error})") from error
    if damage:
        raise CtcbenchError(f"{path}: damaged ({damage})")
    return log_probs


def _checksum(arrays: dict[str, NDArray[Any]]) -> int:
    # safetensors checks the sizes, but not the contents.
    return zlib.crc32(arrays["lengths_N"].data, zlib.crc32(arrays["values_NTK"].data))


def _damage(log_probs: LogProbs) -> str:
    """Return which arrays or texts do not match, or an empty text."""
    values_NTK, lengths_N, texts = log_probs.values_NTK, log_probs.lengths_N, log_probs.texts
    if values_NTK.dtype != np.float32 or values_NTK.ndim != 3:
        return f"values are {values_NTK.dtype} of {values_NTK.ndim} dimensions, not float32 of 3"
    if lengths_N.dtype != np.int64 or lengths_N.shape != values_NTK.shape[:1]:
        return f"{len(values_NTK)} images, but lengths are {lengths_N.dtype} of shape {lengths_N.shape}"
    if len(texts) != len(values_NTK) or not all(isinstance(text, str) for text in texts):
        return f"{len(values_NTK)} images, but {len(texts)} texts"
    if values_NTK.shape[2] != log_probs.alphabet.num_classes:
        return f"{values_NTK.shape[2]} classes, but the alphabet has {log_probs.alphabet.num_classes}"
    if len(lengths_N) and not (lengths_N.min() >= 0 and lengths_N.max() <= values_NTK.shape[1]):
        return f"lengths beyond 0 to {values_NTK.shape[1]} frames"
    # −inf is valid: a decoder may exclude a class. NaN would make every comparison of a beam search false.
    return "NaN among the values" if np.isnan(values_NTK).any() else ""
