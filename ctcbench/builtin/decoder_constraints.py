"""Constraints as options of decoders: their types, and the automaton of the texts that they allow."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ctcbench.builtin.alphabets import read_alphabet
from ctcbench.contract.errors import ComponentNotice, UsageError
from ctcbench.contract.specs import Alphabet
from ctcbench.files.attached_files import AttachedFile, attached_content, attached_name
from ctcbench.files.spelling import spell

if TYPE_CHECKING:
    from ctcbench.decoding.constraints import Automaton
    from ctcbench.decoding.guides import SupportsGuide

MOST_LEXICON_BYTES = 2**26  # some 3 GB of memory while the automaton is built

Pattern = Annotated[
    str | None, Field(description="only texts that this regular expression matches as a whole")
]
Length = Annotated[
    str | None, Field(description="only texts of so many characters: 5, 4-8, 4- (at least), -8 (at most)")
]
Characters = Annotated[
    str | None, Field(description="only texts of these characters, such as digits+upper or range(0-9a-f)")
]
Positions = Annotated[
    tuple[str, ...],
    Field(description="only texts whose first, second, … character is of these sets: 'upper,upper,digits'"),
]
Lexicon = Annotated[
    AttachedFile, Field(description="only the words of this file, one a line (UTF-8), and no other text")
]
UnwritableWords = Annotated[
    Literal["error", "skip"],
    Field(description="words of the lexicon that have characters outside of the alphabet"),
]


def build_constraint(
    alphabet: Alphabet,
    *,
    pattern: str | None,
    length: str | None,
    characters: str | None,
    positions: tuple[str, ...],
    lexicon: str | None,
    unwritable_words: Literal["error", "skip"],
) -> Automaton | None:
    """Return the automaton of the texts that all options allow; None if there is no constraint.

    Raises:
        UsageError: an option can't be used with the alphabet, or no text is allowed.
    """
    # Not at the top: it imports numpy, for which --help must not wait.
    from ctcbench.decoding import constraints

    classes = [None, *alphabet.characters]
    found: list[Automaton] = []
    if length is not None:
        found.append(constraints.length_automaton(classes, *constraints.parse_length(length)))
    if characters is not None:
        found.append(constraints.character_automaton(classes, _set(characters, alphabet)))
    if positions:
        _require_left_to_right(alphabet, "positions")
        sets = [_set(text, alphabet) for text in positions]
        found.append(constraints.position_automaton(classes, sets))
    if pattern is not None:
        _require_left_to_right(alphabet, "pattern")
        if not pattern:
            raise UsageError("pattern is empty, which allows the empty text alone; leave it out")
        found.append(constraints.pattern_automaton(classes, pattern))
    if lexicon is not None:
        words = _words(lexicon, alphabet)
        try:
            found.append(
                constraints.lexicon_automaton(classes, words, skip_unwritable=unwritable_words == "skip")
            )
        except UsageError as error:
            remedy = "" if unwritable_words == "skip" else "; unwritable_words=skip leaves such words out"
            raise UsageError(f"lexicon={attached_name(lexicon)}: {error}{remedy}") from None
    elif unwritable_words != "error":
        raise UsageError(f"unwritable_words={unwritable_words} needs lexicon=FILE")
    return constraints.intersect(found) if found else None


def warn_of_no_texts(
    decoder: str, guides: Sequence[SupportsGuide], frames: Sequence[int], images: int, *, otherwise: str
) -> None:
    """Warn with `ComponentNotice` that guides permit no text in some images, which have so many frames.

    Args:
        decoder: the name of the decoder.
        guides: what permits no text.
        frames: the number of frames of each image without a text, at least one.
        images: how many images there are, with the others.
        otherwise: the reason if the frames of an image suffice.
    """
    forms = [guide.as_guide() for guide in guides]
    needed, most = max(form.shortest(form.start) for form in forms), max(frames)
    reason = otherwise
    if needed > most:
        reason = (
            f"the shortest one needs {needed:,} frames, with a blank between equal characters, and these "
            f"images have at most {most:,}"
        )
    warnings.warn(
        f"decoder {decoder}: no text that its options permit is possible in the frames of some images "
        f"({len(frames):,} of {images:,}): {reason}; their texts are empty, with log-probability -inf",
        ComponentNotice,
        stacklevel=4,
    )


def _require_left_to_right(alphabet: Alphabet, option: str) -> None:
    # Numbers in right-to-left text run from left to right, so that the n-th character is at no fixed place.
    if alphabet.direction == "rtl":
        raise UsageError(
            f"{option}: not for a recogniser of right-to-left text; length, characters and lexicon are"
        )


def _set(text: str, alphabet: Alphabet) -> Iterable[str]:
    """Return the characters of an alphabet that a set as in the option `alphabet` has.

    Raises:
        UsageError: the set is written wrongly, or contains a hyphen that the alphabet lacks.
    """
    # Not at the top: it imports numpy, for which --help must not wait.
    from ctcbench.decoding.constraints.class_characters import quoted

    has_clusters = not isinstance(alphabet.characters, str)
    wanted = read_alphabet(text, clusters=has_clusters).characters
    if "-" in wanted and "-" not in alphabet.characters:
        missing = [one for one in wanted if alphabet.missing(spell(one, alphabet))]
        raise UsageError(
            f"{text}: the alphabet lacks {quoted(missing)}; leave out what it lacks ('-' stands for itself: "
            "a range is written range(0-9a-f))"
        )
    return [one for character in wanted for one in alphabet.split(spell(character, alphabet))]


def _words(lexicon: str, alphabet: Alphabet) -> list[str]:
    """Return the words of a file, spelled with the characters of an alphabet, in the order of the frames.

    Raises:
        UsageError: the file can't be read, is too large, is not UTF-8, or has no word.
    """
    content, name = attached_content(lexicon), attached_name(lexicon)
    if len(content) > MOST_LEXICON_BYTES:
        raise UsageError(
            f"lexicon={name}: the file has {len(content):,} bytes; at most {MOST_LEXICON_BYTES:,} are "
            f"supported: leave out rare words"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"lexicon={name}, line {line:,}: not UTF-8; save the file as UTF-8") from None
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n")
    words = [line for line in text.split("\n") if line]
    if not words:
        raise UsageError(f"lexicon={name}: the file has no word; it should have one a line")
    # Only where it changes anything: for a million words it takes seconds.
    if alphabet.missing("".join(set(text) - {"\n"})) or not isinstance(alphabet.characters, str):
        words = [spell(word, alphabet) for word in words]
    if alphabet.direction == "rtl":
        words = ["".join(alphabet.frame_order(word)) for word in words]
    return words
