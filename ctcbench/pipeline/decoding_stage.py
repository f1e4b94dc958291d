"""Decoding of stored log-probabilities: decode, time, score and store; without torch, without retraining."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from ctcbench.config.recipe import Recipe
from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import UsageError
from ctcbench.contract.hooks import RunInfo
from ctcbench.contract.specs import Alignment, Alphabet, frames_needed
from ctcbench.decoding.hypothesis import Hypothesis
from ctcbench.evaluation.collapse import best_paths_collapsed, blank_probability
from ctcbench.evaluation.confidence import confidences
from ctcbench.evaluation.score import Score
from ctcbench.evaluation.scoring import score
from ctcbench.files.attached_files import only_stored_files
from ctcbench.files.json_records import Count, Name, NotNegative, Record, read_record
from ctcbench.files.shell_words import quote_word
from ctcbench.pipeline.run_calibration import fit_run_sharpness
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.hypothesis_checks import require_hypotheses, require_n_best
from ctcbench.results.decoder_files import from_run_folder, read_decoder_files
from ctcbench.results.decoder_key import decoder_key
from ctcbench.results.predictions import Predictions
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config


class SummaryRecord(Record):
    """JSON document of a run's summary: the parts that a result holds as well."""

    parameters: Count
    train_seconds: NotNegative
    images_per_second: NotNegative
    peak_memory_mib: NotNegative | None
    started: Name
    host: dict[Name, Any] = Field(max_length=100)
    versions: dict[Name, Any] = Field(max_length=1_000)
    plugins: dict[Name, Any] = Field(max_length=1_000)
    data: dict[Name, Any] = Field(max_length=100)
    training: dict[Name, Any] = Field(max_length=1_000)


def decode_run(recipe: Recipe, folder: RunFolder) -> Result:
    """Decode the stored test log-probabilities of a finished run with the recipe's decoder; store the result.

    The caller holds the lock of `folder`, the run folder of the recipe.

    Returns:
        The result, with the recipe's settings and the path of its file.

    Raises:
        UsageError: the decoder refuses its options.
        PluginError: the decoder failed.
        CtcbenchError: the run is not finished, or a file of it is damaged.
    """
    # Read first, so that a damaged summary is an error before a decoding of minutes.
    trained = read_record(SummaryRecord, folder.read_summary(), folder.summary_path)
    stored = folder.read_log_probs("test")
    with from_run_folder(recipe.registry, folder, recipe.config.decoder):
        decoder = build_decoder(recipe.registry, recipe.config.decoder, stored.alphabet)
    hypotheses, seconds = decoder.decode(stored)
    texts = [stored.alphabet.decode(hypothesis.labels) for hypothesis in hypotheses]
    result = Result(
        config=recipe.config.model_dump(),
        score=_score(texts, stored, recipe.alignment),
        cost={
            "parameters": trained.parameters,
            "train_seconds": trained.train_seconds,
            "images_per_second": trained.images_per_second,
            "decode_ms_per_image": seconds * 1000 / len(texts),
            "peak_memory_mib": trained.peak_memory_mib,
        },
        provenance={
            "started": trained.started,
            "host": trained.host,
            "versions": trained.versions,
            "plugins": trained.plugins,
            "data": _data(trained.data, stored, recipe.alignment),
            "training": trained.training,
        },
    )
    sure = confidences(stored, hypotheses, recipe.alignment, fit_run_sharpness(folder, recipe.alignment))
    predictions = Predictions(
        "test", stored.fingerprint, tuple(texts), tuple(stored.texts), tuple(map(_rounded, sure))
    )
    key = decoder_key(recipe.config.decoder)
    return replace(result, path=folder.write_result(key, result, predictions))


def _score(texts: Sequence[str], tests: LogProbs, alignment: Alignment) -> Score:
    found = score(texts, tests.texts, "test", blank_probability=blank_probability(tests))
    # A constraint can leave no text to any image, and a language model the same text to all: then the decoder
    # ignores the images, not the recogniser.
    if found.collapsed and not best_paths_collapsed(tests, alignment):
        return replace(found, collapsed=False)
    return found


def _rounded(confidence: float | None) -> float | None:
    # More digits have no meaning, and would make the file longer than its texts.
    return None if confidence is None else float(f"{confidence:.6g}")


def _data(trained: Mapping[str, Any], tests: LogProbs, alignment: Alignment) -> dict[str, Any]:
    """Return the images of a result: those of its training, and the fingerprint and numbers of the tests."""
    needed = [frames_needed(tests.alphabet.frame_order(text), alignment) for text in tests.texts]
    return {
        **trained,
        "fingerprint": tests.fingerprint,
        "images": {**trained.get("images", {}), "test": len(tests)},
        "left_out": {**trained.get("left_out", {}), "test": tests.left_out},
        # Scored like all others, although no output can be right.
        "too_long": sum(np.greater(needed, tests.lengths_N).tolist()),
        "unreadable": sum(bool(tests.alphabet.missing(text)) for text in tests.texts),
    }


def announce_result(
    registry: Registry, folder: RunFolder, result: Result, notice: Callable[[str], None]
) -> None:
    """Call the hook ``ctcbench_run_finished`` with the result of a run that was trained before.

    The caller has released the lock of `folder`, because a tracker may decode or report from it.

    Args:
        registry: the plugins whose hooks are called.
        folder: the run folder. Hooks receive its settings, among them the decoder that the run had.
        result: the stored result.
        notice: receives a message about a plugin that failed.
    """
    config = stored_config(folder)
    run = RunInfo(folder.path, folder.path.name, config.model_dump(), config.epochs, steps=0)
    registry.call_hooks("ctcbench_run_finished", notice, run=run, result=result.to_json())


def decode_stored(
    registry: Registry, run: Path, decoder: str, notice: Callable[[str], None] | None = None
) -> Result:
    """Decode the run folder `run` with another decoder and store the result.

    Args:
        registry: where the decoder comes from, and the plugins whose hooks are called.
        run: the folder.
        decoder: a component string.
        notice: receives a message about a plugin whose hook failed; None: such messages are dropped.

    Raises:
        UsageError: `run` is not the folder of a finished run, another process writes there, the decoder
            does not exist or does not fit the run's loss, or an option of it is wrong.
        CtcbenchError: as `decode_run`.
    """
    folder = RunFolder(run)
    if not folder.has(folder.config_path):
        raise UsageError(f"{run}: not a run folder (no {folder.config_path.name} in it)")
    config, out = (quote_word(str(path)) for path in (folder.config_path, run.parent))
    again = f"ctcbench run --config {config} --out {out}"
    if not folder.has(folder.summary_path):
        raise UsageError(
            f"{run}: not finished, so it has no log-probabilities yet; `{again} --resume` continues it"
        )
    if not folder.has(stored := folder.log_probs_path("test")):
        raise UsageError(f"{stored}: no such file; `{again}` computes the log-probabilities again")
    recipe = Recipe(registry, stored_config(folder)).with_decoder(decoder)
    if not os.access(run, os.W_OK):
        raise UsageError(
            f"{run}: is read-only, and the result is stored in it; copy the folder to another place"
        )
    # A run that is trained again with --fresh would replace the log-probabilities during the decoding.
    with folder.lock("decoding in this run folder"):
        result = decode_run(recipe, folder)
    announce_result(registry, folder, result, notice or (lambda text: None))
    return result


@dataclass(frozen=True)
class BuiltDecoder:
    """A decoder that is built, and the owner that its errors name; `build_decoder` returns one."""

    owner: str
    search: Callable[[LogProbs], Iterable[Hypothesis]]

    def decode(self, log_probs: LogProbs) -> tuple[list[Hypothesis], float]:
        """Return the best hypothesis of every image, and how many seconds decoding took.

        Raises:
            PluginError: the decoder failed, or returned another number of hypotheses, or unknown labels.
        """
        started = time.perf_counter()
        with attribute_errors(f"{self.owner} failed"):
            # A list, since a generator would do its work after the clock has stopped.
            hypotheses = list(self.search(log_probs))
        seconds = time.perf_counter() - started
        require_hypotheses(self.owner, hypotheses, log_probs)
        return hypotheses, seconds

    @property
    def has_own_score(self) -> bool:
        """Whether the decoder ranks by something else than the probability of the network alone."""
        return bool(getattr(self.search, "has_own_score", False))

    @property
    def ranks_by_log_prob(self) -> bool:
        """Whether the best hypothesis is that of the highest score."""
        return bool(getattr(self.search, "ranks_by_log_prob", True))

    @property
    def objective(self) -> str | None:
        """What the decoder searches; None for the most probable of all labellings."""
        # With a score of its own, the best text is not the most probable one either.
        return getattr(self.search, "objective", None) or ("its own score" if self.has_own_score else None)

    def n_best(self, log_probs: LogProbs, count: int) -> Sequence[Sequence[Hypothesis]] | None:
        """Return up to `count` hypotheses of every image, best first; None if the decoder has only the best.

        Raises:
            PluginError: the decoder failed, or returned another number of lists, or unknown labels.
        """
        search = getattr(self.search, "n_best", None)
        if search is None:
            return None
        with attribute_errors(f"{self.owner} failed"):
            found = [list(hypotheses) for hypotheses in search(log_probs, count)]
        require_n_best(self.owner, found, log_probs)
        return found


def build_decoder(registry: Registry, decoder: str, alphabet: Alphabet) -> BuiltDecoder:
    """Build the decoder of a component string, which can take a while: it may load a file.

    Raises:
        UsageError: the decoder refuses its options.
        PluginError: the builder failed.
    """
    search = registry.build("decoder", decoder, alphabet)
    return BuiltDecoder(registry.describe_owner("decoder", decoder), search)


def build_stored_decoder(recipe: Recipe, folder: RunFolder, alphabet: Alphabet) -> BuiltDecoder:
    """Build the decoder in the settings of a run folder; no file outside of the folder is opened.

    Raises:
        UsageError: the decoder refuses its options, or a file of it is not in the folder.
        PluginError: the builder failed.
        CtcbenchError: a file of the decoder is damaged.
    """
    with only_stored_files(read_decoder_files(recipe.registry, folder, recipe.config.decoder)):
        return build_decoder(recipe.registry, recipe.config.decoder, alphabet)
