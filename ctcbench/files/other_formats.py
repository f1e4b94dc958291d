"""Formats that are not read: how their files begin and end, and what to do with them."""

from __future__ import annotations

# Formats of pictures that are not read.
UNREAD_SUFFIXES = frozenset((
    ".heic", ".heif", ".hif", ".jxl", ".svg", ".svgz", ".eps", ".ai", ".pdf", ".icns", ".raw", ".cr2",
    ".cr3", ".nef", ".arw", ".dng", ".xcf", ".djvu", ".exr", ".hdr", ".jxr", ".wdp", ".wmf", ".emf",
    ".fit", ".fits", ".jbig2", ".jb2", ".blp", ".cur", ".dcx", ".fli", ".flc", ".ftc", ".ftu", ".gbr",
    ".im", ".palm", ".pcd", ".pxr", ".iim",
))  # fmt: skip
HEAD_BYTES = 16  # of a file, by which its format is known
UNKNOWN_FORMAT = "not a picture of a known format"
_CONVERT = "convert it to PNG or JPEG"
_BY_FIRST_BYTES = (
    (b"%PDF-", f"a PDF document; {_CONVERT}, a file for each page, as `pdftoppm -r 300 -png` does"),
    (b"%!PS", f"PostScript; {_CONVERT}"),
    (b"\xff\x0a", f"JPEG XL; {_CONVERT}"),
    (b"\0\0\0\x0cJXL ", f"JPEG XL; {_CONVERT}"),
    (b"<svg", f"SVG; {_CONVERT}"),
)
# Brands of ISO base media files, at byte 8.
_BY_BRAND = (
    (b"avif avis", "AVIF, which the installed Pillow does not read"),
    (b"heic heix hevc hevx heim heis mif1 msf1", f"HEIC; {_CONVERT}"),
)


def unknown_format(head: bytes) -> str:
    """Return why a file that begins with these bytes is not read, and what to do with it if that is known."""
    if not head:
        return "empty file"
    known = [what for start, what in _BY_FIRST_BYTES if head.startswith(start)]
    if head[4:8] == b"ftyp":
        known = [what for brands, what in _BY_BRAND if head[8:12] in brands.split()]
    return f"{UNKNOWN_FORMAT}: {known[0]}" if known else UNKNOWN_FORMAT
