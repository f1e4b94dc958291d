"""export_network(): a recogniser as an ONNX graph, from uint8 images to log-probabilities and lengths."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from ctcbench.config.recipe import Recipe
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.text import one_line
from ctcbench.training.recognizer.module_probe import makes_own_frames
from ctcbench.training.recognizer.network import Recognizer, network_widths
from ctcbench.training.recognizer.onnx_recurrence import with_onnx_recurrence

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18  # the one that torch translates to without a conversion
INPUTS, OUTPUTS = ("images", "widths"), ("log_probs", "lengths")
_SHOWN = 300  # characters of torch's reason
_EXAMPLES = 3  # images in the batch of the tracing; torch treats sizes of 0 and 1 as constants


class ExportedNetwork(NamedTuple):
    """An ONNX graph, and whether its images may have another width than those of the training."""

    model: ModelProto
    any_width: bool


class LogProbsNetwork(nn.Module):
    """A recogniser with log-softmax and lengths, as `Reader.read` returns them."""

    def __init__(self, recognizer: Recognizer) -> None:
        super().__init__()
        self.recognizer = recognizer

    def forward(self, images_NCHW: Tensor, widths_N: Tensor) -> tuple[Tensor, Tensor]:
        """Return log_probs_NTK (float32) and lengths_N (int64).

        Args:
            images_NCHW: uint8; those of right-to-left text are mirrored, as `Split.batch` does it.
            widths_N: number of columns of each image before its padding, int64.
        """
        model, columns = self.recognizer, images_NCHW.shape[3]
        logits_TNK = model(images_NCHW, *network_widths(model, images_NCHW, widths_N)).logits_TNK
        log_probs_NTK = logits_TNK.float().log_softmax(-1).transpose(0, 1)
        frames = log_probs_NTK.shape[1]
        if model.image.variable and not model.unmasked:
            return log_probs_NTK, model.frames(widths_N)
        # Each frame sees the whole image, or all images of the batch have the same width.
        if makes_own_frames(model.head) or model.image.variable:
            return log_probs_NTK, torch.zeros_like(widths_N) + frames
        # As `Recognizer.frames`, for images of any width.
        lengths_N = torch.ceil(widths_N.double() * frames / columns).long()
        return log_probs_NTK, lengths_N.clamp(1, frames)


def export_network(recognizer: Recognizer, recipe: Recipe, *, fixed_width: bool = False) -> ExportedNetwork:
    """Return a recogniser, on the CPU in evaluation mode, as an ONNX graph.

    The graph has images_NCHW (uint8) and widths_N (int64) as inputs, log_probs_NTK (float32) and lengths_N
    (int64) as outputs. N may vary, and W if the network allows it.

    Args:
        recognizer: the network.
        recipe: names the plugin of a component that can't be exported.
        fixed_width: whether W is that of the training images in any case.

    Raises:
        UsageError: torch is too old, or a component can't be exported; the message names it and its plugin.
    """
    if not hasattr(torch.onnx, "ops"):
        raise UsageError(f"export needs torch 2.8 or newer; torch {torch.__version__} is installed")
    spec = recognizer.image
    images_NCHW = torch.zeros(_EXAMPLES, spec.channels, spec.height, spec.width, dtype=torch.uint8)
    examples = (images_NCHW, torch.full((_EXAMPLES,), spec.width))
    with _silence():
        for any_width in _choices(recognizer, fixed_width):
            shapes = ({0: "batch", 3: "width"} if any_width else {0: "batch"}, {0: "batch"})
            with contextlib.suppress(_CantExport):
                network = _translate(LogProbsNetwork(recognizer), examples, shapes, INPUTS, OUTPUTS)
                return ExportedNetwork(network, any_width)
        raise UsageError(_blame(recognizer, recipe))


class _CantExport(Exception):
    """torch can't translate a module; the message is the reason on one line."""


def _translate(
    module: nn.Module,
    examples: tuple[Tensor, ...],
    shapes: tuple[dict[int, str], ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
) -> ModelProto:
    """Return a module as an ONNX graph without the names of source files that torch notes in it."""
    try:
        program = torch.onnx.export(
            with_onnx_recurrence(module).eval(),
            examples,
            dynamo=True,
            verbose=False,
            input_names=inputs,
            output_names=outputs,
            dynamic_shapes=shapes,
            opset_version=OPSET,
        )
        assert program is not None
        model: ModelProto = program.model_proto
    except CtcbenchError:
        raise
    # The module of a plugin runs in here, and torch raises errors of many types.
    except Exception as error:
        raise _CantExport(_reason(error)) from error
    return _without_notes(model)


def _without_notes(model: ModelProto) -> ModelProto:
    """Return a graph without torch's notes, which hold stack traces with paths of this machine."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""
    for tensor in (*model.graph.initializer, *model.graph.input, *model.graph.output):
        del tensor.metadata_props[:]
        tensor.doc_string = ""
    return model


def _choices(recognizer: Recognizer, fixed_width: bool) -> tuple[bool, ...]:
    """Return whether the width may vary, in the order in which that is tried."""
    if recognizer.image.variable:
        return (True,)
    # A head that sees the whole image has weights for each of its frames.
    return (False,) if fixed_width or makes_own_frames(recognizer.head) else (True, False)


def _blame(recognizer: Recognizer, recipe: Recipe) -> str:
    """Return which component can't be exported, found by exporting each alone."""
    spec, sequence = recognizer.image, recognizer.sequence
    feats_TNF = torch.zeros(sequence.frames, _EXAMPLES, sequence.features)
    images_NCHW = torch.zeros(_EXAMPLES, spec.channels, spec.height, spec.width)
    # Images of widths of their own need a network for any width.
    width = {3: "width"} if spec.variable else {}
    parts: list[tuple[Any, nn.Module, Tensor, dict[int, str]]] = [
        ("backbone", recognizer.backbone, images_NCHW, {0: "batch"} | width),
        ("head", recognizer.head, feats_TNF, {1: "batch"} | ({0: "frames"} if width else {})),
    ]
    for kind, module, example, shape in parts:
        try:
            _translate(module, (example,), (shape,), ("features",), ("outputs",))
        except _CantExport as error:
            return f"{recipe.describe_owner(kind)}: can't be exported to ONNX: {error}"
    return "the network can't be exported to ONNX, although its backbone and its head can"


def _reason(error: BaseException) -> str:
    """Return the first cause of an error of torch's exporter, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    return one_line(lines[0] if lines else type(error).__name__)[:_SHOWN]


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Suppress the warnings and log lines of torch's exporter, which are about its own parts."""
    names = ("torch.onnx", "torch.export", "torch.fx", "onnxscript", "onnx_ir", "torch._dynamo")
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
