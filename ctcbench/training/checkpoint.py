"""Checkpoints: the state of training in one safetensors file, which is replaced atomically; no pickle."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.atomic import atomic_path
from ctcbench.training.recipe_optimizer import optimizer_tensors, restore_optimizer
from ctcbench.training.step import TrainState

FORMAT = "ctcbench checkpoint 1"
_REMEDY = "; `ctcbench run … --fresh` trains again"


def save_tensors(path: Path, tensors: dict[str, Tensor], document: dict[str, Any], file_format: str) -> None:
    """Write tensors and a JSON document into one file, atomically and with a checksum.

    Args:
        path: the file, which is replaced.
        tensors: tensors by name, on any device.
        document: JSON to store with them.
        file_format: name and version of the content; `load_tensors` requires the same.

    Raises:
        UsageError: the folder is not writable, or the disk is full.
    """
    # safetensors stores contiguous tensors that share no memory, so each is copied.
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    # All metadata is under one key: the library writes several keys in an order that varies, and equal
    # content should be an equal file.
    header = {"format": file_format, "crc32": _checksum(plain), **document}
    data = save(plain, metadata={"document": json.dumps(header)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def load_tensors(path: Path, file_format: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors (on the CPU) and the JSON document of a file.

    Raises:
        CtcbenchError: the file does not exist, is damaged or cut off, or has another format.
    """
    if not path.is_file():
        raise CtcbenchError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            document = json.loads((file.metadata() or {}).get("document", "{}"))
            if document.get("format") != file_format:
                raise CtcbenchError(f"{path}: not a {file_format!r} file")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError, AttributeError) as error:
        raise CtcbenchError(f"{path}: damaged or cut off ({error}){_REMEDY}") from error
    # A checkpoint with one flipped bit would train on without an error, to other weights.
    if document.get("crc32") != _checksum(tensors):
        raise CtcbenchError(f"{path}: damaged (wrong checksum){_REMEDY}")
    return tensors, document


def save_checkpoint(path: Path, state: TrainState, best: dict[str, Tensor], extra: dict[str, Any]) -> None:
    """Write the state of training, the `best` weights so far and `extra` (JSON) into one file."""
    tensors = {f"model.{name}": tensor for name, tensor in state.model.state_dict().items()}
    # The best weights too: the weights file beside may be of a later epoch when the process was killed.
    tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
    if state.ema is not None:
        tensors |= {f"ema.{name}": tensor for name, tensor in state.ema.state_dict().items()}
    tensors |= {f"optimizer.{name}": tensor for name, tensor in optimizer_tensors(state.optimizer).items()}
    document = {
        "step": state.step,
        "plateau": state.reduce_on_plateau.state(),
        "scaler": state.scaler.state_dict(),
        "extra": extra,
    }
    save_tensors(path, tensors, document, FORMAT)


def load_checkpoint(path: Path, state: TrainState) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Restore `state`, and return the best weights and the ``extra`` that were saved with it.

    Raises:
        CtcbenchError: the file is damaged, or belongs to another model.
    """
    tensors, document = load_tensors(path, FORMAT)
    try:
        state.model.load_state_dict(_with_prefix("model.", tensors))
        if state.ema is not None:
            state.ema.load_state_dict(_with_prefix("ema.", tensors))
        restore_optimizer(state.optimizer, _with_prefix("optimizer.", tensors))
        state.step = document["step"]
        state.reduce_on_plateau.restore(document["plateau"])
        # Empty unless gradients are scaled (float16), and a scaler that is in use refuses an empty state.
        if document["scaler"]:
            state.scaler.load_state_dict(document["scaler"])
        extra: dict[str, Any] = document["extra"]
    except (KeyError, RuntimeError, TypeError) as error:
        raise CtcbenchError(f"{path}: not a checkpoint of this model ({error})") from error
    return _with_prefix("best.", tensors), extra


def _checksum(tensors: dict[str, Tensor]) -> int:
    # safetensors validates sizes, but has no checksum. Sorted by name, since a file lists tensors by size.
    crc = 0
    for name in sorted(tensors):
        content = tensors[name].reshape(-1).view(torch.uint8).numpy()
        crc = zlib.crc32(content.data, zlib.crc32(name.encode(), crc))
    return crc


def _with_prefix(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
