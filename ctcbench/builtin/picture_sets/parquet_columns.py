"""PictureColumns: which columns of a Parquet file hold pictures, labels, splits and groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctcbench.builtin.labelling.list_columns import NAME_TITLES, SPLIT_TITLES, TEXT_TITLES
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.contract.word_lists import join_words


@dataclass(frozen=True)
class PictureColumns:
    """The names of columns; empty where the user names none."""

    image: str = ""
    label: str = ""
    split: str = ""
    group: str = ""

    def of(self, path: Path, schema: Any) -> PictureColumns:
        """Return the columns of a file of this pyarrow schema; split and group are empty if there are none.

        Raises:
            UsageError: a column is missing or of another type, or it is not clear which one is meant.
        """
        for name, option in ((self.image, "image"), (self.label, "label"), (self.split, "split")):
            if name and name not in schema.names:
                raise UsageError(
                    f"{path}: no column {name!r} ({option}={name}){nearest(name, schema.names)} "
                    f"({_listed(schema)})"
                )
        if repeated := sorted({name for name in schema.names if schema.names.count(name) > 1}):
            raise UsageError(f"{path}: has several columns {repeated[0]!r}; give them different names")
        pictures = [field.name for field in schema if _holds_pictures(field)]
        texts = [field.name for field in schema if _holds_text(field.type)]
        image = self.image or _only(path, schema, "image", pictures, NAME_TITLES)
        label = self.label or _only(
            path, schema, "label", [name for name in texts if name.lower() in TEXT_TITLES], TEXT_TITLES
        )
        if image not in pictures:
            raise UsageError(
                f"{path}: the column {image!r} is {schema.field(image).type}; pictures are binary, or "
                f"structs with bytes and path"
            )
        for name, option in ((label, "label"), (self.split, "split")):
            if name and name not in texts:
                raise UsageError(
                    f"{path}: the column {name!r} ({option}=) is {schema.field(name).type}, not text"
                )
        usual = next((name for name in texts if name.lower() in SPLIT_TITLES), "")
        return PictureColumns(image, label, self.split or usual, self._group_of(path, schema))

    def _group_of(self, path: Path, schema: Any) -> str:
        # Where there is no such column, `group` may be a regular expression.
        if not self.group or self.group not in schema.names:
            return ""
        type_ = schema.field(self.group).type
        if not (_holds_text(type_) or _holds_whole_numbers(type_)):
            raise UsageError(
                f"{path}: the column {self.group!r} (group=) is {type_}; groups are texts, whole numbers or "
                f"truth values"
            )
        return self.group


def _only(path: Path, schema: Any, what: str, found: Sequence[str], usual: Sequence[str]) -> str:
    if len(found) > 1:
        # Beside a picture there may be its mask; the usual name decides.
        called = [name for name in found if name.lower() in usual]
        found = called if len(called) == 1 else found
    if not found:
        kind = "pictures (binary, or structs with bytes)" if what == "image" else "labels (text)"
        raise UsageError(f"{path}: has no column of {kind} ({_listed(schema)}); {what}=NAME names it")
    if len(found) > 1:
        several = join_words(map(repr, found))
        raise UsageError(f"{path}: the columns {several} may all be meant; {what}=NAME selects one")
    return found[0]


def _listed(schema: Any) -> str:
    columns = [f"{field.name}: {field.type}" for field in schema]
    more = f" and {len(columns) - 20} more" if len(columns) > 20 else ""
    return f"columns: {', '.join(columns[:20])}{more}"


def _holds_pictures(field: Any) -> bool:
    import pyarrow.types as kinds

    type_ = field.type
    if kinds.is_struct(type_):
        names = [type_.field(i).name for i in range(type_.num_fields)]
        return "bytes" in names and _is_binary(type_.field("bytes").type)
    return bool(_is_binary(type_))


def _is_binary(type_: Any) -> Any:
    import pyarrow.types as kinds

    return kinds.is_binary(type_) or kinds.is_large_binary(type_) or kinds.is_binary_view(type_)


def _holds_whole_numbers(type_: Any) -> bool:
    import pyarrow.types as kinds

    type_ = _of_values(type_)
    return bool(kinds.is_integer(type_) or kinds.is_boolean(type_))


def _holds_text(type_: Any) -> bool:
    import pyarrow.types as kinds

    type_ = _of_values(type_)
    return bool(kinds.is_string(type_) or kinds.is_large_string(type_) or kinds.is_string_view(type_))


def _of_values(type_: Any) -> Any:
    import pyarrow.types as kinds

    return type_.value_type if kinds.is_dictionary(type_) else type_
