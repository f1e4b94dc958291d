"""The trials of studies that failed, as far as the studies beside the run folders know."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.json_files import read_object
from ctcbench.reporting.report_model import Failure
from ctcbench.results.decoder_key import is_file_name
from ctcbench.results.run_folder import RunFolder


def find_failures(out: Path) -> list[Failure]:
    """Return the failed trials of the studies in ``out/studies`` that nobody has done since.

    That may have been another study, or an ordinary run in the same folder, which records no trial.
    """
    newest: dict[str, tuple[str, dict[str, Any]]] = {}
    for path in sorted((out / "studies").glob("*/trials/*.json")):
        try:
            document = read_object(path)
        except CtcbenchError:
            continue  # the results stand without it
        finished = str(document.get("finished") or "")
        key = str(document.get("key") or path.stem)
        if not is_file_name(key):
            continue  # it leads out of the folder: no study wrote that
        if key not in newest or finished >= newest[key][0]:
            newest[key] = (finished, document)
    return [
        Failure(
            out / key,
            _one_line(document.get("error")) or "it does not say why",
            _one_line(document.get("label")),
            _settings(out / key),
        )
        for key, (_, document) in sorted(newest.items())
        if document.get("state") == "failed" and not _done_since(out / key, document.get("results"))
    ]


def _done_since(folder: Path, results: Any) -> bool:
    """Say whether training is finished, and every result that failed can be read."""
    run = RunFolder(folder)
    keys = [str(key) for key in results] if isinstance(results, list) else []
    if not (keys and all(map(is_file_name, keys)) and run.is_finished):
        return False
    with contextlib.suppress(CtcbenchError):
        return all(run.read_result(key) for key in keys)
    return False


def _settings(folder: Path) -> dict[str, Any]:
    try:
        return dict(RunFolder(folder).read_config())
    except CtcbenchError:
        return {}  # it failed before there was a folder


def _one_line(text: Any) -> str:
    return " ".join(str(text or "").split())
