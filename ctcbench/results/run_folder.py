"""RunFolder: the files of ``<out>/<train key>/``, and how they are read and written."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctcbench.config.legacy_settings import translate_settings
from ctcbench.contract.data import Samples, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import join_words
from ctcbench.files.json_files import format_json, parse_object
from ctcbench.files.locks import lock
from ctcbench.results import metrics_file
from ctcbench.results.config_file import Setting, parse_settings, to_toml
from ctcbench.results.decoder_key import is_file_name
from ctcbench.results.predictions import Predictions
from ctcbench.results.result import Result
from ctcbench.results.run_files import FOLDERS, RunFiles

if TYPE_CHECKING:
    from ctcbench.contract.data import LogProbs


@dataclass(frozen=True)
class RunFolder:
    """A run on disk.

    Its files are TOML, JSON and safetensors. Unlike pickles, they can be read without executing code.

    Attributes:
        path: the folder, ``<out>/<train key>``.
    """

    path: Path

    @cached_property
    def files(self) -> RunFiles:
        """The files of the folder by name; those of a finished run are compared with its manifest."""
        return RunFiles(self.path)

    @property
    def config_path(self) -> Path:
        """File of every setting; a folder that has it is a run folder."""
        return self.path / "config.toml"

    @property
    def metrics_path(self) -> Path:
        """File of metrics: one JSON record a line, appended during training."""
        return self.path / metrics_file.FILE

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
        """Whether training is done: the weights exist, and so does the summary, which is written last.

        Raises:
            NotPlain: one of them is a link, a pipe or something else than a file.
        """
        return self.has(self.weights_path) and self.has(self.summary_path)

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

    def has(self, path: Path) -> bool:
        """Return whether a file of the run, one of the paths above, exists.

        Raises:
            NotPlain: it is a link, a pipe or something else than a file.
        """
        return self.files.has(self._name(path))

    def read(self, path: Path) -> bytes:
        """Return the content of a file of the run, one of the paths above.

        Raises:
            CtcbenchError: it can't be read, is not a plain file, is larger than such a file may be, or was
                changed since the run was finished.
        """
        return self.files.read_file(self._name(path))

    def write(self, path: Path, data: bytes) -> None:
        """Write a file of the run, one of the paths above, atomically.

        Raises:
            CtcbenchError: something else than a plain file is in its place, or the folder was deleted.
            UsageError: it can't be written.
        """
        self.files.write(self._name(path), data)

    @contextlib.contextmanager
    def lock(self, what: str = "training in this run folder") -> Iterator[None]:
        """Hold the lock of the folder, and delete the temporary files of killed processes.

        Until it is released, every access fails if the folder was deleted or moved.

        Args:
            what: what this process does, for the error of another process that wants the lock.

        Raises:
            Busy: another live process holds the lock.
            UsageError: the folder can't be written.
        """
        with lock(self.path / ".lock", wait=False, what=what), self.files.hold():
            for folder in ("", *FOLDERS):
                # Safe only under the lock: without it, the file could belong to a live process.
                self.files.remove_temporary_files(folder)
            yield

    def write_config(self, settings: Mapping[str, Setting | None]) -> None:
        """Write every setting; those that are None are left out of the file."""
        self.write(self.config_path, to_toml(settings).encode())

    def read_config(self) -> dict[str, Setting]:
        """Return the settings, those of an earlier version translated.

        Raises:
            CtcbenchError: the file can't be read or is damaged.
        """
        return translate_settings(parse_settings(self.read(self.config_path), self.config_path))

    def require_same_images(self, then: Mapping[str, Any], now: Mapping[SplitName, Samples]) -> None:
        """Compare the images that the run started with to those of now, by split.

        `then` has their fingerprints, and the origin of images that were still being drawn.

        Raises:
            UsageError: they differ; the message names the splits.
        """
        changed = [name for name, of in now.items() if then.get(name) not in (of.fingerprint, of.origin)]
        if changed:
            raise UsageError(
                f"{self.path}: its {join_words(changed)} images are not those that this run started "
                f"with; --fresh trains again with the new ones, another --out keeps both"
            )

    def remove_if_bare(self) -> None:
        """Remove the folder if it has no metrics, no checkpoint and no weights."""
        if not (self.metrics_path.exists() or self.checkpoint_path.exists() or self.weights_path.exists()):
            with contextlib.suppress(OSError):
                shutil.rmtree(self.path)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Write the summary of training, which marks the run as finished, and the manifest of all files."""
        # The manifest is written first, so that a finished run has one after a kill at any moment.
        self.files.seal(self.files.existing(), {self.summary_path.name: format_json(dict(summary))})

    def read_summary(self) -> dict[str, Any]:
        """Return the summary of training.

        Raises:
            CtcbenchError: the file can't be read or is damaged.
        """
        return parse_object(self.read(self.summary_path), self.summary_path)

    def append_metrics(self, record: Mapping[str, Any]) -> None:
        """Add a record to the metrics; see `metrics_file.append`."""
        metrics_file.append(self.files, record)

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the metrics, none if there are none; see `metrics_file.parse`."""
        if not self.has(self.metrics_path):
            return []
        return metrics_file.parse(self.read(self.metrics_path), self.metrics_path)

    def truncate_metrics(self, step: int) -> None:
        """Remove the metrics past `step`, which a resumed run records again."""
        metrics_file.truncate(self.files, step)

    def write_log_probs(self, split: str, log_probs: LogProbs) -> None:
        """Write the log-probabilities of a split."""
        from ctcbench.evaluation.log_probs import format_log_probs  # not at the top: it imports numpy

        self.write(self.log_probs_path(split), format_log_probs(log_probs))

    def read_log_probs(self, split: str) -> LogProbs:
        """Return the log-probabilities of a split.

        Raises:
            CtcbenchError: the file can't be read, or is damaged.
        """
        from ctcbench.evaluation.log_probs import parse_log_probs  # imports numpy

        path = self.log_probs_path(split)
        return parse_log_probs(self.read(path), path)

    def write_result(self, decoder_key: str, result: Result, predictions: Predictions | None = None) -> Path:
        """Write a result, in place of an earlier one of that decoder, and return its path.

        Raises:
            UsageError: the folder can't be written.
        """
        path, texts = self.result_path(decoder_key), self._name(self.predictions_path(decoder_key))
        # Predictions are written first, so that a result that exists has them.
        files = {} if predictions is None else {texts: predictions.to_bytes()}
        files[self._name(path)] = format_json(result.to_json())
        # Without predictions, those of an earlier result are removed.
        self.files.write_all(files, remove=[texts] if predictions is None else [])
        return path

    def read_result(self, decoder_key: str) -> Result:
        """Return the result of a decoder.

        Raises:
            CtcbenchError: there is none, or it is damaged.
        """
        path = self.result_path(decoder_key)
        return Result.parse(self.read(path), path)

    def read_predictions(self, decoder_key: str) -> Predictions:
        """Return the predictions of a decoder.

        Raises:
            CtcbenchError: there are none, or they are damaged.
        """
        path = self.predictions_path(decoder_key)
        return Predictions.parse(self.read(path), path)

    def clear(self) -> None:
        """Delete the files of the run, but not the settings and the lock file; see `RunFiles.clear`."""
        self.files.clear()

    def _name(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()
