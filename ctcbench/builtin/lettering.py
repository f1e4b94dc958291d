"""The ``lettering`` data set: texts drawn in many fonts, colours and sizes, each a function of its index."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ctcbench.builtin.alphabets import AlphabetText, range_hint, read_alphabet
from ctcbench.builtin.glyph_shapes import Edges
from ctcbench.builtin.lettering_painter import Ink, LetteringPainter, Paper
from ctcbench.builtin.text_lengths import read_length
from ctcbench.contract.components import dataset
from ctcbench.contract.data import Sample, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.files.font_files import can_draw, font_digest, list_fonts
from ctcbench.files.picture_sizes import MOST_SIDE
from ctcbench.files.pictures import Fit, read_picture

_VERSION = 1  # of the drawing; a new version invalidates cached sets
_WHERE = "dataset lettering: "
_COLUMNS_PER_HEIGHT = 10  # the greatest width by default, as a multiple of the height
Case = Literal["mixed", "one"]


@dataset
def lettering(
    *,
    fonts: Annotated[
        tuple[str, ...],
        Field(description="font files, or folders of fonts (default: the font of the package captcha)"),
    ] = (),
    alphabet: Annotated[AlphabetText, Field(description="the characters, as for captcha")] = "alnum",
    case: Annotated[
        Case, Field(description="one: each text has no lower-case letters, or no upper-case letters")
    ] = "mixed",
    length: Annotated[str, Field(description="characters: 5, or a range such as 4-8")] = "4-8",
    height: Annotated[int, Field(ge=16, le=1024, description="rows of an image")] = 40,
    width: Annotated[
        int | None,
        Field(ge=16, le=MOST_SIDE, description="the greatest width in columns (default: 10 × height)"),
    ] = None,
    channels: Annotated[Literal[1, 3], Field(description="1: grey, 3: colour")] = 1,
    fit: Annotated[
        Fit, Field(description="pad on the right, stretch, or keep: each image has its own width")
    ] = "pad",
    draw_height: Annotated[
        int | None,
        Field(ge=16, le=1024, description="rows at which texts are drawn before scaling (default: height)"),
    ] = None,
    ink: Annotated[
        Ink, Field(description="black, one colour per text, or a colour for each character")
    ] = "each",
    paper: Annotated[Paper, Field(description="white, or a light colour")] = "white",
    rotation: Annotated[
        float, Field(ge=0, le=90, description="largest rotation of a character to either side, in degrees")
    ] = 20.0,
    spacing: Annotated[
        float, Field(ge=0, le=10, description="largest gap between characters, in font sizes")
    ] = 1.0,
    lines: Annotated[int, Field(ge=0, le=100, description="largest number of stray lines")] = 6,
    variety: Annotated[
        float,
        Field(
            ge=0, le=1, description="how far letters are stretched, slanted, bold or hollow; 0: not at all"
        ),
    ] = 0.0,
    edges: Annotated[
        Edges,
        Field(description="edges of letters that are rotated, slanted or stretched; either: by chance"),
    ] = "smooth",
    seed: Annotated[
        int, Field(ge=0, description="seed of the images, independent of the seed of the run")
    ] = 0,
) -> Lettering:
    """Texts drawn in many fonts, colours, sizes and spacings, with stray lines; their number is unlimited.

    Images of recognisers that are fine-tuned on real pictures: give it the fonts, the alphabet and the
    lengths that these may have. Fonts that lack a character of the alphabet are not used.

    Raises:
        UsageError: an option can't be used, or no font has all characters.
    """
    characters = read_alphabet(unicodedata.normalize("NFC", alphabet))
    if unseen := [c for c in characters.characters if not _leaves_ink(c)]:
        raise UsageError(
            f"{_WHERE}alphabet has {unseen[0]!r} (U+{ord(unseen[0]):04X}), which leaves no mark by itself; "
            f"leave it out"
        )
    files = tuple(list_fonts(fonts or (str(_default_font()),), f"{_WHERE}fonts="))
    if not any(can_draw(file, characters.characters) for file in files):
        raise UsageError(
            f"{_WHERE}none of {len(files)} font(s) has a glyph for every character of the alphabet; "
            f"give other fonts with fonts=PATH, or fewer characters"
        )
    rows = height if draw_height is None else draw_height
    columns = _COLUMNS_PER_HEIGHT * height if width is None else width
    painter = LetteringPainter(
        files,
        "".join(characters.characters),
        rows,
        max(1, columns * rows // height),
        ink,
        paper,
        rotation,
        spacing,
        lines,
        variety,
        edges,
    )
    return Lettering(
        image=ImageSpec(height, columns, channels, variable=fit == "keep"),
        alphabet=characters,
        fit=fit,
        lengths=read_length(length, _WHERE),
        case=case,
        painter=painter,
        seed=seed,
        notices=tuple(filter(None, [range_hint(alphabet)])),
    )


@dataclass(frozen=True)
class Lettering:
    """The texts of one set of options; ``lengths`` is the (smallest, largest) number of characters."""

    image: ImageSpec
    alphabet: Alphabet
    fit: Fit
    lengths: tuple[int, int]
    case: Case
    painter: LetteringPainter
    seed: int
    notices: tuple[str, ...] = ()

    def size(self, split: SplitName) -> int | None:
        """Return None: the number of images is unlimited."""
        return None

    def fingerprint(self, split: SplitName) -> str:
        """Return the options, the digests of the fonts and the version of Pillow, as JSON."""
        painter = self.painter
        fonts = hashlib.sha256("".join(map(font_digest, painter.fonts)).encode())
        style = [painter.ink, painter.paper, painter.rotation, painter.spacing, painter.lines]
        return json.dumps(
            {
                "version": _VERSION,
                "pillow": importlib.metadata.version("pillow"),
                "split": split,
                "seed": self.seed,
                "size": [self.image.channels, self.image.height, self.image.width],
                "drawn": [painter.height, painter.width],
                "fit": self.fit,
                "alphabet": self.alphabet.characters,
                "lengths": self.lengths,
                "case": self.case,
                "fonts": fonts.hexdigest(),
                # Left out where it has no effect: sets from before this option stay valid.
                "style": [*style, painter.variety] if painter.variety else style,
                **({"edges": painter.edges} if painter.edges != "smooth" else {}),
                **({"margins": "shrink"} if painter.may_shrink_margins(self.lengths[-1]) else {}),
            },
            sort_keys=True,
        )

    def describe(self, split: SplitName, index: int) -> str:
        """Return the split and the index."""
        return f"lettering {split}/{index}"

    def draw(self, split: SplitName, index: int) -> Sample:
        """Return sample `index`; its text and image are a function of (seed, split, index)."""
        from ctcbench.builtin.seeded_secrets import Chance

        digest = hashlib.sha256(f"ctcbench lettering {self.seed} {split} {index}".encode()).digest()
        chance = Chance(int.from_bytes(digest, "big"))
        fewest, most = self.lengths
        length = fewest + chance.randbelow(most - fewest + 1)
        characters = self._characters(str.isupper if chance.randbelow(2) else str.islower)
        text = "".join(chance.choice(characters) for _ in range(length))
        drawn = read_picture(self.painter.paint(text, chance), self.image, self.fit)
        return Sample(drawn.image, text, drawn.width)

    def _characters(self, unwanted: Callable[[str], bool]) -> str:
        """Return the characters that a text may have: with ``case=one`` those that are not `unwanted`."""
        characters = "".join(self.alphabet.characters)
        if self.case == "mixed":
            return characters
        # An alphabet of one case and nothing else would lose all of its characters.
        return "".join(c for c in characters if not unwanted(c)) or characters


def _leaves_ink(character: str) -> bool:
    blank = character.isspace() or not character.isprintable()
    return not blank and not unicodedata.category(character).startswith("M")


def _default_font() -> Path:
    from captcha.image import DEFAULT_FONTS

    return Path(DEFAULT_FONTS[0])
