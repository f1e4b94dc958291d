"""StudyFileReader: the keys that the files of `ctcbench ablate` and `ctcbench tune` have in common."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctcbench.config.budget import read_duration
from ctcbench.config.legacy_settings import unknown_setting
from ctcbench.config.presets import line_of
from ctcbench.config.run_config import setting_fields
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.results.decoder_key import FILE_NAME, is_file_name
from ctcbench.study.seeds import read_seeds


@dataclass(frozen=True)
class StudyFileReader:
    """Parser of the common keys of study files; its errors name file and line."""

    path: Path
    text: str

    def wrong(self, message: str, *key: str, number: int = 1) -> UsageError:
        """Return an error that names the line of a key, which is given as table and name or as name alone.

        `number` is which of several tables with one header the key is in, counted from 1.
        """
        return UsageError(f"{self.path}, line {line_of(key, self.text, number)}: {message}")

    def require_known(self, document: Mapping[str, Any], keys: Collection[str], table: str) -> None:
        """Check the keys of a document; `table` is where the settings of every run belong.

        Raises:
            UsageError: a key is not in `keys`.
        """
        for key in document:
            if key not in keys:
                hint = f"; settings such as {key} belong under [{table}]" if key in setting_fields() else ""
                allowed = ", ".join(keys)
                raise self.wrong(f"no key {key!r}{nearest(key, keys)}{hint} (a study has: {allowed})", key)

    def typed(self, document: Mapping[str, Any], key: str, kind: type, word: str) -> Any:
        """Return the value of a key, None if the document has none.

        Raises:
            UsageError: it is not of the type `kind`, which the message calls `word`.
        """
        value = document.get(key)
        # In Python true is a whole number; in a study file it is a mistake.
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise self.wrong(f"{key}: expected {word}", key)
        return value

    def texts(self, document: Mapping[str, Any], *keys: str) -> dict[str, str | None]:
        """Return the texts of `keys`, None for each that the document lacks.

        Raises:
            UsageError: one is not a text.
        """
        return {key: self.typed(document, key, str, "text") for key in keys}

    def name(self, document: Mapping[str, Any]) -> str:
        """Return the name of the study, by default that of its file.

        Raises:
            UsageError: it can't be the name of a folder.
        """
        # The name becomes a folder in `out`, so it must be a plain file name.
        name = self.typed(document, "name", str, "text") or self.path.stem
        if not is_file_name(name):
            raise self.wrong(f"name {name!r}: expected {FILE_NAME}", "name")
        return str(name)

    def count(self, document: Mapping[str, Any], key: str, default: int, *, least: int = 1) -> int:
        """Return a whole number of at least `least`.

        Raises:
            UsageError: it is another value.
        """
        value = self.typed(document, key, int, "a whole number")
        if value is not None and value < least:
            raise self.wrong(f"{key} {value}: expected {least} or more", key)
        return default if value is None else int(value)

    def seeds(self, document: Mapping[str, Any]) -> tuple[int, ...]:
        """Return the seeds, none if the document has none.

        Raises:
            UsageError: they are neither a count nor a list.
        """
        try:
            return read_seeds(document["seeds"]) if "seeds" in document else ()
        except UsageError as error:
            raise self.wrong(str(error), "seeds") from None

    def budget(self, document: Mapping[str, Any]) -> str | None:
        """Return the budget as it is written, None if the document has none.

        Raises:
            UsageError: it is not a duration.
        """
        try:
            if "budget" in document:
                read_duration(document["budget"])
        except UsageError as error:
            raise self.wrong(str(error).removeprefix("--"), "budget") from None
        return document.get("budget")

    def base(self, document: Mapping[str, Any], keys: Collection[str], variable: str) -> dict[str, Any]:
        """Return the settings of every run.

        Args:
            document: the file.
            keys: those that a file of this kind has.
            variable: where settings that vary belong.

        Raises:
            UsageError: there is no such setting, or a value is a list or a table.
        """
        base: dict[str, Any] = self.typed(document, "base", dict, "a table") or {}
        for setting, value in base.items():
            if setting in keys and setting not in setting_fields():
                raise self.wrong(
                    f"base: {setting} belongs at the top, above the first table", "base", setting
                )
            self.require_setting(setting, setting_fields(), "base")
            if isinstance(value, list | dict):
                raise self.wrong(f"base.{setting}: expected one value; {variable}", "base", setting)
        return base

    def require_setting(self, setting: str, known: Collection[str], where: str, number: int = 1) -> None:
        """Check the name of a setting in the `number`-th table `where`.

        Raises:
            UsageError: it is not in `known`.
        """
        if setting not in known:
            raise self.wrong(f"{where}: {unknown_setting(setting, known)}", where, setting, number=number)
