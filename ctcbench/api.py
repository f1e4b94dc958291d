"""ctcbench in Python: run a configuration, load a trained recogniser, read pictures with it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctcbench.config.recipe import Recipe, resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import LogProbs, Sample
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.specs import ImageSpec
from ctcbench.files.pictures import Fit, read_picture
from ctcbench.pipeline import runner
from ctcbench.pipeline.decoding_stage import decode
from ctcbench.registry.discovery import load_registry
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.training.runtime import Runtime

if TYPE_CHECKING:
    from ctcbench.training.recognizer.network import Recognizer

_AT_ONCE = 256  # pictures that go through the network together: memory for these, not for all


@dataclass(frozen=True)
class Prediction:
    """The text read in a picture, and the probability that it is right (0 to 1).

    ``confidence`` is p(text | picture) over all alignments, calibrated on the run's validation images
    (`ctcbench.training.calibration`), so that of those with 0.9 nine in ten should be right, for pictures of
    the same kind. While the run is not finished it is not calibrated yet. Of a recogniser without CTC it is
    the decoder's own, and None where that gives none.
    """

    text: str
    confidence: float | None


@dataclass(frozen=True)
class Recogniser:
    """A trained recogniser with the decoder it reads by; `load` gives one.

    ``fit`` is how pictures are brought to the image size, as those were that it learned from;
    ``sharpness`` calibrates its confidence.
    """

    recipe: Recipe
    model: Recognizer
    fit: Fit
    sharpness: float = 1.0

    def log_probs(self, images: Iterable[Any]) -> LogProbs:
        """Return the log-probs of pictures: paths, PIL images or uint8 arrays, of any size and mode.

        Raises:
            BadSample: a picture can't be read; the message names it, or its place.
            UsageError: `images` is no list of pictures, but one, say.
        """
        import numpy as np
        import torch

        images = _listed(images)
        spec = self.model.image
        values_NTK = np.zeros(
            (len(images), self.model.output.frames, self.model.alphabet.num_classes), np.float32
        )
        widths_N = torch.full((len(images),), spec.width)
        for start in range(0, len(images), _AT_ONCE):
            some = images[start : start + _AT_ONCE]
            images_NCHW = np.zeros((len(some), spec.channels, spec.height, spec.width), np.uint8)
            for row, image in enumerate(some):
                sample = _read(start + row, image, spec, self.fit)
                images_NCHW[row] = sample.image
                widths_N[start + row] = sample.width or spec.width
            with torch.no_grad():
                logits_TNK = self.model(torch.from_numpy(images_NCHW)).logits_TNK
                log_probs_NTK = logits_TNK.float().log_softmax(-1).transpose(0, 1)
                values_NTK[start : start + len(some)] = log_probs_NTK.numpy()
        lengths_N = self.model.frames(widths_N).numpy()
        return LogProbs(values_NTK, lengths_N, ("",) * len(images), self.model.alphabet)

    def predict(self, images: Iterable[Any], *, decoder: str | None = None) -> list[Prediction]:
        """Return what stands in pictures: paths, PIL images or uint8 arrays, of any size and mode.

        Raises:
            BadSample: a picture can't be read.
            UsageError: `images` is no list of pictures; `decoder` (default: the run's) is not there, an
                option of it is wrong, or it can't read what the run's loss trained.
        """
        recipe = self.recipe.with_decoder(decoder or self.recipe.config.decoder)
        images = _listed(images)
        if not images:
            return []
        read = self.log_probs(images)
        hypotheses, _ = decode(recipe, read)
        scores = [h.log_prob for h in hypotheses]
        if self.model.alignment == "ctc":
            from ctcbench.training.ctc_likelihood import text_log_probs

            scores = text_log_probs(read, [h.labels for h in hypotheses], self.sharpness).tolist()
        texts = [read.alphabet.decode(h.labels) for h in hypotheses]
        return [Prediction(text, _probability(score)) for text, score in zip(texts, scores, strict=True)]


def run(config: RunConfig, runtime: Runtime | None = None) -> Result:
    """Draw, train, read, decode, score and store what `config` says; see `ctcbench.pipeline.runner.run`.

    Raises:
        UsageError: a setting can't work on this machine or with this data.
        CtcbenchError: the loss became NaN, or a file of the run is damaged.
    """
    if not isinstance(config, RunConfig):
        raise UsageError(f"run() takes a RunConfig, not {type(config).__name__}: run(RunConfig(…))")
    return runner.run(resolve(load_registry(), config), runtime)


def load(run_folder: str | Path) -> Recogniser:
    """Return the trained recogniser in a run folder; nothing in such a folder can run code.

    Of a run that is not finished it is the best one so far.

    Raises:
        UsageError: there is no run, or one without weights yet.
        CtcbenchError: a file in it is damaged.
    """
    from ctcbench.evaluation.log_probs import load_log_probs
    from ctcbench.training.calibration import fit_inverse_temperature
    from ctcbench.training.recognizer.weights import description, load_recognizer

    folder = RunFolder(Path(run_folder))
    if not folder.config_path.is_file() or not folder.weights_path.is_file():
        raise UsageError(f"{run_folder}: no trained run there (expected config.toml and weights.safetensors)")
    registry = load_registry()
    model = load_recognizer(registry, folder)
    validated = folder.log_probs_path("val")
    calibrates = model.alignment == "ctc" and validated.exists()
    sharpness = fit_inverse_temperature(load_log_probs(validated)) if calibrates else 1.0
    return Recogniser(Recipe(registry, stored_config(folder)), model, description(folder).fit, sharpness)


def _listed(images: Any) -> list[Any]:
    """Return the pictures as a list; raises UsageError for what is one picture, or none."""
    if hasattr(images, "__array__"):
        raise UsageError("pictures come in a list: [array] for one array, list(array) for a batch of them")
    if isinstance(images, str | bytes | Path) or not isinstance(images, Iterable):
        raise UsageError(f"pictures come in a list, not as {type(images).__name__}: [picture] for one")
    return list(images)


def _read(place: int, picture: Any, spec: ImageSpec, fit: Fit) -> Sample:
    try:
        return read_picture(picture, spec, fit)
    except BadSample as error:
        name = picture if isinstance(picture, str | Path) else f"picture {place}"
        raise BadSample(f"{name}: {error}") from None


def _probability(log_prob: float) -> float | None:
    return None if math.isnan(log_prob) else min(1.0, math.exp(log_prob))
