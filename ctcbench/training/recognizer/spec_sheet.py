"""spec_sheet(): shapes, parameters and FLOPs of a configuration, computed without training it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ctcbench.config.recipe import Recipe
from ctcbench.contract.data import Source
from ctcbench.contract.errors import CtcbenchError
from ctcbench.data.run_dataset import build_run_dataset
from ctcbench.training.recognizer.module_probe import makes_own_frames
from ctcbench.training.recognizer.network import Recognizer, build_recognizer

_TEXTS = 32  # drawn to measure the mean length of texts


@dataclass(frozen=True)
class Stage:
    """A module of a recogniser in a spec sheet.

    Attributes:
        name: path of the module, for example ``backbone.0``.
        what: its type and options.
        shape: shape of its output for one image.
        parameters: number of its parameters.
    """

    name: str
    what: str
    shape: tuple[int, ...]
    parameters: int


@dataclass(frozen=True)
class SpecSheet:
    """Shapes, parameters and FLOPs of a configuration, for one image.

    Attributes:
        image: channels, height and width in pixels; of images of variable width the greatest.
        variable_width: whether the images have widths of their own.
        classes: number of classes with the blank.
        frames: number of frames of the backbone, or of the head if it makes frames of its own; of images of
            variable width, of the widest.
        features: number of features of such a frame.
        stages: modules in order; shapes are (1, F, H, W) in the backbone, (T, 1, D) after the fold.
        parameters: number of trained parameters by part.
        flops: FLOPs of a forward pass; a multiplication and an addition count as two.
        characters: mean length of the first training texts, None if none can be drawn.
        frames_per_character: mean number of frames of the images of these texts, over their mean length.
    """

    config: dict[str, Any]
    image: tuple[int, int, int]
    variable_width: bool
    classes: int
    frames: int
    features: int
    stages: tuple[Stage, ...]
    parameters: dict[str, int]
    total_parameters: int
    flops: int
    characters: float | None
    frames_per_character: float | None


def spec_sheet(recipe: Recipe, width: int = 0) -> SpecSheet:
    """Return the spec sheet of a configuration; only the first 32 training texts are drawn.

    Args:
        recipe: the configuration.
        width: columns of the image of the shapes and FLOPs, for images of variable width; 0: the greatest.

    Raises:
        UsageError: a component or an option is wrong, or the image is too small for the backbone.
        PluginError: a component broke its contract; the message names the owner.
    """
    source = build_run_dataset(recipe.registry, recipe.config).source
    # The weights do not matter, and drawing them must not change the caller's random numbers.
    with torch.random.fork_rng(devices=[]):
        model = build_recognizer(recipe, source.image, source.alphabet).eval()
    image = source.image
    images_NCHW = torch.zeros(1, image.channels, image.height, width or image.width, dtype=torch.uint8)
    named = dict(_stages_of("backbone", model.backbone)) | dict(_stages_of("head", model.head))
    named |= {"classifier": model.classifier} | ({"bypass": model.bypass} if model.bypass else {})
    shapes, recurrent, counter = _walk(model, images_NCHW, named)
    parameters = {name: _count(module) for name, module in model.named_children()}
    characters, frames_drawn = _drawn(source, model)
    sequence = model.output if makes_own_frames(model.head) else model.sequence
    return SpecSheet(
        config=recipe.config.model_dump(),
        image=(image.channels, image.height, image.width),
        variable_width=image.variable,
        classes=source.alphabet.num_classes,
        frames=sequence.frames,
        features=sequence.features,
        stages=tuple(_listed(model, named, shapes)),
        parameters=parameters,
        total_parameters=_count(model),
        flops=_flops(counter, recurrent),
        characters=characters,
        frames_per_character=frames_drawn / characters if characters and frames_drawn else None,
    )


def _stages_of(name: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules to list: the children of a Sequential one by one, any other module as a whole."""
    if isinstance(module, nn.Sequential):
        for child_name, child in module.named_children():
            yield from _stages_of(f"{name}.{child_name}", child)
    else:
        yield name, module


def _walk(
    model: Recognizer, images_NCHW: Tensor, named: dict[str, nn.Module]
) -> tuple[dict[str, tuple[int, ...]], dict[str, int], FlopCounterMode]:
    """Run one image through the model; return output shapes by stage, FLOPs of recurrent modules by name."""
    # By hooks, because the shape of a module's output is known in a forward pass only.
    shapes: dict[str, tuple[int, ...]] = {}
    recurrent: dict[str, int] = {}

    def record_shape(name: str) -> Any:
        return lambda module, inputs, output: shapes.update({name: tuple(output.shape)})

    def record_flops(name: str) -> Any:
        return lambda module, inputs, output: recurrent.update({name: _recurrent_flops(module, inputs[0])})

    handles = [module.register_forward_hook(record_shape(name)) for name, module in named.items()]
    for name, module in model.named_modules():
        if isinstance(module, nn.RNNBase):
            handles.append(module.register_forward_hook(record_flops(name)))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(images_NCHW)
    for handle in handles:
        handle.remove()
    return shapes, recurrent, counter


def _flops(counter: FlopCounterMode, recurrent: dict[str, int]) -> int:
    """Return the FLOPs of a forward pass, from torch's counter and `_recurrent_flops`."""
    # torch can't count a fused LSTM, so what it counts for recurrent modules is replaced.
    counts = counter.get_flop_counts()
    counted = sum(sum(counts.get(f"{Recognizer.__name__}.{name}", {}).values()) for name in recurrent)
    return int(counter.get_total_flops()) - counted + sum(recurrent.values())


def _recurrent_flops(module: nn.RNNBase, inputs: Tensor) -> int:
    """Return the FLOPs of the matrix products: each gate multiplies the input and the last state."""
    gates = {"LSTM": 4, "GRU": 3}.get(module.mode, 1)
    directions = 2 if module.bidirectional else 1
    frames, width = inputs.numel() // module.input_size, module.hidden_size
    widths = [module.input_size] + [width * directions] * (module.num_layers - 1)
    return sum(2 * frames * directions * gates * width * (entering + width) for entering in widths)


def _listed(
    model: Recognizer, named: dict[str, nn.Module], shapes: dict[str, tuple[int, ...]]
) -> Iterator[Stage]:
    """Yield the stages in order, without those that have no parameters and keep the shape."""
    last: tuple[int, ...] = ()
    folded = (model.sequence.frames, 1, model.sequence.features)
    is_folded = False
    for name, module in named.items():
        if not name.startswith("backbone") and not is_folded:
            is_folded, last = True, folded
            yield Stage("fold", "columns become frames", folded, 0)
        shape, parameters = shapes.get(name, ()), _count(module)
        if parameters or shape != last:
            yield Stage(name, _what(module), shape, parameters)
        last = shape


def _what(module: nn.Module) -> str:
    children = [child for child in module.children() if _count(child)]
    if not children:
        return _brief(module)
    inside = ", ".join(
        type(child).__name__ if list(child.children()) else _brief(child) for child in children
    )
    return f"{type(module).__name__}: {inside}"


def _brief(module: nn.Module) -> str:
    """Return torch's text for a module without options at their default, and with (3, 3) as 3."""
    # torch has the options of a module as text only. A pooling's stride is left out where it is the size of
    # its kernel, which is the default although the signature states None.
    defaults = inspect.signature(type(module).__init__).parameters
    kept: list[str] = []
    for name, value in re.findall(r"(?:(\w+)=)?(\([^()]*\)|[^,()]+)(?:, |$)", module.extra_repr()):
        parts = set(value.strip("()").split(", "))
        brief = parts.pop() if len(parts) == 1 else value
        is_default = name in defaults and str(defaults[name].default) == brief
        if not is_default and not (name == "stride" and f"kernel_size={brief}" in kept):
            kept.append(f"{name}={brief}" if name else brief)
    return f"{type(module).__name__}({', '.join(kept)})"


def _count(module: nn.Module) -> int:
    return sum(prod(parameter.shape) for parameter in module.parameters() if parameter.requires_grad)


def _drawn(source: Source, model: Recognizer) -> tuple[float | None, float | None]:
    """Return the mean length of the first texts and the mean number of frames of their images.

    None if they can't be drawn.
    """
    # The shapes are complete without it, so a data set whose files are missing is no error here.
    try:
        size = source.size("train")
        number = _TEXTS if size is None else min(size, _TEXTS)
        samples = [source.draw("train", index) for index in range(number)]
    except CtcbenchError:
        return None, None
    if not samples:
        return None, None
    frames = float((model.output if makes_own_frames(model.head) else model.sequence).frames)
    if source.image.variable:
        widths_N = torch.tensor([sample.image.shape[-1] for sample in samples])
        frames = float(model.frames(widths_N).double().mean())
    return sum(len(sample.text) for sample in samples) / len(samples), frames
