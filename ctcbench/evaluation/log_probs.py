"""Log-probabilities on disk: one safetensors file per split, from which any decoder starts without torch."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ctcbench.contract.data import MOST_SAMPLES, LogProbs
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.contract.specs import Alphabet, Direction, alphabet_characters
from ctcbench.files.json_records import Name, Record, Text, describe_fault
from ctcbench.files.safetensors_header import read_metadata

# Part of every stored file: another text would make those that exist unreadable.
FORMAT = "ctcbench log-probs 1"
_ROUNDING = 1e-3  # of log-probabilities close to 0


class LogProbsDocument(Record):
    """The JSON metadata of the file; ``crc32`` is a checksum of the arrays."""

    format: str
    alphabet: Text | list[Text]  # a list where a character is a cluster of several code points
    direction: Direction = "ltr"
    fingerprint: Name
    texts: list[Text] = Field(max_length=MOST_SAMPLES)
    crc32: int
    left_out: int | None = None  # earlier versions did not write it


def format_log_probs(log_probs: LogProbs) -> bytes:
    """Return the content of a file of log-probabilities.

    The file has ``values_NTK`` (float32, natural logarithms) and ``lengths_N`` (int64, frames), and a
    `LogProbsDocument` as JSON under ``document`` in its metadata.
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
    data: bytes = save(arrays, metadata={"document": json.dumps(document)})
    return data


def parse_log_probs(data: bytes, path: Path) -> LogProbs:
    """Return the log-probabilities in the content of a file; `path` names it in errors.

    Raises:
        CtcbenchError: the content is damaged, truncated or of another kind.
    """
    try:
        metadata = read_metadata(data)
        # Before the tensors are read: another safetensors file, such as the weights, has none of these
        # names.
        if metadata.get("format") != FORMAT:
            raise CtcbenchError(f"{path}: not a file of log-probabilities (its format should be {FORMAT!r})")
        arrays = load(data)
        document = LogProbsDocument.model_validate(metadata)
        log_probs = LogProbs(
            values_NTK=arrays["values_NTK"],
            lengths_N=arrays["lengths_N"],
            texts=tuple(document.texts),
            alphabet=Alphabet(alphabet_characters(document.alphabet), document.direction),
            fingerprint=document.fingerprint,
            left_out=document.left_out,
        )
        # The shapes first: a wrong one has a better message than a wrong checksum.
        damage = _damage(log_probs) or ("" if document.crc32 == _checksum(arrays) else "wrong checksum")
    except ValidationError as error:
        raise CtcbenchError(f"{path}: damaged ({describe_fault(error)})") from None
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError, UsageError) as error:
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
    if len(values_NTK) and not values_NTK.shape[1]:
        return "no frames"
    if len(lengths_N) and not (lengths_N.min() >= 0 and lengths_N.max() <= values_NTK.shape[1]):
        return f"lengths beyond 0 to {values_NTK.shape[1]} frames"
    # −inf is valid: a decoder may exclude a class. NaN would make every comparison of a beam search false.
    highest = values_NTK.max(initial=-np.inf)  # NaN if there is one
    if np.isnan(highest):
        return "NaN among the values"
    return "a log-probability above 0" if highest > _ROUNDING else ""
