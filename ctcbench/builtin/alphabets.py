"""Alphabets as options: named sets, ranges, literal characters, sums of these, and files of characters."""

from __future__ import annotations

import collections
import difflib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator

from ctcbench.builtin.character_files import read_characters
from ctcbench.builtin.grapheme_clusters import clusters_of
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet
from ctcbench.files.spelling import spell
from ctcbench.files.text import abbreviated

_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_UPPER = _LOWER.upper()

SETS = {
    "digits": _DIGITS,
    "lower": _LOWER,
    "upper": _UPPER,
    "letters": _LOWER + _UPPER,
    "alnum": _DIGITS + _LOWER + _UPPER,
}
_MOST_IN_RANGE = 100_000
_SHOWN = 100  # characters of the option that an error quotes
_OPENERS = {"[": "]", "range(": ")"}
_JOINERS = "\u200c\u200d"  # written inside of a cluster, as in Malayalam and Persian


def read_alphabet(text: str, clusters: bool = False) -> Alphabet:
    """Return the alphabet that `text` describes.

    ``digits+upper`` is a sum of named sets, in that order. ``range(0-9a-f)`` has every character from 0 to 9
    and from a to f, ``range(0-9_)`` the underscore as well. A part in square brackets is literal:
    ``digits+[abcdef]``, ``[lower]`` (five letters). A text without names, ranges and brackets is literal
    too: ``ABCDEF123``.

    The characters of a literal text are its code points, each in Unicode NFC by itself; a letter that is
    followed by combining marks may occur again. A range has the characters that Unicode assigns and that
    NFC does not replace. `spell` writes any text of these characters with them.

    With `clusters`, the characters of a literal text are its grapheme clusters in NFC.

    Raises:
        UsageError: a name is unknown, the text is close to the name of a set, a character is repeated, a
            range is backwards, or there are no characters.
    """
    parts = _parts(text)
    known = [part in SETS or _enclosed(part) != "" for part in parts]
    if open_ended := [part for part in parts if part.startswith("range(") and not _enclosed(part)]:
        raise UsageError(f"alphabet {text!r}: expected range(0-9), got {open_ended[0]!r}")
    if not all(known):
        unknown = [part for part, is_known in zip(parts, known, strict=True) if not is_known]
        # `uper` is more likely a misspelt name than an alphabet of four letters.
        if any(known) or any(_close(part) for part in unknown):
            wrong = unknown[0] if any(known) else next(part for part in unknown if _close(part))
            guess = f"; did you mean {_close(wrong)!r}?" if _close(wrong) else ""
            between = f"; from … to: range({wrong})" if _looks_like_range(wrong) else ""
            raise UsageError(
                f"alphabet {text!r}: no set {wrong!r}{guess} "
                f"(sets: {', '.join(SETS)}; as characters: [{wrong}]{between})"
            )
        parts = [f"[{text}]"]
    split = clusters_of if clusters else _literal
    characters = [c for part in parts for c in (SETS[part] if part in SETS else _characters(part, split))]
    if repeated := "".join(c for c, count in collections.Counter(characters).items() if count > 1):
        # The error of Alphabet would quote the characters, and not the text as it was typed.
        shown, repeated = abbreviated(text, _SHOWN), abbreviated(repeated, _SHOWN)
        hint = range_hint(text)
        raise UsageError(f"alphabet {shown!r} has {repeated!r} more than once{hint and f'; {hint}'}")
    return Alphabet(tuple(characters))


def read_alphabet_option(text: str) -> str:
    """Return the value of an option `alphabet`, with the characters of the file in place of ``@FILE``.

    The file may follow ``auto+``.

    The settings of a run so hold the characters and not the path: they identify the run, and the file is
    not needed again.

    Raises:
        UsageError: the file can't be read.
    """
    if text.startswith("auto+@"):
        return "auto+" + read_alphabet_option(text.removeprefix("auto+"))
    if not text.startswith("@") or text == "@":
        return text
    characters = read_characters(text.removeprefix("@"))
    # A bracket that is followed by a plus sign would end the part, so a new part begins between the two.
    literal = f"[{characters.replace(']+', ']]+[+')}]"
    try:
        read_alphabet(literal)
    except UsageError as error:
        raise UsageError(f"{text}: {error}") from None
    return literal


AlphabetText = Annotated[str, AfterValidator(read_alphabet_option)]


def range_hint(text: str) -> str:
    """Return a sentence on what looks like a range in the literal alphabet `text`, or an empty text."""
    parts = _parts(text)
    literal = [part for part in parts if part not in SETS and not part.startswith("range(")]
    if not any(map(_looks_like_range, literal)):
        return ""
    given = literal[0] if len(parts) == 1 else next(filter(_looks_like_range, literal))
    inner = _enclosed(given) or given
    return f"the hyphen in alphabet {inner!r} is a character; range({inner}) has all characters in between"


def _parts(text: str) -> list[str]:
    """Split at each ``+`` that is not inside of brackets or of ``range(…)``."""
    parts, end = [""], ""
    for position, character in enumerate(text):
        if not end and character == "+":
            parts.append("")
            continue
        parts[-1] += character
        if not end:
            end = _OPENERS.get(parts[-1], "")
        elif character == end and text[position + 1 : position + 2] in ("", "+"):
            end = ""
    return parts


def _enclosed(part: str) -> str:
    """Return the text inside of ``[…]`` or ``range(…)``, or an empty text."""
    for opener, end in _OPENERS.items():
        if part.startswith(opener) and part.endswith(end) and len(part) > len(opener) + len(end):
            return part[len(opener) : -len(end)]
    return ""


def _characters(part: str, split: Callable[[str], Sequence[str]]) -> Sequence[str]:
    """Return the characters of ``[…]``, which `split` divides, or of ``range(…)``."""
    inner = _enclosed(part)
    return list(_range(inner)) if part.startswith("range(") else split(inner)


def _range(inner: str) -> Iterator[str]:
    # Composed, so that each end of a range is one character.
    inner = unicodedata.normalize("NFC", inner)
    for first, last, single in re.findall(r"(.)-(.)|(.)", inner, re.DOTALL):
        if single:
            yield single
            continue
        if first > last:
            raise UsageError(f"alphabet range({inner}): {first}-{last} is backwards; write {last}-{first}")
        if ord(last) - ord(first) >= _MOST_IN_RANGE:
            raise UsageError(
                f"alphabet range({inner}): {first}-{last} has {ord(last) - ord(first) + 1:,} characters; "
                f"at most {_MOST_IN_RANGE:,} are allowed"
            )
        yield from filter(_can_be_in_label, map(chr, range(ord(first), ord(last) + 1)))


def _can_be_in_label(character: str) -> bool:
    return unicodedata.category(character) not in ("Cn", "Cs") and unicodedata.is_normalized("NFC", character)


def _literal(text: str) -> str:
    # Never the NFC of all characters in a row: a mark would join the letter that it happens to follow, and
    # both would be lost.
    clusters: list[str] = []
    for character in text:
        joins = clusters and (character in _JOINERS or unicodedata.category(character).startswith("M"))
        if joins:
            clusters[-1] += unicodedata.normalize("NFC", character)
        else:
            clusters.append(unicodedata.normalize("NFC", character))
    found = dict.fromkeys("".join(clusters))
    own = Alphabet("".join(found))
    # A composed letter with a mark can have an NFC that consists of other characters.
    found |= dict.fromkeys("".join(spell(cluster, own) for cluster in clusters))
    single = collections.Counter(cluster for cluster in clusters if len(cluster) == 1)
    # What is repeated is kept, because it is an error of the whole alphabet.
    return "".join(found) + "".join(c for c, count in single.items() if count > 1)


def _looks_like_range(text: str) -> bool:
    for first, last in re.findall(r"(?=(\w)-(\w))", text):
        if first < last and unicodedata.category(first) == unicodedata.category(last):
            return True
    return False


def _close(part: str) -> str:
    """Return the name of the set that is nearest to `part`, or an empty text."""
    if not part.isascii() or not part.isalpha():
        return ""
    close = difflib.get_close_matches(part.lower(), SETS, n=1, cutoff=0.75)
    return close[0] if close else ""
