"""The process in which KenLM reads a binary file, so that a crash of KenLM ends no other one."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np

from ..optional_packages import require_package
from ..user_errors import UsageError
from .kenlm_file import read_kenlm_counts, read_kenlm_vocabulary
from .kenlm_ngrams import KenlmNgrams
from .ngram_model import NgramModel

BINARY, ARRAYS = "model.bin", "model.npz"
REFUSED = 2
"""Exit code after an error whose text is on standard output."""


def main(folder: str) -> int:
    """Write the n-grams of the binary file in a folder into the same folder, and return the exit code."""
    binary = Path(folder, BINARY)
    try:
        model = _read(binary)
    except (UsageError, OSError, MemoryError) as error:
        sys.stdout.buffer.write(_reason(error).encode(errors="replace"))
        return REFUSED
    levels = enumerate(model.levels)
    arrays = {f"{order}.{name}": array for order, level in levels for name, array in level._asdict().items()}
    np.savez(Path(folder, ARRAYS), **arrays)
    return 0


def _read(binary: Path) -> NgramModel:
    with binary.open("rb") as file:
        counts = read_kenlm_counts(file, binary)
        words = read_kenlm_vocabulary(file, counts[0], binary)
    return KenlmNgrams(require_package("kenlm", owner=BINARY, extra="kenlm"), str(binary), words).model()


def _reason(error: Exception) -> str:
    """Return what KenLM objects to, without the path and the place in its source."""
    if isinstance(error, MemoryError):
        return "KenLM needs more memory for it than there is; it is damaged or too large"
    if isinstance(error, UsageError):
        return str(error)
    text = re.sub(r"^Cannot read model '.*?' \(|\)$", "", str(error))
    what = re.sub(r"^.* threw \w+(?: because `.*?')?\.\s*", "", text).strip()
    return f"KenLM can't read it ({what or text})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
