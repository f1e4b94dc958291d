"""Reading n-gram models from binary files of KenLM, by the package kenlm in a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..optional_packages import require_package
from ..user_errors import InputError
from .kenlm_file import read_kenlm_counts, read_kenlm_vocabulary
from .kenlm_worker import ARRAYS, BINARY, REFUSED
from .ngram_model import NgramLevel, NgramModel

_SIGNALS = {known.value: known.name for known in signal.Signals}
_STOPPED = {"SIGHUP", "SIGINT", "SIGKILL", "SIGTERM"}  # sent from elsewhere
_LOWEST_EXCEPTION = 0xC0000000  # exit codes of Windows from here on are codes of exceptions


def read_kenlm(file: BinaryIO, name: object) -> NgramModel:
    """Read an n-gram model from an open binary file of KenLM; `name` is that of the file in errors.

    Probabilities are those of the file, which has them in float32. Backoff weights are differences of two of
    them, so that their logarithms to base 10 can be wrong by the rounding error of float32.

    KenLM itself reads the file and does not check all of it. It does so in a process of its own, whose crash
    is an error of the file.

    Raises:
        UsageError: kenlm is not installed.
        InputError: the file is of another version, not complete, damaged or too large, or has no vocabulary.
    """
    counts = read_kenlm_counts(file, name)
    words = read_kenlm_vocabulary(file, counts[0], name)
    require_package("kenlm", owner=f"{name}: a binary file of KenLM", extra="kenlm")
    # KenLM takes a path. No other process writes to a copy, so its content matches the header read above.
    with tempfile.TemporaryDirectory(prefix="kenlm-") as folder:
        file.seek(0)
        with Path(folder, BINARY).open("wb") as copy:
            shutil.copyfileobj(file, copy)
        _run_worker(folder, name)
        with np.load(Path(folder, ARRAYS), allow_pickle=False) as arrays:
            model = NgramModel(
                words,
                tuple(
                    NgramLevel(*(arrays[f"{order}.{field}"] for field in NgramLevel._fields))
                    for order in range(len(counts))
                ),
            )
    # In lower orders KenLM adds n-grams that the ARPA file lacked, and does not always count them.
    if model.sizes[-1] != counts[-1]:
        raise InputError(
            f"{name}: is damaged: {model.sizes[-1]:,} of its {counts[-1]:,} {model.order}-grams were found"
        )
    return model


def _run_worker(folder: str, name: object) -> None:
    # It finds the modules that this process finds, and with -P none in its working directory.
    modules = os.pathsep.join(str(Path(entry or ".").absolute()) for entry in sys.path)
    ended = subprocess.run(
        [sys.executable, "-P", "-m", f"{__package__}.kenlm_worker", folder],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": modules},
        check=False,
    )
    code = ended.returncode
    if code == REFUSED:
        raise InputError(f"{name}: {ended.stdout.decode(errors='replace')}")
    if code < 0 or code >= _LOWEST_EXCEPTION:
        how = _SIGNALS.get(-code, f"exit code {code}")
        if how in _STOPPED:
            raise InputError(f"{name}: the process in which KenLM read it was ended by {how}")
        raise InputError(f"{name}: KenLM crashed on it ({how}): it is damaged, or not a model of KenLM")
    if code:
        raise RuntimeError(f"{name}: KenLM's process failed: {ended.stderr.decode(errors='replace')}")
