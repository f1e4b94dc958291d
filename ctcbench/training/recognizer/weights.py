"""Weights of a run on disk, with the image size, alphabet and fit of the recogniser they belong to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from ctcbench.config.recipe import Recipe
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.contract.specs import Alphabet, Direction, ImageSpec
from ctcbench.files.json_files import read_json, write_json
from ctcbench.files.json_records import Record, read_record
from ctcbench.files.pictures import Fit
from ctcbench.registry.component_registry import Registry
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.training.checkpoint import load_tensors, save_tensors
from ctcbench.training.recognizer.network import Recognizer, build_recognizer

FORMAT = "ctcbench weights 1"
# A file of unknown origin may hold any number, and a model of this size is built from it.
_Size = Annotated[int, Field(gt=0, le=65_536)]


class RecognizerDescription(NamedTuple):
    """Input and output of a recogniser.

    Attributes:
        image: size of its images.
        alphabet: characters of its texts.
        fit: how a picture of another size is fitted to `image`.
    """

    image: ImageSpec
    alphabet: Alphabet
    fit: Fit


class ImageRecord(Record):
    """JSON document of an image size, in pixels."""

    height: _Size
    width: _Size
    channels: _Size


class RecognizerRecord(Record):
    """JSON document ``recognizer.json`` of a run folder."""

    image: ImageRecord
    alphabet: str
    direction: Direction = "ltr"
    fit: Fit


def save_weights(folder: RunFolder, recognizer: Recognizer, weights: dict[str, Tensor], fit: Fit) -> None:
    """Write the weights of a recogniser, and its description: image size, alphabet and fit.

    Raises:
        UsageError: the folder is not writable, or the disk is full.
    """
    save_tensors(folder.weights_path, weights, {}, FORMAT)
    image = recognizer.image
    write_json(
        folder.recognizer_path,
        {
            "alphabet": recognizer.alphabet.characters,
            "direction": recognizer.alphabet.direction,
            "fit": fit,
            "image": {"height": image.height, "width": image.width, "channels": image.channels},
        },
    )


def read_description(folder: RunFolder) -> RecognizerDescription:
    """Return the description of a run's recogniser.

    Raises:
        CtcbenchError: the file does not exist or is damaged.
    """
    path = folder.recognizer_path
    record = read_record(RecognizerRecord, read_json(path), path)
    try:
        alphabet = Alphabet(record.alphabet, record.direction)
    except UsageError as error:
        raise CtcbenchError(f"{path}: alphabet: {error}") from error
    return RecognizerDescription(ImageSpec(**record.image.model_dump()), alphabet, record.fit)


def load_recognizer(registry: Registry, folder: RunFolder) -> Recognizer:
    """Return the trained recogniser of a run, on the CPU, in evaluation mode.

    Raises:
        CtcbenchError: a file of the run does not exist, is damaged, or does not match the others.
        UsageError: a component of the run is not installed.
    """
    recipe = Recipe(registry, stored_config(folder))
    image, alphabet, _ = read_description(folder)
    try:
        # The initial weights are replaced below; drawing them must not change the caller's random numbers.
        with torch.random.fork_rng(devices=[]):
            model = build_recognizer(recipe, image, alphabet)
    except UsageError as error:
        # Most likely a plugin is missing here, and the summary states which ones the run had.
        plugins, installed = folder.read_summary().get("plugins", {}), registry.versions()
        missing = [f"{name} {version}" for name, version in plugins.items() if name not in installed]
        hint = f"; the run was made with {', '.join(missing)}" if missing else ""
        raise UsageError(f"{error}{hint}") from None
    tensors, _ = load_tensors(folder.weights_path, FORMAT)
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise CtcbenchError(f"{folder.weights_path}: not the weights of this recogniser ({error})") from error
    return model.eval()


def load_initial_weights(model: Recognizer, run: Path) -> None:
    """Load the weights of another run into a new model (``--init-from``).

    Raises:
        UsageError: `run` has no weights, or they belong to another alphabet or have other shapes.
    """
    folder = RunFolder(run)
    if not folder.weights_path.is_file():
        raise UsageError(f"--init-from {run}: no weights there (expected {folder.weights_path.name})")
    image, alphabet, _ = read_description(folder)
    if alphabet != model.alphabet:
        raise UsageError(
            f"--init-from {run}: its alphabet is {alphabet.characters!r} (direction {alphabet.direction}), "
            f"this run's {model.alphabet.characters!r} (direction {model.alphabet.direction})"
        )
    tensors, _ = load_tensors(folder.weights_path, FORMAT)
    ours = model.state_dict()
    # Not by `load_state_dict`, whose error lists every tensor and names no setting of ctcbench.
    for name in sorted(ours.keys() | tensors.keys()):
        stored = tuple(tensors[name].shape) if name in tensors else "none"
        own = tuple(ours[name].shape) if name in ours else "none"
        if stored != own:
            raise UsageError(
                f"--init-from {run}: {name} has shape {stored} there and {own} here (its images: "
                f"{image.height}×{image.width}); use the same backbone, head and shortcut"
            )
    model.load_state_dict(tensors)
