"""export_run(): writes the recogniser of a run as an ONNX file, if that reads what torch reads."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import ctcbench
from ctcbench.config.recipe import Recipe
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.data.materialise import Notice
from ctcbench.evaluation.score import Score
from ctcbench.files.attached_files import packed
from ctcbench.files.json_files import format_json
from ctcbench.files.output_files import is_device, require_output, write_output
from ctcbench.pipeline.decoding_stage import build_stored_decoder
from ctcbench.pipeline.run_calibration import fit_run_sharpness
from ctcbench.recognition.export_check import (
    CheckImages,
    ReaderDifference,
    compare,
    random_images,
    read_images,
    validation_images,
)
from ctcbench.recognition.onnx_document import FORMAT, KEY, OnnxDocument, Precision, parse_document
from ctcbench.recognition.onnx_graph import check_graph
from ctcbench.recognition.onnx_packages import EXPORT_PACKAGES, require_onnx
from ctcbench.recognition.onnx_quantization import quantise
from ctcbench.recognition.onnx_reader import OnnxReader, start_session
from ctcbench.recognition.torch_reader import TorchReader
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry
from ctcbench.results.decoder_files import read_decoder_files
from ctcbench.results.provenance import versions
from ctcbench.results.recognizer_description import read_description
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.results.stored_familiarity import read_familiarity
from ctcbench.results.stored_weights import require_weights

if TYPE_CHECKING:
    from onnx import ModelProto

# In nats. Sums of float32 in another order differ by 1e-5 to 1e-3.
_MOST_DIFFERENCE = 0.01
_MOST_LOST = 0.05  # share of images that int8 may misread beside those that float32 misreads
_CALIBRATION_BATCHES = 4


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote, and how it compares with torch.

    Attributes:
        path: the file.
        size: bytes of the file.
        opset: version of the operators of ONNX.
        any_width: whether the graph takes images of another width than those of the training.
        precision: of weights and arithmetic.
        difference: of the graph in float32 with torch, before the weights are rounded to 8 bits.
        on_validation: whether the compared images are the validation images of the run; else they are noise.
        score: of the graph in float32 on the validation images; None if these are missing.
        int8_score: the same in 8 bits; None without ``int8``.
    """

    path: Path
    size: int
    opset: int
    any_width: bool
    precision: Precision
    difference: ReaderDifference
    on_validation: bool
    score: Score | None
    int8_score: Score | None

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON document."""
        return {
            "file": str(self.path),
            "bytes": self.size,
            "opset": self.opset,
            "any_width": self.any_width,
            "precision": self.precision,
            "difference": {
                "images": self.difference.images,
                "of": "validation" if self.on_validation else "noise",
                "largest_difference": self.difference.largest_difference,
                "differing_texts": self.difference.differing_texts,
            },
            "score": self.score and self.score.to_json(),
            "int8_score": self.int8_score and self.int8_score.to_json(),
        }


def require_export(path: Path) -> None:
    """Check that the packages for an export are installed, and that the file can be written.

    Raises:
        UsageError: a package is missing, the file can't be written, or it is not called ``.onnx``.
    """
    require_onnx(*EXPORT_PACKAGES)
    require_output(path)
    if path.suffix.lower() != ".onnx" and not is_device(path):
        raise UsageError(f"{path}: an export is an ONNX file; give it the suffix .onnx")


def export_run(
    run: str | Path, path: str | Path, *, int8: bool = False, notice: Notice = warnings.warn
) -> ExportReport:
    """Write the recogniser of a run as an ONNX file, in place of an earlier one.

    The best weights are exported; those of an unfinished run are the best so far, and not calibrated.
    Before anything is written, onnxruntime and torch read the validation images of the run.

    Args:
        run: the run folder.
        path: the file.
        int8: whether weights and activations are rounded to 8 bits.
        notice: called with sentences for the user.

    Raises:
        UsageError: `run` has no weights, a component can't be exported, a package is missing, `int8` finds no
            validation images, or the file can't be written or is not called ``.onnx``.
        CtcbenchError: the exported network differs from torch, int8 misreads many more images, or a file of
            the run is damaged. Nothing is written.
    """
    folder, path = RunFolder(Path(run)), Path(path)
    require_export(path)
    require_weights(folder)
    if not folder.is_finished:
        notice(f"{run}: training is not finished: the best weights so far are exported, not calibrated")
    recipe = Recipe(load_registry(), stored_config(folder))
    reader = _float32_reader(recipe.registry, folder)
    decoder = build_stored_decoder(recipe, folder, reader.alphabet)
    model, document = _export(recipe, folder, reader, path)
    images = _images(folder, recipe, reader, notice)
    read = read_images(_onnx_reader(model, document, path), images, decoder)
    difference = compare(read, read_images(reader, images, decoder))
    if not difference.largest_difference <= _MOST_DIFFERENCE:
        raise CtcbenchError(
            f"{path}: not written: the exported network differs from torch by "
            f"{difference.largest_difference:.3g} nats, and {difference.differing_texts} of "
            f"{difference.images} texts differ"
        )
    rounded = None
    if int8:
        if read.score is None:
            raise UsageError("--int8 measures the range of activations on validation images; there are none")
        model = quantise(model, images.batches[:_CALIBRATION_BATCHES])
        document = document.model_copy(update={"precision": "int8"})
        rounded = read_images(_onnx_reader(model, document, path), images, decoder).score
        _require_accuracy(path, rounded, read.score)
    data = _with_document(model, document).SerializeToString()
    check_graph(data, path)  # what no reader would load is not written
    write_output(path, data)
    return ExportReport(
        path, len(data), model.opset_import[0].version, document.any_width, document.precision, difference,
        images.texts is not None, read.score, rounded,
    )  # fmt: skip


def _export(
    recipe: Recipe, folder: RunFolder, reader: TorchReader, path: Path
) -> tuple[ModelProto, OnnxDocument]:
    """Return the graph of a recogniser in float32, and its document."""
    from ctcbench.training.recognizer.onnx_export import export_network

    familiarity = read_familiarity(folder, reader.image.channels)
    description = read_description(folder).to_json() | {
        "format": FORMAT,
        "alignment": reader.alignment,
        "decoder": recipe.config.decoder,
        "decoder_files": packed(read_decoder_files(recipe.registry, folder, recipe.config.decoder)),
        "sharpness": fit_run_sharpness(folder, reader.alignment),
        "familiarity": familiarity and familiarity.to_json(),
        "masks_padding": not reader.model.unmasked,
        "has_positions": reader.has_positions,
        "any_width": True,
        "precision": "float32",
        "train_key": folder.path.name,
        "versions": {**versions(), **{name: metadata.version(name) for name in ("onnx", "onnxscript")}},
    }
    # As the file will be read: with lists in place of tuples.
    document = parse_document({KEY: format_json(description, indent=None).decode()}, path)
    model, any_width = export_network(reader.model, recipe)
    # Images of widths of their own need a network for any width: there the comparison decides.
    if (
        any_width
        and not reader.image.variable
        and not _agrees_at_other_widths(_onnx_reader(model, document, path), reader)
    ):
        model, any_width = export_network(reader.model, recipe, fixed_width=True)
    return model, document.model_copy(update={"any_width": any_width})


def _float32_reader(registry: Registry, folder: RunFolder) -> TorchReader:
    """Return the network of a run on the CPU, without mixed precision."""
    import torch

    from ctcbench.training.device import Compute
    from ctcbench.training.recognizer.weights import load_recognizer

    return TorchReader(load_recognizer(registry, folder), Compute(torch.device("cpu"), None))


def _require_accuracy(path: Path, rounded: Score | None, exact: Score) -> None:
    """Raise CtcbenchError if int8 reads many fewer texts than float32."""
    assert rounded is not None
    if rounded.exact < exact.exact - _MOST_LOST:
        shares = (
            f"{rounded.exact * 100:.1f} % of the texts are exact in int8 and {exact.exact * 100:.1f} % in"
        )
        raise CtcbenchError(f"{path}: not written: {shares} float32; leave out --int8")


def _images(folder: RunFolder, recipe: Recipe, reader: TorchReader, notice: Notice) -> CheckImages:
    """Return the validation images of the run, or noise if they can't be drawn."""
    try:
        return validation_images(recipe.registry, folder, reader)
    except CtcbenchError as error:
        notice(f"{error}; the exported network is compared with torch on noise instead of validation images")
        return random_images(reader)


def _onnx_reader(model: ModelProto, document: OnnxDocument, path: Path) -> OnnxReader:
    return OnnxReader(path, document, data := model.SerializeToString(), start_session(data, path))


def _agrees_at_other_widths(exported: OnnxReader, reader: TorchReader) -> bool:
    """Return whether the graph computes what torch does for narrower and wider images than the training's."""
    spec, random = reader.image, np.random.default_rng(0)
    for images, width in ((1, max(1, 2 * spec.width // 3)), (2, spec.width + spec.width // 3 + 1)):
        shape = images, spec.channels, spec.height, width
        batch = random.integers(0, 256, shape, np.uint8), np.full(images, width)
        try:
            wanted_NTK, _ = reader.read(*batch)
        except RuntimeError:
            return False  # torch can't compute it either: too narrow for the network, or of a fixed width
        try:
            found_NTK, _ = exported.read(*batch)
        except CtcbenchError:
            return False
        if found_NTK.shape != wanted_NTK.shape or np.abs(found_NTK - wanted_NTK).max() > _MOST_DIFFERENCE:
            return False
    return True


def _with_document(model: ModelProto, document: OnnxDocument) -> ModelProto:
    """Return a graph with the document in its metadata."""
    model.producer_name, model.producer_version = "ctcbench", ctcbench.__version__
    del model.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = KEY, format_json(document.model_dump(), indent=None).decode().strip()
    return model
