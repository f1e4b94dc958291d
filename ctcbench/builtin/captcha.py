"""The ``captcha`` data set: images drawn by the package captcha, each a pure function of its index."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ctcbench.builtin.alphabets import AlphabetText, range_hint, read_alphabet
from ctcbench.builtin.text_lengths import read_length
from ctcbench.contract.components import dataset
from ctcbench.contract.data import Sample, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.files.paths import expand_home

if TYPE_CHECKING:
    from ctcbench.builtin.captcha_painter import Painter
    from ctcbench.builtin.seeded_secrets import Chance

Noise = Literal["both", "dots", "curve", "none"]
FontSize = Annotated[int, Field(ge=4, le=512)]

_VERSION = 1  # of the drawing of texts and seeds; a new version invalidates cached sets
_STOCK_SIZES, _STOCK_HEIGHT = (42, 50, 56), 60
_MIN_COLUMNS = 4  # per character; with fewer, a text is not legible


@dataset
def captcha(
    *,
    width: Annotated[int, Field(ge=16, le=4096, description="columns of an image")] = 150,
    height: Annotated[int, Field(ge=16, le=1024, description="rows of an image")] = 40,
    channels: Annotated[Literal[1, 3], Field(description="1: grey, 3: colour (RGB)")] = 1,
    length: Annotated[str, Field(description="characters: 5, or a range such as 4-8")] = "5",
    variable: Annotated[
        bool,
        Field(description="whether images of shorter texts are narrower; width is for the longest text"),
    ] = False,
    alphabet: Annotated[
        AlphabetText,
        Field(
            description="digits, lower, upper, letters, alnum; range(0-9a-f); a sum (digits+upper, "
            "digits+[abc]); characters; @FILE of characters"
        ),
    ] = "alnum",
    fonts: Annotated[
        tuple[str, ...], Field(description="TrueType files (default: the font of the package captcha)")
    ] = (),
    font_sizes: Annotated[
        tuple[FontSize, ...],
        Field(description="points (default: 42,50,56 scaled by height/60, which cuts no glyph)"),
    ] = (),
    noise: Annotated[Noise, Field(description="noise drawn over the text")] = "both",
    seed: Annotated[
        int, Field(ge=0, description="seed of the images, independent of the seed of the run")
    ] = 0,
) -> Captcha:
    """Captchas drawn by the package captcha; their number is unlimited."""
    source = Captcha(
        image=ImageSpec(height, width, channels, variable),
        # Composed, because each character is drawn by itself: an accent would get an image of its own.
        alphabet=read_alphabet(unicodedata.normalize("NFC", alphabet)),
        lengths=read_length(length, "dataset captcha: "),
        fonts=tuple(str(expand_home(font, "dataset captcha: fonts=")) for font in fonts),
        font_sizes=font_sizes or tuple(round(size * height / _STOCK_HEIGHT) for size in _STOCK_SIZES),
        noise=noise,
        seed=seed,
        notices=tuple(filter(None, [range_hint(alphabet)])),
    )
    need = _MIN_COLUMNS * source.lengths[1]
    if width < need:
        raise UsageError(f"dataset captcha: width={width} is too small: length={length} needs {need} or more")
    if marks := [c for c in source.alphabet.characters if unicodedata.category(c).startswith("M")]:
        raise UsageError(
            f"dataset captcha: alphabet has the combining mark U+{ord(marks[0]):04X}, but each character is "
            f"drawn by itself; leave it out"
        )
    # Before any image is drawn: a missing glyph would be a box that no recogniser can read.
    source.painter.check("".join(source.alphabet.characters))
    return source


@dataclass(frozen=True)
class Captcha:
    """The captchas of one set of options; ``lengths`` is the (smallest, largest) number of characters."""

    image: ImageSpec
    alphabet: Alphabet
    lengths: tuple[int, int]
    fonts: tuple[str, ...]
    font_sizes: tuple[int, ...]
    noise: Noise
    seed: int
    notices: tuple[str, ...] = ()

    @property
    def painter(self) -> Painter:
        """The painter of the images with the longest text, shared in a process by equal options."""
        return self.painter_for(self.lengths[1])

    def painter_for(self, length: int) -> Painter:
        """Return the painter of the images with `length` characters."""
        from ctcbench.builtin.captcha_painter import painter

        image, width = self.image, self.image.width
        if image.variable:
            # As many columns for each character as in the image of the longest text.
            width = max(1, round(width * length / self.lengths[1]))
        return painter(width, image.height, self.fonts, self.font_sizes, self.noise, image.channels)

    def size(self, split: SplitName) -> int | None:
        """Return None: the number of captchas is unlimited."""
        return None

    def fingerprint(self, split: SplitName) -> str:
        """Return the options, the digests of the fonts and the versions of the software, as JSON."""
        channels = self.image.channels
        return json.dumps(
            {
                # All that the pixels depend on, and nothing else: paths of fonts are replaced by digests of
                # the files.
                "version": _VERSION,
                "split": split,
                "seed": self.seed,
                "size": [*([channels] if channels > 1 else []), self.image.height, self.image.width],
                "alphabet": self.alphabet.characters,
                "lengths": self.lengths,
                "font_sizes": self.font_sizes,
                "noise": self.noise,
                # Only where it is set, so that the fingerprints of other sets stay what they were.
                **({"variable": True} if self.image.variable else {}),
                **self.painter.versions(),
            },
            sort_keys=True,
        )

    def describe(self, split: SplitName, index: int) -> str:
        """Return the split and the index."""
        return f"captcha {split}/{index}"

    def text_of(self, split: SplitName, index: int) -> str:
        """Return the text of sample `index`; it is drawn before the image."""
        return self._draw_text(split, index)[0]

    def draw(self, split: SplitName, index: int) -> Sample:
        """Return sample `index`; its text and image are a function of (seed, split, index)."""
        text, chance = self._draw_text(split, index)
        return Sample(self.painter_for(len(text)).paint(text, chance), text)

    def _draw_text(self, split: SplitName, index: int) -> tuple[str, Chance]:
        """Return the text of a sample, and the generator that its image is drawn from next."""
        from ctcbench.builtin.seeded_secrets import Chance

        # A digest as the seed: splits and indices share no seed, unlike with a sum or an offset.
        digest = hashlib.sha256(f"ctcbench captcha {self.seed} {split} {index}".encode()).digest()
        chance = Chance(int.from_bytes(digest, "big"))
        fewest, most = self.lengths
        # The order of these draws is part of the data: another order would change every image of a seed.
        length = fewest + chance.randbelow(most - fewest + 1)
        return "".join(chance.choice(self.alphabet.characters) for _ in range(length)), chance
