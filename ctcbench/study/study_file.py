"""StudySpec: a study as a file or the flags of `ctcbench ablate` describe it, before it is expanded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ctcbench.config.presets import STUDIES
from ctcbench.config.run_config import flag, setting_fields
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.files.toml_documents import read_toml_document
from ctcbench.study.scale import read_scale
from ctcbench.study.study_file_reader import StudyFileReader

MAX_RUNS = 500
Values = tuple[Any, ...]
_KEYS = (
    "name", "description", "preset", "seeds", "scale", "budget", "max_runs", "executor", "base", "axes",
    "include", "exclude",
)  # fmt: skip

_KEYS_WITHOUT_CONFIGURATIONS = {"name", "description", "scale", "budget", "max_runs", "executor"}


@dataclass(frozen=True)
class StudySpec:
    """Description of a study.

    Attributes:
        preset: preset that every configuration is based on.
        base: settings of every configuration.
        axes: values by setting, or by ``preset``; the grid is their product. None: no grid.
        include: grids of their own over the base, which may name their configurations by the key ``name``.
            Without ``axes`` they are the whole study.
        exclude: conditions; a configuration of the grid that meets all of one rule is removed.
        seeds: seeds of every configuration; empty: the seed of the settings.
        scale: factor for the images and epochs of every configuration.
        budget: duration of each training, such as ``60s``, from which numbers of images and epochs that are
            neither in `base` nor in an axis or a rule are chosen; None: those of the settings are used.
        max_runs: number of configurations above which a study must be confirmed.
        executor: component string of the executor; None: the default.
        path: file that the study was read from; None: flags only.
        flagged: settings that flags gave, also in place of those of a file; an exclude rule may then match
            nothing.
    """

    name: str = ""
    description: str = ""
    preset: str | None = None
    base: Mapping[str, Any] = field(default_factory=dict)
    axes: Mapping[str, Values] | None = None
    include: tuple[Mapping[str, Values], ...] = ()
    exclude: tuple[Mapping[str, Values], ...] = ()
    seeds: tuple[int, ...] = ()
    scale: float = 1.0
    budget: str | None = None
    max_runs: int = MAX_RUNS
    executor: str | None = None
    path: Path | None = None
    flagged: frozenset[str] = frozenset()

    def has(self, setting: str) -> bool:
        """Return whether the base, an axis or an include rule has a setting."""
        return any(setting in table for table in (self.base, self.axes or {}, *self.include))

    def place(self, setting: str) -> str:
        """Return where the user wrote a setting: its table and name in the study file, or its flag."""
        tables = {"axes": [self.axes or {}], "include": self.include, "base": [self.base]}
        found = [name for name, grids in tables.items() if any(setting in grid for grid in grids)]
        if setting in self.flagged or not (self.path or (self.flagged and found)):
            return flag(setting)
        return f"{found[0]}.{setting}" if found else setting

    def with_flags(
        self, preset: Sequence[str], given: Mapping[str, Sequence[Any]], seeds: tuple[int, ...] = ()
    ) -> StudySpec:
        """Return the study with flags in place of the same settings in base, axes and include rules.

        A flag with one value applies to every configuration; one with several values becomes an axis of
        the grid and of each include rule.

        Raises:
            UsageError: both `seeds` and the flag ``--seed`` are given.
        """
        if seeds and "seed" in given:
            raise UsageError("--seeds and --seed: give one of them")
        flags = ({"preset": preset} if preset else {}) | dict(given)
        decided = {*flags, "seed"} if seeds else set(flags)
        several = {name: tuple(values) for name, values in flags.items() if len(values) > 1}
        single = {name: values[0] for name, values in flags.items() if len(values) == 1}

        # A flag replaces the setting wherever the file has it; an axis or a rule would otherwise override it.
        def overridden(grid: Mapping[str, Values]) -> dict[str, Values]:
            return {name: values for name, values in grid.items() if name not in decided} | several

        return replace(
            self,
            preset=single.pop("preset", self.preset),
            base={name: value for name, value in self.base.items() if name not in decided} | single,
            # A study of include rules alone gets no grid: the flags apply to the rules.
            axes=None if self.axes is None and self.include else overridden(self.axes or {}),
            include=tuple(map(overridden, self.include)),
            seeds=seeds or (() if "seed" in flags else self.seeds),
            flagged=frozenset(decided),
        )


def study_names() -> list[str]:
    """Return the names of the studies that ctcbench contains."""
    return sorted(path.stem for path in STUDIES.glob("*.toml"))


def find_study(given: str) -> Path:
    """Return the path of a study file, given as a path or as the name of a study that ctcbench contains.

    Raises:
        UsageError: there is no such study.
    """
    path, names = Path(given), study_names()
    # A file in the working directory comes before a study of the same name that ctcbench contains.
    if given in names and not path.is_file():
        return STUDIES / f"{given}.toml"
    if path.suffix == ".toml" or path.exists():
        return path
    raise UsageError(f"no study {given!r}{nearest(given, names)} (a TOML file, or {', '.join(names)})")


def read_study(path: Path) -> StudySpec:
    """Return the study in a TOML file.

    Raises:
        UsageError: the file can't be read, is not TOML, or has a key, a setting or a value that is not
            allowed. The message names the file, and the line if there is one.
    """
    text, document = read_toml_document(path)
    return _Reader(path, text).study(document)


class _Reader(StudyFileReader):
    """Parser of a study file of `ctcbench ablate`."""

    def study(self, document: Mapping[str, Any]) -> StudySpec:
        self.require_known(document, _KEYS, "base")
        text = self.texts(document, "description", "preset", "executor")
        name, max_runs = self.name(document), self.count(document, "max_runs", MAX_RUNS)
        seeds = self.seeds(document)
        try:
            scale = read_scale(document.get("scale", 1))
        except UsageError as error:
            raise self.wrong(str(error), "scale") from None
        budget, base = self.budget(document), self.base(document, _KEYS, "an axis belongs under [axes]")
        if not document.keys() - _KEYS_WITHOUT_CONFIGURATIONS:
            # Most likely a wrong file: without this, it would train the default configuration.
            raise UsageError(
                f"{self.path}: no configuration; a study needs [axes], [[include]], seeds or [base]"
            )
        return StudySpec(
            name=name,
            description=text["description"] or "",
            preset=text["preset"],
            base=base,
            axes=self._values(document["axes"], "axes") if "axes" in document else None,
            include=self._rules(document, "include"),
            exclude=self._rules(document, "exclude"),
            seeds=seeds,
            scale=scale,
            budget=budget,
            max_runs=max_runs,
            executor=text["executor"],
            path=self.path,
        )

    def _rules(self, document: Mapping[str, Any], key: str) -> tuple[Mapping[str, Values], ...]:
        rules = document.get(key, [])
        if not isinstance(rules, list):
            raise self.wrong(f"{key}: expected tables, each with the header [[{key}]]", key)
        return tuple(self._values(rule, key, number) for number, rule in enumerate(rules, start=1))

    def _values(self, table: Any, where: str, number: int = 1) -> dict[str, Values]:
        """Return the values of a table. A rule is the `number`-th of its kind, which its line is found by."""
        if not isinstance(table, dict):
            raise self.wrong(f"{where}: expected a table of setting = value or [values]", where)
        if not table:
            raise self.wrong(f"{where}: no setting; add one, or remove the table", where, number=number)
        found: dict[str, Values] = {}
        for setting, value in table.items():
            known = [*setting_fields(), "preset", *(["name"] if where == "include" else [])]
            self.require_setting(setting, known, where, number)
            values = value if isinstance(value, list) else [value]
            if problem := _problem(setting, value, values):
                raise self.wrong(f"{where}.{setting}: {problem}", where, setting, number=number)
            found[setting] = tuple(values)
        return found


def _problem(setting: str, value: Any, values: Sequence[Any]) -> str:
    """Return what is wrong with the values of a setting, or an empty text."""
    if not values:
        return "empty list; add values, or remove the key"
    if any(isinstance(one, list | dict) for one in values):
        return "expected text, numbers, true or false"
    if setting == "name" and not (isinstance(value, str) and value.strip()):
        return "expected a text"
    return ""
