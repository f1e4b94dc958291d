"""SetFormat: the formats that data sets are written in."""

from __future__ import annotations

from typing import Literal

SetFormat = Literal["png", "lmdb", "parquet"]
"""PNG files with a list of labels, an LMDB, or a Parquet file."""
