"""Spec: what a study file or the flags of `ctcbench ablate` ask for, before anything is expanded."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ctcbench.config.presets import STUDIES, line_of
from ctcbench.config.run_config import setting_fields
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.results.keys import FILE_NAME, is_file_name
from ctcbench.study.scale import read_scale
from ctcbench.study.seeds import read_seeds

MAX_RUNS = 500
Values = tuple[Any, ...]
_KEYS = (
    "name", "description", "preset", "seeds", "scale", "max_runs", "executor", "base", "axes", "include",
    "exclude",
)  # fmt: skip


@dataclass(frozen=True)
class Spec:
    """A study: ``axes`` over a ``base`` (a preset and settings), rules, seeds, a budget of runs.

    A setting may also be ``preset``. ``include`` rules are grids of their own over the base, and may say
    under ``name`` what their configurations are called; ``exclude`` rules take out of the grid whatever has
    all that they name. ``scale`` shrinks every configuration. ``path`` is the file that it came from.
    """

    name: str = ""
    description: str = ""
    preset: str | None = None
    base: Mapping[str, Any] = field(default_factory=dict)
    axes: Mapping[str, Values] = field(default_factory=dict)
    include: tuple[Mapping[str, Values], ...] = ()
    exclude: tuple[Mapping[str, Values], ...] = ()
    seeds: tuple[int, ...] = ()
    scale: float = 1.0
    max_runs: int = MAX_RUNS
    executor: str | None = None
    path: Path | None = None

    def with_flags(
        self, preset: Sequence[str], given: Mapping[str, Sequence[Any]], seeds: tuple[int, ...] = ()
    ) -> Spec:
        """Return the study with flags laid over it: one value takes an axis's place, several are an axis.

        Raises:
            UsageError: `seeds` and a seed are given.
        """
        if seeds and "seed" in given:
            raise UsageError("--seeds and --seed: give one of them")
        base, axes = dict(self.base), dict(self.axes)
        chosen = self.preset
        for name, values in (({"preset": preset} if preset else {}) | dict(given)).items():
            axes.pop(name, None)
            base.pop(name, None)
            if len(values) > 1:
                axes[name] = tuple(values)
            elif name == "preset":
                chosen = values[0]
            else:
                base[name] = values[0]
        if seeds:
            base.pop("seed", None)
            axes.pop("seed", None)
        kept = () if "seed" in given else self.seeds
        return replace(self, preset=chosen, base=base, axes=axes, seeds=seeds or kept)


def study_names() -> list[str]:
    """Return the names of the studies that ship."""
    return sorted(path.stem for path in STUDIES.glob("*.toml"))


def find_study(given: str) -> Path:
    """Return the file of a study, by its path or, for one that ships, its name.

    Raises:
        UsageError: there is none.
    """
    path, names = Path(given), study_names()
    if given in names and not path.is_file():
        return STUDIES / f"{given}.toml"
    if path.suffix == ".toml" or path.exists():
        return path
    raise UsageError(f"no study {given!r}{nearest(given, names)} (a TOML file, or {', '.join(names)})")


def read_study(path: Path) -> Spec:
    """Return the study in a TOML file.

    Raises:
        UsageError: the file can't be read, is no TOML, or has a key, a setting or a value that a study
            can't have; names the file, and the line where one is to blame.
    """
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: can't be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    return _Reader(path, text).study(document)


@dataclass(frozen=True)
class _Reader:
    """Reads a document, and knows what to name in an error."""

    path: Path
    text: str

    def wrong(self, key: str, message: str) -> UsageError:
        return UsageError(f"{self.path}, line {line_of(key, self.text)}: {message}")

    def study(self, document: Mapping[str, Any]) -> Spec:
        for key in document:
            if key not in _KEYS:
                hint = (
                    f"; settings of every run go under [base], {key} too" if key in setting_fields() else ""
                )
                allowed = ", ".join(_KEYS)
                raise self.wrong(key, f"no key {key!r}{nearest(key, _KEYS)}{hint} (a study has: {allowed})")
        text = {
            key: self._typed(document, key, str, "text")
            for key in ("name", "description", "preset", "executor")
        }
        name = text["name"] or self.path.stem
        if not is_file_name(name):
            raise self.wrong("name", f"name {name!r}: expected {FILE_NAME}")
        max_runs = self._typed(document, "max_runs", int, "a whole number")
        if max_runs is not None and max_runs < 1:
            raise self.wrong("max_runs", f"max_runs {max_runs}: expected 1 or more")
        try:
            seeds = read_seeds(document["seeds"]) if "seeds" in document else ()
        except UsageError as error:
            raise self.wrong("seeds", str(error)) from None
        try:
            scale = read_scale(document.get("scale", 1))
        except UsageError as error:
            raise self.wrong("scale", str(error)) from None
        base = self._typed(document, "base", dict, "a table") or {}
        for setting, value in base.items():
            self._known(setting, "base")
            if isinstance(value, list | dict):
                raise self.wrong(setting, f"base.{setting}: one plain value; an axis goes under [axes]")
        return Spec(
            name=name,
            description=text["description"] or "",
            preset=text["preset"],
            base=base,
            axes=self._values(document["axes"], "axes") if "axes" in document else {},
            include=self._rules(document, "include"),
            exclude=self._rules(document, "exclude"),
            seeds=seeds,
            scale=scale,
            max_runs=max_runs or MAX_RUNS,
            executor=text["executor"],
            path=self.path,
        )

    def _typed(self, document: Mapping[str, Any], key: str, kind: type, word: str) -> Any:
        value = document.get(key)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise self.wrong(key, f"{key}: expected {word}")
        return value

    def _known(self, setting: str, where: str) -> None:
        known = [*setting_fields(), "preset", *(["name"] if where == "include" else [])]
        if setting not in known or (setting == "preset" and where == "base"):
            raise self.wrong(
                setting,
                f"{where}: no setting {setting!r}{nearest(setting, known)} (settings: {', '.join(known)})",
            )

    def _rules(self, document: Mapping[str, Any], key: str) -> tuple[Mapping[str, Values], ...]:
        rules = document.get(key, [])
        if not isinstance(rules, list):
            raise self.wrong(key, f"{key}: expected tables, each headed [[{key}]]")
        return tuple(self._values(rule, key) for rule in rules)

    def _values(self, table: Any, where: str) -> dict[str, Values]:
        if not isinstance(table, dict):
            raise self.wrong(where, f"{where}: expected a table of setting = value or [values]")
        if not table:
            what = (
                "an axis is a setting, and there is none"
                if where == "axes"
                else "a rule that names no setting"
            )
            raise self.wrong(where, f"{where}: {what}; name one, or leave it out")
        found: dict[str, Values] = {}
        for setting, value in table.items():
            self._known(setting, where)
            values = value if isinstance(value, list) else [value]
            if not values:
                raise self.wrong(setting, f"{where}.{setting}: an empty list; leave it out, or name values")
            if any(isinstance(one, list | dict) for one in values):
                raise self.wrong(setting, f"{where}.{setting}: expected plain values")
            if setting == "name" and not (isinstance(value, str) and value.strip()):
                raise self.wrong(setting, f"{where}.name: expected one text")
            found[setting] = tuple(values)
        return found
