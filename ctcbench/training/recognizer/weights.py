"""Weights of a run on disk, with the description of the recogniser that they belong to."""

from __future__ import annotations

import torch
from torch import Tensor

from ctcbench.config.recipe import Recipe
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.pictures import Fit
from ctcbench.registry.component_registry import Registry
from ctcbench.results.recognizer_description import RecognizerDescription, read_description
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.training.checkpoint import format_tensors, parse_tensors
from ctcbench.training.recognizer.network import Recognizer, build_recognizer
from ctcbench.training.recognizer.stored_shapes import WrongShapes

FORMAT = "ctcbench weights 1"


def save_weights(folder: RunFolder, recognizer: Recognizer, weights: dict[str, Tensor], fit: Fit) -> None:
    """Write the weights of a recogniser, with the digest of its description: image size, alphabet and fit.

    Raises:
        CtcbenchError: the folder was deleted or moved.
        UsageError: the folder is not writable, or the disk is full.
    """
    description = RecognizerDescription(recognizer.image, recognizer.alphabet, fit)
    document = {"recognizer": description.digest()}
    folder.write(folder.weights_path, format_tensors(weights, document, FORMAT))


def load_recognizer(registry: Registry, folder: RunFolder) -> Recognizer:
    """Return the trained recogniser of a run, on the CPU, in evaluation mode.

    Raises:
        CtcbenchError: a file of the run does not exist, is damaged, or does not match the others.
        UsageError: a component of the run is not installed.
    """
    recipe = Recipe(registry, stored_config(folder))
    description = read_description(folder)
    tensors = read_weights(folder, description)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    try:
        # The initial weights are replaced below; drawing them must not change the caller's random numbers.
        with torch.random.fork_rng(devices=[]):
            model = build_recognizer(recipe, description.image, description.alphabet, shapes)
    except UsageError as error:
        # Most likely a plugin is missing here, and the summary states which ones the run had.
        plugins, installed = folder.read_summary().get("plugins"), registry.versions()
        named = plugins.items() if isinstance(plugins, dict) else ()
        missing = [f"{name} {version}" for name, version in named if name not in installed]
        hint = f"; the run was made with {', '.join(missing)}" if missing else ""
        raise UsageError(f"{error}{hint}") from None
    except WrongShapes as error:
        raise CtcbenchError(f"{folder.weights_path}: not the weights of this recogniser ({error})") from None
    try:
        model.load_state_dict(tensors)
    except RuntimeError as error:
        raise CtcbenchError(f"{folder.weights_path}: not the weights of this recogniser ({error})") from error
    return model.eval()


def read_weights(folder: RunFolder, description: RecognizerDescription) -> dict[str, Tensor]:
    """Return the tensors of a run's weights.

    Raises:
        CtcbenchError: the file does not exist or is damaged, or belongs to another recogniser.
    """
    path = folder.weights_path
    tensors, document = parse_tensors(folder.read(path), path, FORMAT)
    # Earlier versions did not store the digest.
    if document.get("recognizer", description.digest()) != description.digest():
        raise CtcbenchError(
            f"{folder.recognizer_path}: its alphabet, image size or fit is not the one that the weights in "
            f"{path.name} were trained with; restore the file"
        )
    return tensors
