"""Python API: train a configuration, load a trained recogniser, read pictures with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TypeVar, get_args

from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.contract.specs import Ground
from ctcbench.files.attached_files import unpacked
from ctcbench.pipeline import runner
from ctcbench.pipeline.run_calibration import fit_run_sharpness
from ctcbench.recognition.recogniser import Recogniser
from ctcbench.registry.discovery import load_registry
from ctcbench.results.decoder_files import read_decoder_files
from ctcbench.results.recognizer_description import read_description
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.results.stored_familiarity import read_familiarity
from ctcbench.results.stored_weights import require_weights
from ctcbench.training.runtime import Runtime

T = TypeVar("T")


def run(config: RunConfig, runtime: Runtime | None = None) -> Result:
    """Train, decode and score a configuration, and store everything in its run folder.

    Stages whose output is stored already are skipped (`ctcbench.pipeline.runner.run` lists the stages).

    Args:
        config: every setting of the run.
        runtime: output folder, resuming and progress; None: a new run in ``runs``.

    Raises:
        UsageError: a setting can't work on this machine or with this data.
        Interrupted: the user stopped the run; its state is saved.
        CtcbenchError: the loss became NaN, or a file of the run is damaged.
    """
    if not isinstance(config, RunConfig):
        raise UsageError(f"run() takes a RunConfig, not {type(config).__name__}: run(RunConfig(…))")
    return runner.run(resolve(load_registry(), config), runtime)


def load(path: str | Path, device: str = "auto", *, ground: Ground | None = None) -> Recogniser:
    """Return the trained recogniser of a run folder or of an ONNX file that ``ctcbench export`` wrote.

    Of an unfinished run it is the best one so far. The files of a run folder and an ONNX file hold data
    alone: loading one executes no code from it. An ONNX file is read without torch.

    Args:
        path: the run folder, or the file.
        device: ``auto`` (a CUDA device if there is one), ``cpu``, ``cuda`` or ``cuda:N``; an ONNX file is
            computed on the CPU.
        ground: what transparent pixels of pictures become: ``white``, ``black`` or ``auto``; None: what they
            became in the pictures of the training.

    Raises:
        UsageError: `path` is neither, the run has no weights yet, there is no such device or ground, or a
            package that reads ONNX files is not installed.
        CtcbenchError: a file in the run folder is damaged.
    """
    if ground is not None and ground not in (known := get_args(Ground)):
        raise UsageError(f"ground={ground}: allowed are {', '.join(known)}")
    folder = RunFolder(Path(path))
    try:
        is_file = folder.path.is_file()
    except OSError as error:  # a name that is too long, a folder that can't be searched
        raise UsageError(f"{path}: can't be read ({error.strerror})") from None
    if is_file:
        return replace(_load_onnx(folder.path, device), ground=ground, origin=str(path))
    require_weights(folder)
    return replace(_load_run(folder, device), ground=ground, origin=str(path))


def _load_run(folder: RunFolder, device: str) -> Recogniser:
    from ctcbench.recognition.torch_reader import load_torch_reader  # imports torch

    registry = load_registry()
    reader = load_torch_reader(registry, folder, device)
    sharpness = fit_run_sharpness(folder, reader.alignment)
    fit, familiarity = read_description(folder).fit, read_familiarity(folder, reader.image.channels)
    decoder = stored_config(folder).decoder
    files = read_decoder_files(registry, folder, decoder)
    return Recogniser(reader, registry, decoder, fit, sharpness, familiarity, files)


def _load_onnx(path: Path, device: str) -> Recogniser:
    from ctcbench.recognition.onnx_reader import load_onnx_reader

    if device not in ("auto", "cpu"):
        raise UsageError(f"device {device}: an ONNX file is computed on the CPU; leave out the device")
    reader = load_onnx_reader(path)
    document = reader.document
    familiarity = None
    if document.familiarity is not None:
        try:
            familiarity = document.familiarity.familiarity(reader.image.channels)
        except CtcbenchError as error:
            raise UsageError(f"{path}: its metadata is damaged ({error})") from None
    files, registry = unpacked(document.decoder_files, path), load_registry()
    return Recogniser(
        reader, registry, document.decoder, document.fit, document.sharpness, familiarity, files
    )
