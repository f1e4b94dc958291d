"""Checkpoints: the whole state of training in one safetensors file, replaced atomically; no pickle."""

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
from ctcbench.training.step import TrainState

FORMAT = "ctcbench checkpoint 1"
_WAY_ON = "; `ctcbench run … --fresh` trains again"


def save_tensors(path: Path, tensors: dict[str, Tensor], document: dict[str, Any], form: str) -> None:
    """Write tensors and a JSON document into one file, atomically.

    Raises:
        UsageError: the folder can't be written, or the disk is full.
    """
    # One contiguous copy each: tied or strided tensors are not what the format stores.
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    # One key: the library writes several in an order that changes from run to run.
    header = {"format": form, "crc32": _checksum(plain), **document}
    data = save(plain, metadata={"document": json.dumps(header)})
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def load_tensors(path: Path, form: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors (on the CPU) and the JSON document in a file.

    Raises:
        CtcbenchError: the file is not there, damaged, cut off, or something else; the message names it.
    """
    if not path.is_file():
        raise CtcbenchError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            document = json.loads((file.metadata() or {}).get("document", "{}"))
            if document.get("format") != form:
                raise CtcbenchError(f"{path}: not a {form!r} file")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError, ValueError, AttributeError) as error:
        raise CtcbenchError(f"{path}: damaged or cut off ({error}){_WAY_ON}") from error
    if document.get("crc32") != _checksum(tensors):
        raise CtcbenchError(f"{path}: damaged (wrong checksum){_WAY_ON}")
    return tensors, document


def save_checkpoint(path: Path, state: TrainState, best: dict[str, Tensor], extra: dict[str, Any]) -> None:
    """Write the state of training, the `best` weights so far, and `extra` (JSON), as one."""
    tensors = {f"model.{name}": tensor for name, tensor in state.model.state_dict().items()}
    tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
    if state.ema is not None:
        tensors |= {f"ema.{name}": tensor for name, tensor in state.ema.state_dict().items()}
    for index, parameter in enumerate(_parameters(state)):
        for name, tensor in state.optimizer.state[parameter].items():
            tensors[f"optimizer.{index}.{name}"] = tensor
    document = {
        "step": state.step,
        "plateau": state.reduce_on_plateau.state(),
        "scaler": state.scaler.state_dict(),
        "extra": extra,
    }
    save_tensors(path, tensors, document, FORMAT)


def load_checkpoint(path: Path, state: TrainState) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Put the state of training back, and return the ``best`` weights and the ``extra`` saved with it.

    Raises:
        CtcbenchError: the file is damaged, or of another model.
    """
    tensors, document = load_tensors(path, FORMAT)
    try:
        state.model.load_state_dict(_under("model.", tensors))
        if state.ema is not None:
            state.ema.load_state_dict(_under("ema.", tensors))
        for index, parameter in enumerate(_parameters(state)):
            found = _under(f"optimizer.{index}.", tensors)
            state.optimizer.state[parameter] = {
                # In memory as their parameter lies, or the fused kernel would pair wrong elements.
                name: torch.empty_like(parameter).copy_(value)
                if value.shape == parameter.shape
                else value.to(parameter.device)
                for name, value in found.items()
            }
        state.step = document["step"]
        state.reduce_on_plateau.restore(document["plateau"])
        if document["scaler"]:
            state.scaler.load_state_dict(document["scaler"])
        extra: dict[str, Any] = document["extra"]
    except (KeyError, RuntimeError, TypeError) as error:
        raise CtcbenchError(f"{path}: not a checkpoint of this model ({error})") from error
    return _under("best.", tensors), extra


def _checksum(tensors: dict[str, Tensor]) -> int:
    # The format knows sizes, but would not notice a flipped bit. By name, as a file lists by size.
    crc = 0
    for name in sorted(tensors):
        content = tensors[name].reshape(-1).view(torch.uint8).numpy()
        crc = zlib.crc32(content.data, zlib.crc32(name.encode(), crc))
    return crc


def _parameters(state: TrainState) -> list[Tensor]:
    return [parameter for group in state.optimizer.param_groups for parameter in group["params"]]


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
