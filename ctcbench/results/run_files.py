"""RunFiles: the files of a run folder by name, with the size that each may have."""

from __future__ import annotations

import warnings
from pathlib import PurePosixPath

from ctcbench.files.attached_files import MOST_BYTES
from ctcbench.files.manifest import MANIFEST
from ctcbench.files.plain_files import MIB
from ctcbench.files.sealed_folder import SealedFolder
from ctcbench.files.shell_words import quote_word
from ctcbench.results.metrics_file import SIZE_LIMIT as METRICS_LIMIT

FOLDERS = ("log_probs", "results", "predictions", "decoder_files")
# Bytes that a file may have, by its name or by the folder that it is in. Reading the file takes as much
# memory, and a few times that for JSON.
_LIMITS = {
    "config.toml": MIB,
    "metrics.jsonl": METRICS_LIMIT,
    "recognizer.json": 8 * MIB,
    "familiarity.json": MIB,
    "weights.safetensors": 2**35,
    "checkpoint.safetensors": 2**37,
    "summary.json": 8 * MIB,
    "log_probs": 2**37,
    "results": 8 * MIB,
    "predictions": 512 * MIB,
    "decoder_files": MOST_BYTES,
}


class UnverifiedRun(UserWarning):
    """A finished run has no manifest, so that changes of its files can't be noticed."""


class RunFiles(SealedFolder):
    """The files of a run folder."""

    def read_file(self, name: str) -> bytes:
        """Return the content of a file of the run; see `SealedFolder.read`.

        Warns:
            UnverifiedRun: the run is finished and has no manifest.
        """
        data = self.read(name, self.limit(name))
        # What is in a folder is written after training alone.
        if not self.is_sealed and (name.partition("/")[0] in FOLDERS or self.has("summary.json")):
            warnings.warn(
                f"{self.path}: no {MANIFEST}, as in runs of earlier versions: damage to its files may not be "
                f"noticed; `ctcbench verify {quote_word(str(self.path))} --accept` writes one",
                UnverifiedRun,
                stacklevel=2,
            )
        return data

    def limit(self, name: str) -> int:
        """Return how many bytes a file may have, by its name or by the folder that it is in."""
        return _LIMITS[name.partition("/")[0]]

    def existing(self) -> list[str]:
        """Return the names of the files of the run that exist, in the order in which a run writes them.

        Files that ctcbench does not read, such as those of trackers, are left out.

        Raises:
            NotPlain: one of them is a link, a pipe or a device.
        """
        names = [name for name in _LIMITS if name not in FOLDERS and self.has(name)]
        for folder in FOLDERS:
            names += [
                name
                for name in self.names(folder)
                if not PurePosixPath(name).name.startswith(".")
                and PurePosixPath(name).suffix in (".json", ".safetensors", ".data")
                and self.has(name)
            ]
        return names

    def clear(self) -> None:
        """Remove the files of the run, but not its settings and the lock file.

        Raises:
            UsageError: something can't be removed.
        """
        # The summary is removed first: a folder that is half cleared must not look finished.
        self.remove("summary.json")
        self.unseal()
        for name in _LIMITS:
            if name not in (*FOLDERS, "config.toml"):
                self.remove(name)
        for folder in FOLDERS:
            self.remove_folder(folder)
