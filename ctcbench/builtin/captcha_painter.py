"""Painter: draws the images of the package captcha from a seed.

The package uses the module ``secrets``, which can't be seeded. This module loads a private copy of
``captcha.image`` in which the name ``secrets`` refers to a ``Chance``. Other users of ``captcha.image``
and ``secrets`` in the process are not affected.

The package itself is the slow reference. Images come from ``CaptchaComposer``, whose pixels are the same;
a painter compares both on its first text.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import threading
import warnings
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ctcbench.builtin.captcha_composer import CaptchaComposer
from ctcbench.builtin.seeded_secrets import Chance, unsupported
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.font_files import font_digest, missing_glyphs, require_font

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

_DRAWING = threading.Lock()  # the private copy is shared by all painters
_COMPARED = 8  # images of the first text that are drawn both ways: 20 ms per process


class Painter:
    """Draws captchas of one size, with one set of fonts, in grey levels (1 channel) or colours (3)."""

    def __init__(
        self,
        width: int,
        height: int,
        fonts: tuple[str, ...],
        sizes: tuple[int, ...],
        noise: str,
        channels: int = 1,
    ) -> None:
        self._channels = channels
        self._module = _private_copy()
        self._fonts = fonts or tuple(self._module.DEFAULT_FONTS)
        for font in self._fonts:
            require_font(Path(font), "dataset captcha: fonts=")
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
        self._composer = CaptchaComposer(
            self._captcha,
            width,
            height,
            dots=noise in ("both", "dots"),
            curve=noise in ("both", "curve"),
            channels=channels,
        )
        self._compose: Callable[[str, Chance], NDArray[np.uint8]] | None = None

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
            if lacking := missing_glyphs(font, characters):
                raise UsageError(
                    f"dataset captcha: the font {Path(file).name} has no glyph for "
                    f"{lacking[:10]!r}; choose another font with fonts=PATH"
                )

    def paint(self, text: str, chance: Chance) -> NDArray[np.uint8]:
        """Return the image of `text`, uint8 (H, W) or (3, H, W), a function of the state of `chance`.

        Raises:
            CtcbenchError: this version of captcha uses a random generator that can't be seeded.
        """
        if self._compose is None:
            self._compose = self._choose(text)
        return self._compose(text, chance)

    def paint_with_package(self, text: str, chance: Chance) -> NDArray[np.uint8]:
        """Return what ``paint`` returns, drawn by the package itself."""
        import numpy as np

        # `secrets` is a global of the private copy, so only one thread can draw at a time.
        with _DRAWING:
            self._module.secrets = chance  # type: ignore[attr-defined]
            image = self._captcha.generate_image(text)
        if self._channels == 1:
            return np.array(image.convert("L"), dtype=np.uint8)
        return np.array(image.convert("RGB"), dtype=np.uint8).transpose(2, 0, 1).copy()

    def _choose(self, text: str) -> Callable[[str, Chance], NDArray[np.uint8]]:
        """Return the composer if its images of `text` are those of the package, else the package."""
        first, second = Chance(0), Chance(0)
        same = (self.paint_with_package(text, first) == self.paint_with_package(text, second)).all()
        # Two equal images of which no number was drawn would be equal with any seed.
        if not same or first.randbits(32) == Chance(0).randbits(32):
            raise unsupported("does not draw from `secrets` alone")
        for seed in range(_COMPARED):
            ours, theirs = Chance(seed), Chance(seed)
            if (self._composer.compose(text, ours) != self.paint_with_package(text, theirs)).any():
                versions = f"captcha {_version('captcha')} with pillow {_version('pillow')}"
                warnings.warn(
                    f"{versions} draws images that the fast painter does not reproduce; the package draws "
                    f"them itself, which takes some five times as long. pip install captcha==0.7.1 "
                    f"pillow==13.0.0 makes it fast again, and changes the pixels",
                    RuntimeWarning,
                    stacklevel=2,
                )
                return self.paint_with_package
        return self._composer.compose

    def versions(self) -> dict[str, Any]:
        """Return the versions of software and the digests of fonts that determine the pixels."""
        from PIL import features

        return {
            "captcha": _version("captcha"),
            "pillow": _version("pillow"),
            "freetype": features.version("freetype2"),
            "raqm": features.check("raqm"),
            "fonts": [font_digest(Path(font)) for font in self._fonts],
        }


# One for each length of the texts, where the width of an image follows it.
@functools.lru_cache(maxsize=64)
def painter(
    width: int, height: int, fonts: tuple[str, ...], sizes: tuple[int, ...], noise: str, channels: int = 1
) -> Painter:
    """Return the painter for these options; its fonts are loaded once in a process.

    Raises:
        UsageError: a font file does not exist or can't be read as a font.
    """
    return Painter(width, height, fonts, sizes, noise, channels)


@functools.cache
def _private_copy() -> ModuleType:
    spec = importlib.util.find_spec("captcha.image")
    if spec is None or spec.loader is None:
        raise CtcbenchError("the package captcha is not installed: pip install 'captcha>=0.7.1,<0.8'")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "secrets"):
        raise unsupported("does not draw from `secrets`")
    return module


def _unchanged(image: Any, *_: Any, **__: Any) -> Any:
    return image


def _version(package: str) -> str:
    return importlib.metadata.version(package)
