"""read_index(): the labels of a Parquet file, without its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctcbench.builtin.labelling.label_text import read_label
from ctcbench.builtin.picture_sets.parquet_columns import PictureColumns
from ctcbench.builtin.picture_sets.parquet_footer import check_footer
from ctcbench.builtin.picture_sets.parquet_pages import MOST_EXPANDED, largest_page
from ctcbench.builtin.picture_sets.parquet_store import ParquetStore, open_parquet, rows_of_batch
from ctcbench.builtin.picture_sets.row_entry import RowEntry
from ctcbench.contract.data import MOST_SAMPLES
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.word_lists import join_words
from ctcbench.files.plain_files import MIB
from ctcbench.files.text import one_line

_ROWS = 2**16  # that are decoded at a time, at most
_BATCH_BYTES = 256 * MIB


@dataclass(frozen=True)
class ParquetIndex:
    """The pictures of a Parquet file without their content.

    Attributes:
        rows: yields the entries, with their cells in the column of splits; read once. Raises UsageError where
            the file is damaged.
        columns: the names of all columns.
    """

    rows: Iterator[tuple[RowEntry, str | None]]
    columns: tuple[str, ...]


def read_index(store: ParquetStore, path: Path, prefix: str, wanted: PictureColumns) -> ParquetIndex:
    """Return the entries of a Parquet file.

    Args:
        store: where the pictures are read from later.
        path: the file.
        prefix: what the names of its pictures begin with.
        wanted: the columns that the user names.

    Raises:
        UsageError: it is no Parquet file, is damaged, or lacks a column.
    """
    import pyarrow

    file = open_parquet(path)
    try:
        schema = file.schema_arrow
        columns = wanted.of(path, schema)
        number = file.metadata.num_rows
        if not number:
            raise UsageError(f"{path}: has no rows")
        if number > MOST_SAMPLES:
            raise UsageError(f"{path}: has {number:,} rows; at most {MOST_SAMPLES:,} are allowed")
        check_footer(path, file.metadata)
        store.add(path, file, columns.image)
        rows = _rows(path, file, prefix, columns)
    # ValueError: of a name in the footer that is not UTF-8.
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise UsageError(f"{path}: is damaged ({one_line(str(error))})") from None
    return ParquetIndex(rows, tuple(schema.names))


def _rows(
    path: Path, file: Any, prefix: str, columns: PictureColumns
) -> Iterator[tuple[RowEntry, str | None]]:
    import pyarrow

    try:
        yield from _read_rows(path, file, prefix, columns)
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise UsageError(f"{path}: is damaged ({one_line(str(error))})") from None


def _read_rows(
    path: Path, file: Any, prefix: str, columns: PictureColumns
) -> Iterator[tuple[RowEntry, str | None]]:
    wanted = [name for name in (columns.label, columns.split, columns.group) if name]
    row = 0
    # Checked for all of them; rows share the texts of a dictionary, which each batch has as a whole.
    largest_page(path, file.metadata, wanted)
    plain = [name for name in wanted if not _has_dictionary(file.schema_arrow.field(name))]
    rows = rows_of_batch(_BATCH_BYTES, largest_page(path, file.metadata, plain), _ROWS)
    most = MOST_EXPANDED * file.metadata.num_row_groups
    for batch in file.iter_batches(rows, columns=wanted, use_threads=False):
        cells = {name: _texts(batch.column(name)) for name in wanted}
        # A page counts once where its size is checked, but many rows may share one long text of it.
        most -= max(batch.nbytes, sum(len(text or "") for texts in cells.values() for text in texts))
        if most < 0:
            raise UsageError(
                f"{path}: the texts of {join_words(wanted)} expand to more than "
                f"{MOST_EXPANDED // MIB:,} MiB in a row group; write the file with a smaller row_group_size, "
                "or without the long texts"
            )
        for at in range(batch.num_rows):
            text, reason = None, ""
            try:
                text = _label(cells[columns.label][at])
            except BadSample as error:
                reason = str(error)
            group = (cells[columns.group][at] or "") if columns.group else None
            entry = RowEntry(
                name=f"{prefix}{row:09}", text=text, reason=reason, group=group, shard=path, row=row
            )
            yield entry, (cells[columns.split][at] or "") if columns.split else None
            row += 1


def _has_dictionary(field: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_dictionary(field.type))


def _texts(column: Any) -> list[str | None]:
    """Return the values of a column as texts; bytes that are not UTF-8 become surrogates."""
    # The dictionary of a column may have few long texts that many rows share: each is converted once.
    encoded = column if hasattr(column, "indices") else column.dictionary_encode()
    texts: list[str | None]
    try:
        texts = [None if value is None else str(value) for value in encoded.dictionary.to_pylist()]
    except UnicodeDecodeError:  # Arrow checks no text
        texts = [
            value.as_buffer().to_pybytes().decode(errors="surrogateescape") if value.is_valid else None
            for value in encoded.dictionary
        ]
    return [None if at is None else texts[at] for at in encoded.indices.to_pylist()]


def _label(text: str | None) -> str:
    if text is None:
        raise BadSample("its label is null")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadSample("its label is not UTF-8") from None
    return read_label(text)
