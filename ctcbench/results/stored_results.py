"""find_results(): the results that a run folder holds, and what is wrong with its files."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.results.decoder_key import FILE_NAME, decoder_key, is_file_name
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder


def find_results(folder: RunFolder) -> tuple[list[Result], list[str]]:
    """Return the results of a run in the order of their keys, and a sentence on each file that is damaged.

    The metrics, and the predictions of the results, are read as well: a report leaves them out where they
    are damaged, which must not happen without a word.
    """
    found: list[Result] = []
    problems: list[str] = []
    try:
        names = [name for name in folder.files.names("results") if PurePosixPath(name).suffix == ".json"]
    except CtcbenchError as error:
        return [], [str(error)]
    try:
        folder.read_metrics()
    except CtcbenchError as error:
        problems.append(str(error))
    for name in names:
        key = PurePosixPath(name).stem
        if key.startswith("."):
            continue
        if not is_file_name(key):
            path = folder.path / name
            problems.append(f"{path}: not a result's name (expected {FILE_NAME}); rename or remove it")
            continue
        try:
            found.append(folder.read_result(key))
            if folder.has(folder.predictions_path(key)):
                folder.read_predictions(key)
        except CtcbenchError as error:
            problems.append(str(error))
    return [result for result in found if not _is_superseded(result, found)], problems


def _is_superseded(result: Result, results: Sequence[Result]) -> bool:
    """Return True if a result of an earlier version was stored again under the name of this version."""
    # Earlier versions named a result by settings that are options of the decoder today.
    decoder = result.config.get("decoder")
    others = [other for other in results if other.config.get("decoder") == decoder]
    return not _has_current_name(result) and any(map(_has_current_name, others))


def _has_current_name(result: Result) -> bool:
    with contextlib.suppress(UsageError):  # a stored configuration may hold anything
        return result.path is not None and result.path.stem == decoder_key(str(result.config.get("decoder")))
    return False
