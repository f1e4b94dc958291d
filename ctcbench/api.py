"""Python API: train a configuration, load a trained recogniser, read pictures with it."""

from __future__ import annotations

import math
import os
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ctcbench.config.recipe import require_fitting_decoder, resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import LogProbs, Sample
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.specs import ImageSpec
from ctcbench.evaluation.calibration import fit_inverse_temperature
from ctcbench.evaluation.ctc_likelihood import text_log_probs
from ctcbench.files.pictures import Fit, read_picture
from ctcbench.files.pixel_levels import WHITE
from ctcbench.pipeline import runner
from ctcbench.pipeline.decoding_stage import build_decoder
from ctcbench.recognition.reader import Reader
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry
from ctcbench.results.recognizer_description import read_description
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.training.runtime import Runtime

_BATCH_SIZE = 256  # pictures in a forward pass; bounds the memory of a long list


@dataclass(frozen=True)
class Prediction:
    """The text of a picture, and the probability that it is right.

    Attributes:
        text: the text, in Unicode NFC.
        confidence: p(text | picture) over all alignments, 0 to 1, calibrated on the run's validation
            images (`ctcbench.evaluation.calibration`): of the texts with confidence 0.9, nine in ten should
            be right, for pictures of the same kind. It is not calibrated while the run is not finished.
            Without CTC it is the decoder's own score, None if it has none.
    """

    text: str
    confidence: float | None


@dataclass(frozen=True)
class Recogniser:
    """A trained recogniser and its decoder; `load` returns one.

    Attributes:
        reader: the network.
        registry: where decoders come from.
        decoder: component string of the decoder.
        fit: how pictures are resized to the image size of the network, as the training images were.
        sharpness: inverse temperature that calibrates confidences; 1 while the run is not finished.
    """

    reader: Reader
    registry: Registry = field(repr=False)
    decoder: str
    fit: Fit
    sharpness: float = 1.0

    def prepare(self, picture: Any) -> Sample:
        """Return a picture as the network takes it, which `predict` and `log_probs` accept as well.

        Preparing pictures one by one tells those that can't be read from the others.

        Raises:
            BadSample: the picture can't be read; the message is the reason, without its name.
        """
        return read_picture(picture, self.reader.image, self.fit)

    def log_probs(self, images: Iterable[Any]) -> LogProbs:
        """Return the natural log-probabilities of N pictures, float32 (N, T, K): T frames, K classes.

        Class 0 is the blank.

        Args:
            images: pictures of any size: paths, bytes of files, files that are open in binary mode, PIL
                images of any mode, arrays (H, W) or (H, W, C), or samples that `prepare` returned.
                `read_picture` describes how levels of other types than uint8 are scaled.

        Raises:
            BadSample: a picture can't be read; the message names its path or its index.
            UsageError: `images` is not a list of pictures.
        """
        images = _listed(images)
        spec = self.reader.image
        parts = []
        # Of no pictures, the arrays have the shape of a batch without images.
        for start in range(0, max(1, len(images)), _BATCH_SIZE):
            some = images[start : start + _BATCH_SIZE] or [_white(spec)]
            images_NCHW = np.zeros((len(some), spec.channels, spec.height, spec.width), np.uint8)
            widths_N = np.full(len(some), spec.width, np.int64)
            for row, image in enumerate(some):
                sample = image if isinstance(image, Sample) else self._read(start + row, image)
                images_NCHW[row] = sample.image
                widths_N[row] = sample.width or spec.width
                if self.reader.alphabet.direction == "rtl":
                    # Mirrored, as `Split.batch` does with the training images; the padding stays.
                    shown_CHW = images_NCHW[row, :, :, : widths_N[row]]
                    shown_CHW[:] = shown_CHW[:, :, ::-1].copy()
            parts.append(self.reader.read(images_NCHW, widths_N))
        values_NTK, lengths_N = (np.concatenate(arrays)[: len(images)] for arrays in zip(*parts, strict=True))
        return LogProbs(values_NTK, lengths_N, ("",) * len(images), self.reader.alphabet)

    def predict(self, images: Iterable[Any], *, decoder: str | None = None) -> list[Prediction]:
        """Return the texts of pictures, in their order.

        Args:
            images: paths, bytes, open files, PIL images, arrays or samples, as for `log_probs`.
            decoder: a component string; None: the decoder of the run.

        Raises:
            BadSample: a picture can't be read.
            UsageError: `images` is not a list of pictures; the decoder does not exist, an option of it is
                wrong, or it does not fit the recogniser.
        """
        chosen = self.registry.resolve("decoder", decoder or self.decoder)
        require_fitting_decoder(self.registry, self.reader.alignment, chosen, "this recogniser")
        images = _listed(images)
        if not images:
            return []
        read = self.log_probs(images)
        hypotheses, _ = build_decoder(self.registry, chosen, read.alphabet).decode(read)
        scores = [h.log_prob for h in hypotheses]
        if self.reader.alignment == "ctc":
            # A decoder's score covers only the alignments that its search kept; this is the sum of all.
            scores = text_log_probs(read, [h.labels for h in hypotheses], self.sharpness).tolist()
        # Composed, as labels are: an alphabet may have a letter and an accent where NFC has one character.
        texts = [unicodedata.normalize("NFC", read.alphabet.decode(h.labels)) for h in hypotheses]
        return [Prediction(text, _probability(score)) for text, score in zip(texts, scores, strict=True)]

    def _read(self, index: int, picture: Any) -> Sample:
        try:
            return self.prepare(picture)
        except BadSample as error:
            name = picture if isinstance(picture, str | os.PathLike) else getattr(picture, "name", None)
            shown = os.fspath(name) if isinstance(name, str | os.PathLike) else f"picture {index}"
            raise BadSample(f"{shown}: {error}") from None


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


def load(path: str | Path, device: str = "auto") -> Recogniser:
    """Return the trained recogniser of a run folder; of an unfinished run, the best one so far.

    The files of a run folder hold data alone: loading one executes no code from it.

    Args:
        path: the run folder.
        device: ``auto`` (a CUDA device if there is one), ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        UsageError: `path` is not a run folder, the run has no weights yet, or there is no such device.
        CtcbenchError: a file in it is damaged.
    """
    folder = RunFolder(Path(path))
    try:
        is_folder = folder.path.is_dir()
    except OSError as error:  # a name that is too long, a folder that can't be searched
        raise UsageError(f"{path}: can't be read ({error.strerror})") from None
    if not is_folder or not (folder.has(folder.config_path) and folder.has(folder.weights_path)):
        raise UsageError(f"{path}: no trained run there (expected config.toml and weights.safetensors)")
    return _load_run(folder, device)


def _load_run(folder: RunFolder, device: str) -> Recogniser:
    from ctcbench.recognition.torch_reader import load_torch_reader  # imports torch

    registry = load_registry()
    reader = load_torch_reader(registry, folder, device)
    calibrates = reader.alignment == "ctc" and folder.has(folder.log_probs_path("val"))
    sharpness = fit_inverse_temperature(folder.read_log_probs("val")) if calibrates else 1.0
    return Recogniser(
        reader, registry, stored_config(folder).decoder, read_description(folder).fit, sharpness
    )


def _listed(images: Any) -> list[Any]:
    """Return the pictures as a list; raise UsageError for a single picture, or something else."""
    if hasattr(images, "__array__"):
        raise UsageError("pictures come in a list: [array] for one array, list(array) for a batch of them")
    # An open file is iterable too: its lines are not pictures.
    single = isinstance(images, str | bytes | bytearray | memoryview | os.PathLike | Sample) or hasattr(
        images, "read"
    )
    if single or not isinstance(images, Iterable):
        raise UsageError(f"pictures come in a list, not as {type(images).__name__}: [picture] for one")
    return list(images)


def _white(spec: ImageSpec) -> Sample:
    return Sample(np.full((spec.channels, spec.height, spec.width), WHITE, np.uint8), "")


def _probability(log_prob: float) -> float | None:
    return None if math.isnan(log_prob) else min(1.0, math.exp(log_prob))
