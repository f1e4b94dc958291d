"""Decoding of stored log-probabilities: decode, time, score and store; without torch, without retraining."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ctcbench.config.recipe import Recipe
from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import UsageError
from ctcbench.contract.hooks import RunInfo
from ctcbench.contract.specs import Alignment, Alphabet, frames_needed
from ctcbench.evaluation.collapse import best_paths_collapsed, blank_probability
from ctcbench.evaluation.confidence import confidences
from ctcbench.evaluation.proof_counts import count_proofs
from ctcbench.evaluation.score import Score
from ctcbench.evaluation.scoring import score
from ctcbench.files.attached_files import only_stored_files
from ctcbench.files.shell_words import quote_word
from ctcbench.pipeline.built_decoder import BuiltDecoder, build_decoder
from ctcbench.pipeline.run_calibration import fit_run_sharpness
from ctcbench.registry.component_registry import Registry
from ctcbench.results.decoder_files import from_run_folder, read_decoder_files
from ctcbench.results.decoder_key import decoder_key
from ctcbench.results.predictions import Predictions
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.results.summary_file import read_trained


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
    trained = read_trained(folder)
    stored = folder.read_log_probs("test")
    with from_run_folder(recipe.registry, folder, recipe.config.decoder):
        decoder = build_decoder(recipe.registry, recipe.config.decoder, stored.alphabet)
    hypotheses, proofs, seconds = decoder.decode_with_proofs(stored)
    counts = count_proofs(proofs or ())
    texts = [stored.alphabet.decode(hypothesis.labels) for hypothesis in hypotheses]
    result = Result(
        config=recipe.config.model_dump(),
        score=_score(texts, stored, recipe.alignment),
        cost={
            "parameters": trained["parameters"],
            "train_seconds": trained["train_seconds"],
            "images_per_second": trained["images_per_second"],
            "decode_ms_per_image": seconds * 1000 / len(texts),
            "peak_memory_mib": trained["peak_memory_mib"],
        },
        provenance={
            "started": trained["started"],
            "host": trained["host"],
            "versions": trained["versions"],
            "plugins": trained["plugins"],
            "data": _data(trained["data"], stored, recipe.alignment),
            "training": trained["training"],
            **({"proofs": counts.to_json()} if counts else {}),
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


def build_stored_decoder(recipe: Recipe, folder: RunFolder, alphabet: Alphabet) -> BuiltDecoder:
    """Build the decoder in the settings of a run folder; no file outside of the folder is opened.

    Raises:
        UsageError: the decoder refuses its options, or a file of it is not in the folder.
        PluginError: the builder failed.
        CtcbenchError: a file of the decoder is damaged.
    """
    with only_stored_files(read_decoder_files(recipe.registry, folder, recipe.config.decoder)):
        return build_decoder(recipe.registry, recipe.config.decoder, alphabet)
