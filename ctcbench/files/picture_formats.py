"""The formats of pictures that are read, and the suffixes of their files."""

from __future__ import annotations

import functools
import re

# A list, because some of Pillow's formats start another program to decode them (EPS runs Ghostscript).
# Some builds of Pillow lack AVIF, WebP or JPEG 2000, and early versions QOI.
_BY_CONTENT = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".mpo"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "AVIF": (".avif", ".avifs"),
    "PPM": (".pbm", ".pgm", ".ppm", ".pnm", ".pfm"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "QOI": (".qoi",),
    "SUN": (".ras",),
    "PSD": (".psd",),
    "ICO": (".ico",),
    "DDS": (".dds",),
    "MSP": (".msp",),
    "XBM": (".xbm",),
    "XPM": (".xpm",),
}
# Their first bytes say so little that damaged files of other formats would pass for them.
_BY_SUFFIX = {
    "DIB": (".dib",),
    "TGA": (".tga", ".icb", ".vda", ".vst"),
    "PCX": (".pcx",),
    "SGI": (".sgi", ".rgb", ".rgba", ".bw"),
}
# Headers without a zero byte: PBM to PPM, XPM and XBM.
_TEXT_HEADER = re.compile(rb"P[1-6fFy]\s|/\* XPM \*/|\s*#define\s")
SUFFIXES = frozenset(
    suffix for formats in (_BY_CONTENT, _BY_SUFFIX) for suffixes in formats.values() for suffix in suffixes
)


@functools.cache
def readable_formats(suffix: str) -> tuple[str, ...]:
    """Return Pillow's names of the formats that a file may have, of those that are installed.

    `suffix` is that of the file in lower case, or an empty text.
    """
    from PIL import Image

    Image.init()  # loads the formats, of which Pillow otherwise knows the common ones alone
    named = [name for name, suffixes in _BY_SUFFIX.items() if suffix in suffixes]
    return tuple(name for name in (*_BY_CONTENT, *named) if name in Image.OPEN)


def begins_a_picture(head: bytes) -> bool:
    """Return whether the first 64 bytes of a file are those of a format that is found by content."""
    from PIL import Image

    tests = [Image.OPEN[name][1] for name in readable_formats("")]
    if not any(accepts is not None and accepts(head[:16]) for accepts in tests):
        return False
    # A list of files may begin like a picture: with ``BMW.png`` or ``P1.jpg``.
    return b"\0" in head or _TEXT_HEADER.match(head) is not None
