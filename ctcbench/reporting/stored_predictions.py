"""predictions_of(): the texts behind a stored result, read back or decoded again."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.errors import CtcbenchError
from ctcbench.evaluation.log_probs import load_log_probs
from ctcbench.pipeline.decode_stored import decode
from ctcbench.registry.component_registry import Registry
from ctcbench.results.predictions import Predictions
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder


def predictions_of(result: Result, registry: Registry | None = None) -> Predictions | None:
    """Return the texts that a stored result's figures are of; None where they can't be had any more.

    They are read from beside the result. Where an older ctcbench left none there, its stored log-probs
    are decoded again, if there is a `registry` to find the decoder in, and what comes out is kept if
    the folder can be written. Texts of other images than the result's, or with another exact
    accuracy, are not the ones.
    """
    if result.folder is None or result.path is None:
        return None
    folder = RunFolder(result.folder)
    path = folder.predictions_path(result.path.stem)
    with contextlib.suppress(CtcbenchError):
        stored = Predictions.read(path)
        if _are_of(result, stored):
            return stored
    made = _decoded(result, folder, registry) if registry else None
    if made is not None:
        with contextlib.suppress(CtcbenchError, OSError):
            made.write(path)
    return made


def _decoded(result: Result, folder: RunFolder, registry: Registry) -> Predictions | None:
    try:
        config = RunConfig(**result.config)
        log_probs = load_log_probs(folder.log_probs_path(result.score.split))
        if len(log_probs) != result.score.images:
            return None
        hypotheses, _ = decode(registry, config.decoder, log_probs)
    except Exception:
        return None  # a file is damaged, the plugin is not here or raises what it likes: the figures stand
    texts = tuple(log_probs.alphabet.decode(hypothesis.labels) for hypothesis in hypotheses)
    made = Predictions(result.score.split, log_probs.fingerprint, texts, tuple(log_probs.texts))
    return made if _are_of(result, made) else None


def _are_of(result: Result, predictions: Predictions) -> bool:
    data = result.provenance.get("data")
    return (
        isinstance(data, Mapping)
        and predictions.fingerprint == data.get("fingerprint")
        and len(predictions.texts) == result.score.images
        and abs(predictions.exact - result.score.exact) < 1e-9
    )
