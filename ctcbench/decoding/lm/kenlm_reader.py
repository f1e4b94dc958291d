"""Reading n-gram models from binary files of KenLM, by the package kenlm."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from ..optional_packages import require_package
from ..user_errors import InputError
from .kenlm_file import read_kenlm_counts, read_kenlm_vocabulary
from .kenlm_ngrams import KenlmNgrams
from .ngram_model import NgramModel


def read_kenlm(file: BinaryIO, name: object) -> NgramModel:
    """Read an n-gram model from an open binary file of KenLM; `name` is that of the file in errors.

    Probabilities are those of the file, which has them in float32. Backoff weights are differences of two of
    them, so that their logarithms to base 10 can be wrong by the rounding error of float32.

    KenLM itself reads the file and does not check all of it: a file that was made to do harm can end the
    process.

    Raises:
        UsageError: kenlm is not installed.
        InputError: the file is of another version, not complete, damaged or too large, or has no vocabulary.
    """
    counts = read_kenlm_counts(file, name)
    words = read_kenlm_vocabulary(file, counts[0], name)
    kenlm = require_package("kenlm", owner=f"{name}: a binary file of KenLM", extra="kenlm")
    # KenLM takes a path. A copy is the same content as the header, and no other process writes to it.
    with tempfile.TemporaryDirectory(prefix="kenlm-") as folder:
        path = Path(folder, "model.bin")
        file.seek(0)
        with path.open("wb") as copy:
            shutil.copyfileobj(file, copy)
        try:
            ngrams = KenlmNgrams(kenlm, str(path), words, name)
        except OSError as error:
            raise InputError(f"{name}: KenLM can't read it ({_reason(error)})") from None
    model = ngrams.model()
    # In lower orders KenLM adds n-grams that the ARPA file lacked, and does not always count them.
    if model.sizes[-1] != counts[-1]:
        raise InputError(
            f"{name}: is damaged: {model.sizes[-1]:,} of its {counts[-1]:,} {model.order}-grams were found"
        )
    return model


def _reason(error: OSError) -> str:
    """Return what KenLM objects to, without the place in its source."""
    text = re.sub(r"^Cannot read model '.*?' \(|\)$", "", str(error))
    return re.sub(r"^.* threw \w+(?: because `.*?')?\.\s*", "", text).strip() or text
