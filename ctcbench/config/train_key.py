"""train_key(): the name of a run folder, a hash of the settings that decide the weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ctcbench.config.component_settings import canonical_value
from ctcbench.config.run_config import AFTER_TRAINING, RunConfig
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.plain_folder import PlainFolder
from ctcbench.registry.component_registry import Registry

KEY_LENGTH = 12
_MOST_WEIGHTS = 2**35  # bytes
# The settings whose values always enter the key. A setting that is added later does not belong here: it
# enters the key only where it is not at its default, so that the keys of earlier runs stay what they are.
ALWAYS_IN_KEY = frozenset({
    "dataset", "augmentation", "backbone", "head", "loss", "shortcut",
    "train_samples", "val_samples", "skip_bad", "epochs", "max_steps", "batch_size", "augment_until",
    "optimizer", "lr", "schedule", "warmup", "weight_decay", "clip", "ema", "aux_weight",
    "blank_penalty", "blank_penalty_schedule", "seed",
    "device", "amp", "amp_dtype", "channels_last", "compile", "deterministic", "init_from",
})  # fmt: skip


def train_key(registry: Registry, config: RunConfig) -> str:
    """Return the name of the run folder: a hash of every setting that decides the weights.

    Raises:
        UsageError: ``init_from`` names no run with weights.
    """
    settings: dict[str, Any] = {}
    for name, field in type(config).model_fields.items():
        if name in AFTER_TRAINING:
            continue
        # With the options of a component at their defaults too: a default that changes in a later version
        # must not make two models share a folder. Those that were added later follow the rule of settings.
        value = canonical_value(registry, name, getattr(config, name), every=True)
        default = field.get_default(call_default_factory=True)
        if name in ALWAYS_IN_KEY or value != canonical_value(registry, name, default, every=True):
            settings[name] = value
    # The weights themselves count, not the path: the run at that path may be trained again.
    if config.init_from:
        settings["init_from"] = _weights_digest(Path(config.init_from))
    document = json.dumps(settings, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(document.encode()).hexdigest()[:KEY_LENGTH]


def differences(ours: RunConfig, theirs: RunConfig) -> list[str]:
    """Return the settings that decide the weights and differ, each as ``lr: 0.001 there, 0.003 here``."""
    here, there = ours.model_dump(), theirs.model_dump()
    return [
        f"{name}: {there[name]} there, {here[name]} here"
        for name in here
        if name not in AFTER_TRAINING and here[name] != there[name]
    ]


def _weights_digest(run: Path) -> str:
    try:
        return hashlib.sha256(PlainFolder(run).read("weights.safetensors", _MOST_WEIGHTS)).hexdigest()
    except CtcbenchError as error:
        raise UsageError(
            f"--init-from {run}: no finished run there ({error}); give a run folder that has weights"
        ) from None
