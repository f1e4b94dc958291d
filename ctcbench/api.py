"""Python API: train a configuration, load a trained recogniser, read pictures with it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ctcbench.config.recipe import require_fitting_decoder, resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import LogProbs, Sample
from ctcbench.contract.errors import BadSample, CtcbenchError, UsageError
from ctcbench.contract.specs import ImageSpec
from ctcbench.evaluation.familiarity import Familiarity
from ctcbench.evaluation.joined_batches import Reading, join_batches
from ctcbench.files.attached_files import only_stored_files, unpacked
from ctcbench.files.pictures import Fit, PreparedPicture, decode_picture, read_picture
from ctcbench.files.pixel_levels import WHITE
from ctcbench.pipeline import runner
from ctcbench.pipeline.decoding_stage import build_decoder
from ctcbench.recognition.interpretation import Interpretation, require_possible
from ctcbench.recognition.picture_batch import make_batch, split_by_width
from ctcbench.recognition.picture_list import listed, readable, require_pictures
from ctcbench.recognition.picture_stream import Group, process_groups
from ctcbench.recognition.prediction import Prediction
from ctcbench.recognition.reader import Reader
from ctcbench.recognition.run_calibration import fit_run_sharpness
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry
from ctcbench.results.decoder_files import read_decoder_files
from ctcbench.results.recognizer_description import read_description
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.results.stored_familiarity import read_familiarity
from ctcbench.training.runtime import Runtime

T = TypeVar("T")


@dataclass(frozen=True)
class Recogniser:
    """A trained recogniser and its decoder; `load` returns one.

    Attributes:
        reader: the network.
        registry: where decoders come from.
        decoder: component string of the decoder.
        decoder_files: files of the decoder, such as a list of words, by digest.
        fit: how pictures are resized to the image size of the network, as the training images were.
        sharpness: inverse temperature that calibrates confidences; 1 while the run is not finished.
        familiarity: the statistics of the training images, with which pictures are compared; None while the
            run is not finished, and in runs of earlier versions.
    """

    reader: Reader
    registry: Registry = field(repr=False)
    decoder: str
    fit: Fit
    sharpness: float = 1.0
    familiarity: Familiarity | None = field(default=None, repr=False)
    decoder_files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def prepare(self, picture: Any) -> PreparedPicture:
        """Return a picture as the network takes it, which `predict` and `log_probs` accept as well.

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
        images = listed(images)

        def read(group: Group) -> tuple[Group, Reading]:
            samples = group.samples or [_white(self.reader.image)]
            rows = split_by_width(samples, self.reader)
            batches = [make_batch([samples[row] for row in some], self.reader) for some in rows]
            readings = [self.reader.read(batch.images_NCHW, batch.widths_N) for batch in batches]
            values_NTK, lengths_N = join_batches(readings, rows)
            return group, (values_NTK[: len(group.samples)], lengths_N[: len(group.samples)])

        # Of no pictures, the arrays have the shape of a batch without images.
        parts = list(process_groups(images, self._prepared, read, self.reader)) or [read(Group([], {}))]
        outcomes = [outcome for group, _ in parts for outcome in group.arranged(group.samples)]
        for index, (image, outcome) in enumerate(zip(images, outcomes, strict=True)):
            readable(index, image, outcome)
        values_NTK, lengths_N = join_batches([reading for _, reading in parts])
        return LogProbs(values_NTK, lengths_N, ("",) * len(images), self.reader.alphabet)

    def predict(
        self, images: Iterable[Any], *, decoder: str | None = None, n_best: int = 0, positions: bool = False
    ) -> list[Prediction]:
        """Return the texts of pictures, in their order.

        Args:
            images: paths, bytes, open files, PIL images, arrays or samples, as for `log_probs`.
            decoder: a component string; None: the decoder of the run.
            n_best: number of texts that `Prediction.alternatives` has, the best by the score of the decoder;
                the most probable ones by prefix beam search if it has only one.
            positions: whether `Prediction.characters` has the characters with their places in the picture.

        Raises:
            BadSample: a picture can't be read; the message names its path or its index.
            UsageError: as `predict_each`.
        """
        images = listed(images)
        outcomes = self.predict_each(images, decoder=decoder, n_best=n_best, positions=positions)
        return [
            readable(index, image, outcome)
            for index, (image, outcome) in enumerate(zip(images, outcomes, strict=True))
        ]

    def predict_each(
        self, images: Iterable[Any], *, decoder: str | None = None, n_best: int = 0, positions: bool = False
    ) -> Iterator[Prediction | BadSample]:
        """Yield the prediction of each picture, or the BadSample that is why it can't be read, in order.

        Several threads decode and read the pictures in groups. A few hundred of them are in memory at a time,
        so `images` can be a generator of any length; it is read a few groups ahead.

        Args:
            images: as for `predict`.
            decoder: as for `predict`.
            n_best: as for `predict`.
            positions: as for `predict`.

        Raises:
            UsageError: `images` is not an iterable of pictures; the decoder does not exist, an option of it
                is wrong, or it does not fit the recogniser; `n_best` is negative; the recogniser does not
                align characters with columns of the picture, so that it has no positions, or was trained
                without CTC, so that it has no alternatives.
        """
        require_pictures(images)
        # The decoder of a stranger's run must not open files of this machine; one that the user types may.
        with contextlib.nullcontext() if decoder else only_stored_files(self.decoder_files):
            chosen = self.registry.resolve("decoder", decoder or self.decoder)
            require_fitting_decoder(self.registry, self.reader.alignment, chosen, "this recogniser")
            require_possible(self.reader, n_best, positions=positions)
            built = build_decoder(self.registry, chosen, self.reader.alphabet)
        interpretation = Interpretation(
            self.reader, built, self.sharpness, self.familiarity, n_best, positions
        )

        def predict(group: Group) -> list[Prediction | BadSample]:
            return list(group.arranged(interpretation.predict(group.samples)))

        return _flat(process_groups(images, self._prepared, predict, self.reader))

    def _prepared(self, picture: Any) -> Sample:
        # Pictures are prepared in several threads.
        if isinstance(picture, Sample):
            return picture
        return decode_picture(picture, self.reader.image, self.fit)


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
    """Return the trained recogniser of a run folder or of an ONNX file that ``ctcbench export`` wrote.

    Of an unfinished run it is the best one so far. The files of a run folder and an ONNX file hold data
    alone: loading one executes no code from it. An ONNX file is read without torch.

    Args:
        path: the run folder, or the file.
        device: ``auto`` (a CUDA device if there is one), ``cpu``, ``cuda`` or ``cuda:N``; an ONNX file is
            computed on the CPU.

    Raises:
        UsageError: `path` is neither, the run has no weights yet, there is no such device, or a package that
            reads ONNX files is not installed.
        CtcbenchError: a file in the run folder is damaged.
    """
    folder = RunFolder(Path(path))
    try:
        is_folder, is_file = folder.path.is_dir(), folder.path.is_file()
    except OSError as error:  # a name that is too long, a folder that can't be searched
        raise UsageError(f"{path}: can't be read ({error.strerror})") from None
    if is_file:
        return _load_onnx(folder.path, device)
    if not is_folder or not (folder.has(folder.config_path) and folder.has(folder.weights_path)):
        raise UsageError(f"{path}: no trained run there (expected config.toml and weights.safetensors)")
    return _load_run(folder, device)


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


def _flat(groups: Iterable[Iterable[T]]) -> Iterator[T]:
    # Not itertools.chain, which has no method that ends the threads.
    for group in groups:
        yield from group


def _white(spec: ImageSpec) -> Sample:
    return Sample(np.full((spec.channels, spec.height, spec.width), WHITE, np.uint8), "")
