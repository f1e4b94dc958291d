"""ctcbench: train, decode and compare CTC recognisers; the names that a plugin author imports."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

# For type checkers and editors, which do not execute `__getattr__`; the names are those of _HOMES.
if TYPE_CHECKING:
    from ctcbench.api import load, run
    from ctcbench.config.run_config import RunConfig
    from ctcbench.contract.components import (
        Component,
        augmentation,
        backbone,
        dataset,
        decoder,
        executor,
        head,
        loss,
        optimizer,
    )
    from ctcbench.contract.data import LogProbs, Sample, Samples, Source, SplitName
    from ctcbench.contract.errors import BadSample, CtcbenchError, PluginError, UsageError
    from ctcbench.contract.executors import Executor, Listener, Outcome, Trial
    from ctcbench.contract.hooks import Column, EpochReport, RunInfo, hookimpl
    from ctcbench.contract.model_parameters import ModelParameters
    from ctcbench.contract.specs import BLANK, Alphabet, ImageSpec, SequenceSpec
    from ctcbench.decoding.hypothesis import Hypothesis
    from ctcbench.files.pictures import read_picture
    from ctcbench.recognition.recogniser import Recogniser
    from ctcbench.recognition.run_export import export_run
    from ctcbench.results.result import Result
    from ctcbench.study.trial import carry_out
    from ctcbench.study.trial_group_process import TrialGroupProcess
    from ctcbench.study.trial_process import TrialProcess

__version__ = "0.1.0"

# Loaded at first use: `import ctcbench.decoding` must not pay for pydantic, nor `--help` for torch.
_HOMES = {
    "ctcbench.api": ("load", "run"),
    "ctcbench.config.run_config": ("RunConfig",),
    "ctcbench.contract.components": (
        "Component", "augmentation", "backbone", "dataset", "decoder", "executor", "head", "loss",
        "optimizer",
    ),
    "ctcbench.contract.data": ("LogProbs", "Sample", "Samples", "Source", "SplitName"),
    "ctcbench.contract.errors": ("BadSample", "CtcbenchError", "PluginError", "UsageError"),
    "ctcbench.contract.executors": ("Executor", "Listener", "Outcome", "Trial"),
    "ctcbench.contract.hooks": ("Column", "EpochReport", "RunInfo", "hookimpl"),
    "ctcbench.contract.model_parameters": ("ModelParameters",),
    "ctcbench.decoding.hypothesis": ("Hypothesis",),
    "ctcbench.files.pictures": ("read_picture",),
    "ctcbench.contract.specs": ("BLANK", "Alphabet", "ImageSpec", "SequenceSpec"),
    "ctcbench.recognition.recogniser": ("Recogniser",),
    "ctcbench.recognition.run_export": ("export_run",),
    "ctcbench.results.result": ("Result",),
    "ctcbench.study.trial": ("carry_out",),
    "ctcbench.study.trial_group_process": ("TrialGroupProcess",),
    "ctcbench.study.trial_process": ("TrialProcess",),
}  # fmt: skip
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BLANK", "Alphabet", "BadSample", "Column", "Component", "CtcbenchError", "EpochReport", "Executor",
    "Hypothesis", "ImageSpec", "Listener", "LogProbs", "ModelParameters", "Outcome", "PluginError",
    "Recogniser", "Result", "RunConfig", "RunInfo", "Sample", "Samples", "SequenceSpec", "Source",
    "SplitName", "Trial", "TrialGroupProcess", "TrialProcess", "UsageError", "__version__",
    "augmentation", "backbone", "carry_out", "dataset", "decoder", "executor", "export_run", "head",
    "hookimpl", "load", "loss", "optimizer", "read_picture", "run",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # `from ctcbench import name` and `hasattr` expect this class of error.
    if name not in _HOME_OF:
        raise AttributeError(f"module 'ctcbench' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    # From now on an ordinary attribute: `__getattr__` is called for missing ones only.
    globals()[name] = value
    return value


# Without it, dir() and tab completion would miss the names that are not loaded yet.
def __dir__() -> list[str]:
    return sorted(__all__)
