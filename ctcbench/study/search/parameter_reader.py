"""ParameterReader: one key of the table [space] of a search, checked with the setting or option it names."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ctcbench.config.component_settings import COMPONENT_KINDS, canonical_value
from ctcbench.config.legacy_settings import unknown_setting
from ctcbench.config.run_config import COMPONENT_SETTINGS, RunConfig, setting_fields
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.components import Kind
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.contract.options import show
from ctcbench.contract.word_lists import join_words
from ctcbench.files.toml_documents import fits_toml
from ctcbench.registry.component_registry import Registry
from ctcbench.study.search.search_space import Parameter
from ctcbench.study.study_file_reader import StudyFileReader

_RANGE = ("low", "high", "log", "step")
_EXPECTED = "expected a list of choices, or { low = …, high = … } with log = true or step = … if needed"
_OTHER_IMAGES = "scores of different validation images can't be compared"
_NO_EFFECT = "it has no effect on the validation score; `ctcbench ablate` compares its values"
# Settings that a search can't vary, and why.
_FIXED = {
    "dataset": _OTHER_IMAGES,
    "val_samples": _OTHER_IMAGES,
    "skip_bad": _OTHER_IMAGES,
    "decoder": _NO_EFFECT,
    "test_samples": _NO_EFFECT,
    "seed": "each configuration is trained with every seed of the key `seeds`",
    "device": "give the device under [base]",
}


@dataclass(frozen=True)
class ParameterReader:
    """Parser of the table [space].

    Attributes:
        file: the reader of the file, for errors.
        registry: the components.
        settings: the settings of presets and of the table [base].
        base: the table [base].
        table: the table.
    """

    file: StudyFileReader
    registry: Registry
    settings: Mapping[str, Any]
    base: Mapping[str, Any]
    table: Mapping[str, Any]

    def read(self, name: str) -> Parameter:
        """Return the parameter of a key.

        Raises:
            UsageError: there is no such setting or option, or a value is not allowed.
        """
        try:
            return self._parameter(name, self.table[name])
        except UsageError as error:
            raise self.file.wrong(f"space.{name}: {error}", "space", name) from None

    def _parameter(self, name: str, value: Any) -> Parameter:
        setting, colon, option = name.partition(":")
        if setting in _FIXED:
            raise UsageError(f"{setting} can't be searched: {_FIXED[setting]}")
        if colon:
            annotation = self._option_type(setting, option)
            # The option of a preset's component is overridden, as by a flag.
            written = setting in self.table or setting in self.base
            for _, _, given in self._components(setting) if written else ():
                if option in given.options:
                    raise UsageError(f"{given} has this option already: remove it there")
        elif setting in self.base:
            raise UsageError(f"{setting} is in [base] as well: remove it there")
        else:
            if setting not in setting_fields():
                raise UsageError(unknown_setting(setting, setting_fields()))
            annotation = setting_fields()[setting].annotation
        if isinstance(value, list):
            return Parameter(name, choices=self._choices(name, value))
        if isinstance(value, dict):
            return self._range(name, value, _number_type(annotation))
        raise UsageError(_EXPECTED)

    def _option_type(self, kind: str, option: str) -> Any:
        kinds = [known for known in COMPONENT_SETTINGS if known not in _FIXED]
        if kind not in kinds:
            raise UsageError(
                f"no kind of component {kind!r}{nearest(kind, kinds)} (kinds: {', '.join(kinds)})"
            )
        found = {name: self.registry.get(known, name).options for known, name, _ in self._components(kind)}
        types_found = [options[option].annotation for options in found.values() if option in options]
        if not types_found:
            names = sorted({name for options in found.values() for name in options})
            known = ", ".join(names) or "none"
            raise UsageError(
                f"no option {option!r} of {join_words(found, 'or')}{nearest(option, names)} "
                f"(options: {known})"
            )
        return types_found[0]

    def _components(self, kind: str) -> Iterator[tuple[Kind, str, ComponentString]]:
        """Yield the components that the search may choose for a kind: its choices, or that of the base."""
        known = next(one for one in COMPONENT_SETTINGS if one == kind)
        given = self.table.get(kind, self.settings[kind])
        for text in given if isinstance(given, list) else [given]:
            parsed = ComponentString.parse(self.registry.resolve(known, str(text)))
            yield known, parsed.name, parsed

    def _choices(self, name: str, values: list[Any]) -> tuple[Any, ...]:
        if len(values) < 2:
            raise UsageError("expected at least two choices; a single value belongs under [base]")
        if any(isinstance(one, list | dict) for one in values):
            raise UsageError("a choice is text, a number, true or false")
        found = tuple(self._checked(name, value) for value in values)
        # In Python True equals 1, hence the text.
        if len(set(map(show, found))) < len(found):
            raise UsageError(f"a choice is given twice ({', '.join(map(show, found))})")
        return found

    def _range(self, name: str, given: Mapping[str, Any], kind: type | None) -> Parameter:
        if kind is None:
            hint = f'; an option is written "{name}:width" = …' if name in COMPONENT_SETTINGS else ""
            raise UsageError(f"it is not a number: give a list of choices{hint}")
        for key in given:
            if key not in _RANGE:
                raise UsageError(f"no key {key!r}{nearest(key, _RANGE)} (keys: {', '.join(_RANGE)})")
        if missing := [key for key in ("low", "high") if key not in given]:
            raise UsageError(f"no {' and no '.join(missing)}; {_EXPECTED}")
        low, high = (self._number(key, given[key], kind) for key in ("low", "high"))
        log, step = given.get("log", False), given.get("step")
        if not low < high:
            raise UsageError(f"low {show(low)} is not below high {show(high)}")
        if not isinstance(log, bool):
            raise UsageError(f"log {show(log)}: expected true or false")
        if log and low <= 0:
            raise UsageError(f"low {show(low)}: a logarithmic range needs a low above 0")
        if step is not None:
            step = self._number("step", step, kind)
            if log:
                raise UsageError("log and step: give one of them")
            if not (0 < step <= high - low) or (Decimal(show(high)) - Decimal(show(low))) % Decimal(
                show(step)
            ):
                raise UsageError(f"step {show(step)}: high - low must be a multiple of it")
        for key, value in (("low", low), ("high", high)):
            try:
                self._checked(name, value)
            except UsageError as error:
                raise UsageError(f"{key}: {error}") from None
        return Parameter(name, low=low, high=high, log=log, step=step, is_integer=kind is int)

    def _number(self, key: str, value: Any, kind: type) -> Any:
        # In Python true is a number.
        whole = isinstance(value, int) and not isinstance(value, bool)
        if kind is int and not (whole and fits_toml(value)):
            raise UsageError(f"{key} {show(value)}: expected a whole number")
        if not (whole or isinstance(value, float)) or not math.isfinite(value):
            raise UsageError(f"{key} {show(value)}: expected a number")
        return kind(value)

    def _checked(self, name: str, value: Any) -> Any:
        """Return a value in its canonical form.

        Raises:
            UsageError: the setting or option does not allow it.
        """
        setting, colon, option = name.partition(":")
        if colon:
            for known, component, given in self._components(setting):
                if option in self.registry.get(known, component).options:
                    options = {**given.options, option: show(value)}
                    self.registry.resolve(known, str(ComponentString(component, options)))
            return value
        if name in COMPONENT_KINDS:
            return canonical_value(self.registry, name, value)
        return getattr(RunConfig(**{name: value}), name)


def _number_type(annotation: Any) -> type | None:
    """Return int or float for the type of a number, also one beside None, else None."""
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    arms = (
        [arm for arm in typing.get_args(annotation) if arm is not types.NoneType]
        if typing.get_origin(annotation) in (typing.Union, types.UnionType)
        else [annotation]
    )
    return next((arm for arm in arms if arm in (int, float)), None)
