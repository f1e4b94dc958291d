"""Checkpoints: the state of training in one safetensors file, which is replaced atomically; no pickle."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.safetensors_header import read_metadata
from ctcbench.training.recipe_optimizer import optimizer_tensors, restore_optimizer
from ctcbench.training.step import TrainState

FORMAT = "ctcbench checkpoint 1"
_REMEDY = "; `ctcbench run … --fresh` trains again"


def format_tensors(tensors: dict[str, Tensor], document: dict[str, Any], file_format: str) -> bytes:
    """Return the content of a file with tensors and a JSON document, and a checksum.

    Args:
        tensors: tensors by name, on any device.
        document: JSON to store with them.
        file_format: name and version of the content; `parse_tensors` requires the same.
    """
    # safetensors stores contiguous tensors that share no memory, so each is copied.
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    # All metadata is under one key: the library writes several keys in an order that varies, and equal
    # content should be an equal file.
    header = {"format": file_format, "crc32": _checksum(plain), **document}
    return save(plain, metadata={"document": json.dumps(header)})


def parse_tensors(data: bytes, path: Path, file_format: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors (on the CPU) and the JSON document in the content of the file `path`.

    Raises:
        CtcbenchError: the content is damaged or cut off, or has another format.
    """
    try:
        document = read_metadata(data)
        if document.get("format") != file_format:
            raise CtcbenchError(f"{path}: not a {file_format!r} file")
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CtcbenchError(f"{path}: damaged or cut off ({error}){_REMEDY}") from error
    # A checkpoint with one flipped bit would train on without an error, to other weights.
    if document.get("crc32") != _checksum(tensors):
        raise CtcbenchError(f"{path}: damaged (wrong checksum){_REMEDY}")
    return tensors, document


def format_checkpoint(state: TrainState, best: dict[str, Tensor], extra: dict[str, Any]) -> bytes:
    """Return the content of a checkpoint: the state of training, the best weights so far, `extra` (JSON)."""
    tensors = {f"model.{name}": tensor for name, tensor in state.model.state_dict().items()}
    # The best weights too: the weights file beside may be of a later epoch when the process was killed.
    tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
    if state.ema is not None:
        tensors |= {f"ema.{name}": tensor for name, tensor in state.ema.state_dict().items()}
    owner = state.recipe.describe_owner("optimizer")
    learnt = optimizer_tensors(state.optimizer, owner)
    tensors |= {f"optimizer.{name}": tensor for name, tensor in learnt.items()}
    document = {
        "step": state.step,
        "plateau": state.reduce_on_plateau.state(),
        "scaler": state.scaler.state_dict(),
        "extra": extra,
    }
    return format_tensors(tensors, document, FORMAT)


def restore_checkpoint(
    data: bytes, path: Path, state: TrainState
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Restore `state` from the content of the checkpoint `path`.

    Returns:
        The best weights, and the ``extra`` that were saved with it.

    Raises:
        CtcbenchError: the content is damaged, or belongs to another model.
    """
    tensors, document = parse_tensors(data, path, FORMAT)
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
    except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
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
