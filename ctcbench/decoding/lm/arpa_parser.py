"""ArpaParser: parses the header and the n-grams of ARPA files; errors name the line."""

from __future__ import annotations

import codecs
import math
import re
from array import array
from collections.abc import Callable, Iterator
from typing import NoReturn

import numpy as np

from ..scalars import shown
from ..user_errors import InputError
from .ngram_model import UNKNOWN, NgramLevel, NgramModel, sort_keys

HIGHEST_ORDER = 10
MOST_NGRAMS = 30_000_000  # some 4 GB of memory at the highest order
LONGEST_LINE = 2**16  # bytes
# A few compressed megabytes can hold a file of any length.
MOST_BYTES = 2**33
MOST_VOCABULARY = 2**29  # bytes
MOST_OTHER_LINES = 2**20  # empty ones, and those before \data\
_LN_10 = math.log(10)
_ZERO_AT_END = re.compile(rb"\t[+-]?0+(\.0*)?$")


class ArpaParser:
    """The state of reading one file: the current line, and what was read before it."""

    def __init__(self, name: object, readline: Callable[[int], bytes], size: int | None) -> None:
        self._name = name
        self._size = size
        self._readline = readline
        self._number = 0
        self._bytes = 0
        self._empty = 0  # lines
        self._vocabulary = 0  # bytes
        self._words: dict[bytes, int] = {}

    def parse(self) -> NgramModel:
        """Return the model.

        Raises:
            InputError: the file breaks a rule.
        """
        counts = self._read_counts()
        levels: list[NgramLevel] = []
        keys: list[np.ndarray] = []
        for order, count in enumerate(counts, 1):
            if order > 1:  # the title of the first order ends the header
                self._require_title(f"\\{order}-grams:", order - 1, counts[order - 2])
            levels.append(self._read_level(order, count, highest=order == len(counts), keys=keys))
        self._require_title("\\end\\", len(counts), counts[-1])
        words = tuple(word.decode() for word in self._words)
        return NgramModel(words, tuple(levels))

    def _lines(self) -> Iterator[bytes]:
        """Yield the lines that are not empty, without the white space at their ends."""
        while line := self._readline(LONGEST_LINE + 1):
            self._number += 1
            self._bytes += len(line)
            if len(line) > LONGEST_LINE:
                self._fail(f"longer than {LONGEST_LINE:,} bytes")
            if self._bytes > MOST_BYTES:
                self._fail(f"more than {MOST_BYTES:,} bytes up to here")
            if self._number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if stripped := line.strip(b" \t\r\n"):
                yield stripped
                continue
            self._empty += 1
            if self._empty > MOST_OTHER_LINES:
                self._fail(f"more than {MOST_OTHER_LINES:,} empty lines up to here")

    def _next_line(self) -> bytes:
        line = next(self._lines(), None)
        if line is None:
            self._number += 1
            self._fail("the file ends here, without \\end\\; it is not complete")
        return line

    def _read_counts(self) -> list[int]:
        """Return the number of n-grams of each order, from the header."""
        for line in self._lines():
            if line in (b"iARPA", b"qARPA"):
                self._fail(f"{line.decode()} is a format of IRSTLM; give an ARPA file")
            if line == b"\\data\\":
                break
            if self._number > MOST_OTHER_LINES:
                self._fail("no \\data\\ in the lines up to here, so it is not an ARPA file")
        else:
            raise InputError(f"{self._name}: has no line \\data\\, so it is not an ARPA file")
        counts: list[int] = []
        while (line := self._next_line()) != b"\\1-grams:":
            found = re.fullmatch(rb"ngram\s+(\d{1,18})\s*=\s*(\d{1,18})", line)
            if found is None:
                self._fail(f"expected `ngram {len(counts) + 1}=COUNT` or \\1-grams:, found {_quoted(line)}")
            if int(found[1]) != len(counts) + 1:
                self._fail(f"expected the count of order {len(counts) + 1}, found {_quoted(line)}")
            if len(counts) == HIGHEST_ORDER:
                self._fail(f"an order above {HIGHEST_ORDER} is not supported")
            counts.append(int(found[2]))
        if not counts:
            self._fail("the header has no line `ngram 1=COUNT`")
        if sum(counts) > MOST_NGRAMS:
            raise InputError(
                f"{self._name}: the header states {sum(counts):,} n-grams; at most {MOST_NGRAMS:,} are "
                f"supported; prune the model"
            )
        # "0 a" and the end of its line take four bytes.
        if self._size is not None and 4 * sum(counts) > self._size:
            raise InputError(
                f"{self._name}: the header states {sum(counts):,} n-grams, more than {self._size:,} bytes "
                f"can hold"
            )
        return counts

    def _require_title(self, title: str, order: int, count: int) -> None:
        """Read the line behind the `count` n-grams of an order, which must be `title`."""
        if (line := self._next_line()) != title.encode():
            self._fail(
                f"expected {title} after the {count:,} {order}-grams of the header, found {_quoted(line)}"
            )

    def _read_level(self, order: int, count: int, *, highest: bool, keys: list[np.ndarray]) -> NgramLevel:
        """Read the n-grams of one order, whose title has been read."""
        lines, words = array("q"), array("i")
        log_probs, log_backoffs = array("d"), array("d")
        for done in range(count):
            line = self._next_line()
            if line.startswith(b"\\") and re.fullmatch(rb"\\(\d+-grams:|end\\)", line):
                self._fail(f"{done:,} {order}-grams before this line, but the header states {count:,}")
            fields = line.split()
            # Some toolkits write a backoff weight of 1 behind the highest order too, and KenLM accepts it.
            if highest and len(fields) == order + 2 and _ZERO_AT_END.search(line):
                fields.pop()
            if len(fields) != order + 1 and (highest or len(fields) != order + 2):
                allowed = f"{order + 1}" + ("" if highest else f" or {order + 2}")
                fields_here = f"{len(fields)} field{'' if len(fields) == 1 else 's'}"
                self._fail(f"{fields_here} where a {order}-gram has {allowed}: {_quoted(line)}")
            log_probs.append(self._logarithm(fields[0], "probability", most=0.0))
            log_backoffs.append(
                self._logarithm(fields[-1], "backoff weight", most=math.inf)
                if len(fields) == order + 2
                else 0.0
            )
            if order == 1:
                words.append(self._new_word(fields[1]))
            else:
                words.extend(map(self._known_word, fields[1 : order + 1]))
            lines.append(self._number)
        words_GN = np.frombuffer(words, np.int32).reshape(-1, order)
        return self._level(
            words_GN, np.array(lines), np.array(log_probs) * _LN_10, np.array(log_backoffs) * _LN_10, keys
        )

    def _level(
        self,
        words_GN: np.ndarray,
        lines_G: np.ndarray,
        log_probs_G: np.ndarray,
        log_backoffs_G: np.ndarray,
        keys: list[np.ndarray],
    ) -> NgramLevel:
        """Return the n-grams sorted, and append their sort keys to `keys`, those of the lower orders."""
        contexts_G = np.zeros(len(words_GN), np.int32)
        for column, keys_H in enumerate(keys):
            wanted_G = sort_keys(contexts_G, words_GN[:, column], len(self._words))
            places_G = np.searchsorted(keys_H, wanted_G)
            found_G = places_G < len(keys_H)
            found_G[found_G] = keys_H[places_G[found_G]] == wanted_G[found_G]
            if not found_G.all():
                self._number = int(lines_G[np.argmin(found_G)])
                self._fail(
                    f"the first {column + 1} words of the n-gram are no {column + 1}-gram of the model"
                )
            contexts_G = places_G.astype(np.int32)
        keys_G = sort_keys(contexts_G, words_GN[:, -1], len(self._words))
        order_G = np.argsort(keys_G, kind="stable")
        keys_G = keys_G[order_G]
        repeated_G = keys_G[1:] == keys_G[:-1]
        if repeated_G.any():
            self._number = int(lines_G[order_G[1:]][repeated_G].min())
            self._fail("the n-gram has appeared before")
        keys.append(keys_G)
        return NgramLevel(
            contexts_G[order_G],
            np.ascontiguousarray(words_GN[order_G, -1]),
            log_probs_G[order_G],
            log_backoffs_G[order_G],
        )

    def _logarithm(self, field: bytes, what: str, *, most: float) -> float:
        try:
            value = float(field.replace(b"_", b"?"))  # float() would accept 1_0
        except ValueError:
            self._fail(f"{_quoted(field)} is not a number: it should be the logarithm of the {what}")
        # Those of the model have base e.
        if not math.isfinite(value * _LN_10):
            self._fail(f"the logarithm of the {what} is {value:g}; it must be finite")
        if value > most:
            self._fail(f"the logarithm of the {what} is {value:g}, above 0")
        return value

    def _new_word(self, field: bytes) -> int:
        try:
            field.decode()
        except UnicodeDecodeError:
            self._fail(f"the word {_quoted(field)} is not UTF-8; convert the file to UTF-8")
        # Toolkits differ in its case.
        field = UNKNOWN.encode() if field == b"<UNK>" else field
        if field in self._words:
            self._fail(f"the word {_quoted(field)} has appeared before")
        self._vocabulary += len(field)
        if self._vocabulary > MOST_VOCABULARY:
            self._fail(f"the words have more than {MOST_VOCABULARY:,} bytes up to here")
        return self._words.setdefault(field, len(self._words))

    def _known_word(self, field: bytes) -> int:
        index = self._words.get(UNKNOWN.encode() if field == b"<UNK>" else field)
        if index is None:
            self._fail(f"the word {_quoted(field)} is not one of the 1-grams")
        return index

    def _fail(self, reason: str) -> NoReturn:
        raise InputError(f"{self._name}, line {self._number:,}: {reason}")


def _quoted(line: bytes) -> str:
    return shown(line.decode(errors="replace"))
