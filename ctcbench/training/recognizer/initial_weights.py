"""Initial weights from another run (``--init-from``), whose alphabet and image size may be different."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import BLANK, Alphabet, ImageSpec
from ctcbench.files.shell_words import quote_word
from ctcbench.files.text import abbreviated, visible_spaces
from ctcbench.results.recognizer_description import read_description
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.training.recognizer.channel_conversion import convert_channels
from ctcbench.training.recognizer.module_probe import count_rows, makes_own_frames
from ctcbench.training.recognizer.network import Recognizer
from ctcbench.training.recognizer.row_resampling import resample_rows
from ctcbench.training.recognizer.weights import read_weights

# The layers whose outputs are one number for each class.
_BY_CLASS = ("classifier.weight", "classifier.bias", "bypass.weight", "bypass.bias")


def load_initial_weights(model: Recognizer, run: Path) -> str:
    """Load the weights of another run into a new model, and return what differs.

    The rows of the classifiers are matched by character. A character that the other run did not have keeps
    the initial weights that it has in `model`, and those of characters that `model` does not have are left
    out. Where the images have another height, weights over the rows of the backbone's features are
    resampled (`resample_rows`). Between grey images and images in colour, the first convolution is converted
    (`convert_channels`).

    Returns:
        A sentence on the height and the channels of the images if they are others, and on the characters that
        are new and those that are left out; empty if there is nothing to state.

    Raises:
        CtcbenchError: a file of `run` is damaged.
        UsageError: `run` has no weights, or they have other shapes or the other direction of reading.
    """
    folder = RunFolder(run)
    if not folder.has(folder.weights_path):
        raise UsageError(f"--init-from {run}: no weights there (expected {folder.weights_path.name})")
    description = read_description(folder)
    theirs, ours = description.alphabet, model.alphabet
    if theirs.direction != ours.direction:
        raise UsageError(
            f"--init-from {run}: it was trained with direction={theirs.direction}, this run has "
            f"direction={ours.direction}: its frames are in the opposite order"
        )
    tensors, initial = read_weights(folder, description), model.state_dict()
    converted = convert_channels(tensors, initial, description.image.channels, model.image.channels)
    other_height = description.image.height != model.image.height
    if other_height:
        _resample(tensors, initial, model)
    # Not by `load_state_dict`, whose error lists every tensor and names no setting of ctcbench.
    for name in sorted(initial.keys() | tensors.keys()):
        stored, own = _compared_shape(tensors, name), _compared_shape(initial, name)
        if stored != own:
            raise UsageError(
                f"--init-from {run}: {name} has shape {stored} there and {own} here. The weights need "
                f"{_needed_settings(folder)}{_needed_sizes(model, converted)} ("
                f"images: {_shape(description.image)} there, {_shape(model.image)} here)"
            )
    sources = _matching_classes(theirs, ours)
    for name in _BY_CLASS:
        if name in tensors:
            tensors[name] = _matched_rows(initial[name], tensors[name], sources)
    model.load_state_dict(tensors)
    changes = [*filter(None, [converted]), *_describe_alphabet(theirs, ours)]
    if other_height:
        heights = f"{description.image.height} there, {model.image.height} here"
        changes.insert(0, f"images of another height ({heights}), for which weights are resampled")
    return f"--init-from {run}: {'; '.join(changes)}" if changes else ""


def _resample(tensors: dict[str, Tensor], initial: Mapping[str, Tensor], model: Recognizer) -> None:
    """Resample weights over the rows of features, in place; those that differ otherwise stay as they are."""
    rows = count_rows(model.backbone, model.image)
    channels = model.sequence.features // rows
    for name, stored in tensors.items():
        if name not in initial or name.startswith("backbone."):
            continue
        classes = stored.shape[:1] if name in _BY_CLASS else initial[name].shape[:1]
        shape = (*classes, *initial[name].shape[1:])
        if shape != tuple(stored.shape):
            fitted = resample_rows(stored, shape, channels, rows)
            tensors[name] = stored if fitted is None else fitted


def _compared_shape(tensors: Mapping[str, Tensor], name: str) -> tuple[int, ...] | str:
    """Return the shape that both runs must have: without the number of classes."""
    if name not in tensors:
        return "none"
    shape = tuple(tensors[name].shape)
    return shape[1:] if name in _BY_CLASS else shape


def _needed_settings(folder: RunFolder) -> str:
    """Return the flags of the settings that decide the shapes of the weights."""
    config = stored_config(folder)
    components = (("backbone", config.backbone), ("head", config.head), ("shortcut", config.shortcut))
    return " ".join(f"--{name} {quote_word(value)}" for name, value in components)


def _needed_sizes(model: Recognizer, converted: str) -> str:
    """Return the sizes of images on which the shapes of the weights depend, as the end of a list."""
    if makes_own_frames(model.head):
        return f", and images of as many {'' if converted else 'channels, '}rows and columns"
    return "" if converted else ", and images of as many channels"


def _shape(image: ImageSpec) -> str:
    return f"{image.channels}×{image.height}×{image.width}"


def _matching_classes(theirs: Alphabet, ours: Alphabet) -> dict[int, int]:
    """Return the class in `theirs` of each class of `ours` that both have; the blank is one of them."""
    class_of = {character: index + 1 for index, character in enumerate(theirs.characters)}
    shared = {
        index + 1: class_of[character]
        for index, character in enumerate(ours.characters)
        if character in class_of
    }
    return {BLANK: BLANK, **shared}


def _matched_rows(initial: Tensor, stored: Tensor, sources: Mapping[int, int]) -> Tensor:
    rows = initial.clone()
    rows[torch.tensor(list(sources))] = stored[torch.tensor(list(sources.values()))].to(rows.dtype)
    return rows


def _describe_alphabet(theirs: Alphabet, ours: Alphabet) -> list[str]:
    """Return how many characters have weights, which are new and which are left out; nothing if all agree."""
    known_there, used_here = set(theirs.characters), set(ours.characters)
    new = [character for character in ours.characters if character not in known_there]
    unused = [character for character in theirs.characters if character not in used_here]
    if not new and not unused:
        return []
    known = len(ours.characters) - len(new)
    found = [f"{known} of {len(ours.characters)} characters have weights there"]
    if new:
        found.append(f"new, with random weights: {abbreviated(visible_spaces(ours.joined(new)))}")
    if unused:
        found.append(f"not used here: {abbreviated(visible_spaces(theirs.joined(unused)))}")
    return found
