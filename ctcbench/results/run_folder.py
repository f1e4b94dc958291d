"""RunFolder: the files of ``<out>/<train key>/``, and how they are read and written."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctcbench.config.legacy_settings import translate_settings
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.atomic import unwritable, write_text
from ctcbench.files.json_files import read_object, write_json
from ctcbench.files.locks import lock
from ctcbench.results import metrics_file
from ctcbench.results.config_file import Setting, read_toml, to_toml
from ctcbench.results.decoder_key import FILE_NAME, decoder_key, is_file_name
from ctcbench.results.predictions import Predictions
from ctcbench.results.result import Result


@dataclass(frozen=True)
class RunFolder:
    """A run on disk.

    Its files are TOML, JSON and safetensors. Unlike pickles, they can be read without executing code.

    Attributes:
        path: the folder, ``<out>/<train key>``.
    """

    path: Path

    @property
    def config_path(self) -> Path:
        """File of every setting; a folder that has it is a run folder."""
        return self.path / "config.toml"

    @property
    def metrics_path(self) -> Path:
        """File of metrics: one JSON record a line, appended during training."""
        return self.path / "metrics.jsonl"

    @property
    def weights_path(self) -> Path:
        """File of the best weights by validation."""
        return self.path / "weights.safetensors"

    @property
    def recognizer_path(self) -> Path:
        """File of the image size and the alphabet that the recogniser is built with."""
        return self.path / "recognizer.json"

    @property
    def checkpoint_path(self) -> Path:
        """File of the training state, from which a stopped run is resumed."""
        return self.path / "checkpoint.safetensors"

    @property
    def summary_path(self) -> Path:
        """File of the outcome and cost of training; written last."""
        return self.path / "summary.json"

    @property
    def is_finished(self) -> bool:
        """Whether training is done: the weights exist, and so does the summary, which is written last."""
        return self.weights_path.is_file() and self.summary_path.is_file()

    def log_probs_path(self, split: str) -> Path:
        """Return where the log-probabilities of `split` are stored."""
        assert is_file_name(split), split
        return self.path / "log_probs" / f"{split}.safetensors"

    def result_path(self, decoder_key: str) -> Path:
        """Return where the result of a decoder is stored (see `decoder_key.decoder_key`)."""
        assert is_file_name(decoder_key), decoder_key
        return self.path / "results" / f"{decoder_key}.json"

    def predictions_path(self, decoder_key: str) -> Path:
        """Return where the predictions of a decoder are stored."""
        assert is_file_name(decoder_key), decoder_key
        return self.path / "predictions" / f"{decoder_key}.json"

    @contextlib.contextmanager
    def lock(self, what: str = "training in this run folder") -> Iterator[None]:
        """Hold the lock of the folder, and delete the temporary files of killed processes.

        Args:
            what: what this process does, for the error of another process that wants the lock.

        Raises:
            Busy: another live process holds the lock.
            UsageError: the folder can't be written.
        """
        with lock(self.path / ".lock", wait=False, what=what):
            for folder in (self.path, *self._folders()):
                # Safe only under the lock: without it, the file could belong to a live process.
                for stale in folder.glob(".*.tmp"):
                    stale.unlink(missing_ok=True)
            yield

    def write_config(self, settings: Mapping[str, Setting | None]) -> None:
        """Write every setting; those that are None are left out of the file."""
        write_text(self.config_path, to_toml(settings))

    def read_config(self) -> dict[str, Setting]:
        """Return the settings, those of an earlier version translated.

        Raises:
            CtcbenchError: the file can't be read or is damaged.
        """
        return translate_settings(read_toml(self.config_path))

    def require_same_images(self, then: Mapping[str, Any], now: Mapping[str, str]) -> None:
        """Compare the fingerprints that the run started with to those of its images now, by split.

        Raises:
            UsageError: they differ; the message names the splits.
        """
        changed = [split for split in now if then.get(split) != now[split]]
        if changed:
            raise UsageError(
                f"{self.path}: its {' and '.join(changed)} images are not those that this run started "
                f"with; --fresh trains again with the new ones, another --out keeps both"
            )

    def remove_if_bare(self) -> None:
        """Remove the folder if it has no metrics, no checkpoint and no weights."""
        if not (self.metrics_path.exists() or self.checkpoint_path.exists() or self.weights_path.exists()):
            with contextlib.suppress(OSError):
                shutil.rmtree(self.path)

    def write_summary(self, document: Mapping[str, Any]) -> None:
        """Write the summary of training; with the weights, it marks the run as finished."""
        write_json(self.summary_path, dict(document))

    def read_summary(self) -> dict[str, Any]:
        """Return the summary of training.

        Raises:
            CtcbenchError: the file can't be read or is damaged.
        """
        return read_object(self.summary_path)

    def append_metrics(self, record: Mapping[str, Any]) -> None:
        """Add a record to the metrics; see `metrics_file.append`."""
        metrics_file.append(self.metrics_path, record)

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the metrics; see `metrics_file.read`."""
        return metrics_file.read(self.metrics_path)

    def truncate_metrics(self, step: int) -> None:
        """Remove the metrics past `step`, which a resumed run records again."""
        metrics_file.truncate(self.metrics_path, step)

    def write_result(self, decoder_key: str, result: Result, predictions: Predictions | None = None) -> Path:
        """Write a result, in place of an earlier one of that decoder, and return its path.

        Raises:
            UsageError: the folder can't be written.
        """
        # Predictions are written first, so that a result that exists has them.
        predictions_path = self.predictions_path(decoder_key)
        if predictions is not None:
            predictions.write(predictions_path)
        else:
            predictions_path.unlink(missing_ok=True)  # those of an earlier result
        write_json(path := self.result_path(decoder_key), result.to_json())
        return path

    def read_result(self, decoder_key: str) -> Result:
        """Return the result of a decoder.

        Raises:
            CtcbenchError: there is none, or it is damaged.
        """
        return Result.read(self.result_path(decoder_key))

    def results(self) -> tuple[list[Result], list[str]]:
        """Return the results in the order of their keys, and one error a file that can't be read."""
        found: list[Result] = []
        problems: list[str] = []
        for path in sorted((self.path / "results").glob("*.json")):
            if not is_file_name(path.stem):
                problems.append(f"{path}: not a result's name (expected {FILE_NAME}); rename or remove it")
                continue
            try:
                found.append(Result.read(path))
            except CtcbenchError as error:
                problems.append(str(error))
        return [result for result in found if not _is_superseded(result, found)], problems

    def _folders(self) -> list[Path]:
        return [self.path / name for name in ("log_probs", "results", "predictions")]

    def clear(self) -> None:
        """Delete the files of the run, but not the lock file.

        Raises:
            UsageError: something can't be removed.
        """
        try:
            # The summary is deleted first: a folder that is half deleted must not look finished.
            for path in (self.summary_path, self.checkpoint_path, self.weights_path, self.recognizer_path):
                path.unlink(missing_ok=True)
            self.metrics_path.unlink(missing_ok=True)
            for folder in filter(Path.exists, self._folders()):
                shutil.rmtree(folder)
        except OSError as error:
            raise unwritable(self.path, error) from error


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
