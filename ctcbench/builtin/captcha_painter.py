"""Painter: draws captchas with the package captcha and a seeded generator.

The package uses the module ``secrets``, which can't be seeded. This module loads a private copy of
``captcha.image`` in which the name ``secrets`` refers to a ``Chance``. Other users of ``captcha.image``
and ``secrets`` in the process are not affected.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import random
import threading
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from ctcbench.contract.errors import CtcbenchError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

_NO_CHARACTER = "\U0010ffff"  # a noncharacter of Unicode, for which a font draws its glyph for missing ones
_DRAWING = threading.Lock()  # the private copy is shared by all painters


class Chance:
    """A seeded replacement of the module ``secrets``, with the three functions that captcha calls.

    ``calls`` is the number of draws so far.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.calls = 0

    def randbits(self, k: int) -> int:
        """Return an integer of `k` random bits."""
        self.calls += 1
        return self._random.getrandbits(k)

    def randbelow(self, exclusive_upper_bound: int) -> int:
        """Return an integer from 0 up to, not including, the bound."""
        if exclusive_upper_bound < 1:
            raise ValueError("the upper bound must be positive")
        # Not random.randrange: how that uses getrandbits differs between versions of Python.
        bits = (exclusive_upper_bound - 1).bit_length()
        # Rejection keeps the numbers uniform, unlike a remainder.
        while (drawn := self.randbits(bits) if bits else 0) >= exclusive_upper_bound:
            pass
        return drawn

    def choice(self, sequence: Sequence[T]) -> T:
        """Return one element of a sequence."""
        return sequence[self.randbelow(len(sequence))]

    def __getattr__(self, name: str) -> Any:
        # Python itself looks up such names, to copy an object for example.
        if name.startswith("__"):
            raise AttributeError(name)
        raise _unsupported(f"draws with secrets.{name}")


class Painter:
    """Draws captchas of one size, with one set of fonts."""

    def __init__(
        self, width: int, height: int, fonts: tuple[str, ...], sizes: tuple[int, ...], noise: str
    ) -> None:
        self._module = _private_copy()
        self._fonts = fonts or tuple(self._module.DEFAULT_FONTS)
        for font in self._fonts:
            if not Path(font).is_file():
                raise UsageError(f"dataset captcha: fonts={font}: no such file")
        self._captcha: Any = self._module.ImageCaptcha(width, height, list(self._fonts), sizes)
        try:
            # A property that loads the fonts: the error comes now and not with the first image.
            _ = self._captcha.truefonts
        except OSError as error:
            raise UsageError(f"dataset captcha: fonts={','.join(fonts)}: not a font ({error})") from error
        # captcha has no option for it; its two methods are replaced on this object alone.
        if noise in ("curve", "none"):
            self._captcha.create_noise_dots = _unchanged
        if noise in ("dots", "none"):
            self._captcha.create_noise_curve = _unchanged
        self._checked = False

    def check(self, characters: str) -> None:
        """Check that every font has a glyph for every character.

        Raises:
            UsageError: a character leaves no ink on an image, or a font has no glyph for it.
        """
        blank = [c for c in characters if c.isspace() or not c.isprintable()]
        if blank:
            raise UsageError(f"dataset captcha: alphabet has {blank[0]!r}, which leaves no mark on an image")
        # `truefonts` has every size of the first file, then of the second; one size of each is enough.
        sizes = len(self._captcha.truefonts) // len(self._fonts)
        for font, file in zip(self._captcha.truefonts[::sizes], self._fonts, strict=True):
            # Pillow does not report a missing glyph: the font draws its box for missing ones.
            box = bytes(font.getmask(_NO_CHARACTER))
            lacking = [c for c in characters if bytes(font.getmask(c)) in (box, b"")]
            if lacking:
                raise UsageError(
                    f"dataset captcha: the font {Path(file).name} has no glyph for "
                    f"{''.join(lacking[:10])!r}; choose another font with fonts=PATH"
                )

    def paint(self, text: str, chance: Chance) -> NDArray[np.uint8]:
        """Return the image of `text`, uint8 (H, W), a function of the state of `chance`.

        Raises:
            CtcbenchError: this version of captcha uses a random generator that can't be seeded.
        """
        if not self._checked:
            self._check_purity()
        return self._paint(text, chance)

    def _paint(self, text: str, chance: Chance) -> NDArray[np.uint8]:
        import numpy as np

        # `secrets` is a global of the private copy, so only one thread can draw at a time.
        with _DRAWING:
            self._module.secrets = chance  # type: ignore[attr-defined]
            image = self._captcha.generate_image(text)
        return np.array(image.convert("L"), dtype=np.uint8)

    def _check_purity(self) -> None:
        """Draw one text twice, to detect a version of captcha that uses another random generator."""
        first, second = Chance(1), Chance(1)
        if (self._paint("0", first) != self._paint("0", second)).any() or not first.calls:
            raise _unsupported("does not draw from `secrets` alone")
        self._checked = True

    def versions(self) -> dict[str, Any]:
        """Return the versions of software and the digests of fonts that determine the pixels."""
        from PIL import features

        return {
            "captcha": importlib.metadata.version("captcha"),
            "pillow": importlib.metadata.version("pillow"),
            "freetype": features.version("freetype2"),
            "raqm": features.check("raqm"),
            "fonts": [_digest(font) for font in self._fonts],
        }


@functools.lru_cache(maxsize=16)
def painter(width: int, height: int, fonts: tuple[str, ...], sizes: tuple[int, ...], noise: str) -> Painter:
    """Return the painter for these options; its fonts are loaded once in a process.

    Raises:
        UsageError: a font file does not exist or can't be read as a font.
    """
    return Painter(width, height, fonts, sizes, noise)


@functools.cache
def _private_copy() -> ModuleType:
    spec = importlib.util.find_spec("captcha.image")
    if spec is None or spec.loader is None:
        raise CtcbenchError("the package captcha is not installed: pip install 'captcha>=0.7.1,<0.8'")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "secrets"):
        raise _unsupported("does not draw from `secrets`")
    return module


def _unchanged(image: Any, *_: Any, **__: Any) -> Any:
    return image


@functools.lru_cache(maxsize=64)
def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _unsupported(what: str) -> CtcbenchError:
    version = importlib.metadata.version("captcha")
    return CtcbenchError(
        f"captcha {version} {what}, so its images can't be made from a seed: pip install 'captcha==0.7.1'"
    )
