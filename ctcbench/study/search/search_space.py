"""SearchSpace: the settings and component options that a search varies, and their ranges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ctcbench.config.run_config import COMPONENT_SETTINGS
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.components import Kind
from ctcbench.contract.options import show
from ctcbench.registry.component_registry import Registry

# Sampled numbers are rounded to this many digits, so that files and labels stay legible.
DIGITS = 4


@dataclass(frozen=True)
class Parameter:
    """A setting, or an option of a component, with the values that it may have: choices or a range.

    Attributes:
        name: the setting, such as ``lr``, or kind and option, such as ``backbone:width``.
        choices: the values; empty for a range.
        low: least value of a range.
        high: greatest value of a range.
        log: whether values are drawn uniformly on a logarithmic scale.
        step: distance of the values of a range; None: every number, or every whole number.
        is_integer: whether the values of a range are whole numbers.
    """

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    is_integer: bool = False

    @property
    def option(self) -> str:
        """The name of the option, empty for a setting."""
        return self.name.partition(":")[2]

    @property
    def kind(self) -> Kind | None:
        """The kind of component that the parameter chooses or has an option of."""
        kind = self.name.partition(":")[0]
        return next((known for known in COMPONENT_SETTINGS if known == kind), None)

    def rounded(self, value: Any) -> Any:
        """Return a sampled value as it is used in a configuration."""
        if self.choices or not isinstance(value, float):
            return value
        if self.step is not None:
            # In decimals: 0.1 + 0.2 is another number than 0.3, with another train key.
            low, step = Decimal(show(self.low)), Decimal(show(self.step))
            return float(low + round((Decimal(value) - low) / step) * step)
        # Rounding must not lead out of the range.
        return min(max(float(f"{value:.{DIGITS}g}"), self.low), self.high)

    def to_json(self) -> dict[str, Any]:
        """Return the values as they are written in a study file."""
        if self.choices:
            return {"choices": list(self.choices)}
        step = {} if self.step is None else {"step": self.step}
        return {"low": self.low, "high": self.high, "log": self.log, **step}

    def __str__(self) -> str:
        if self.choices:
            return ", ".join(map(show, self.choices))
        notes = [" (logarithmic)" if self.log else "", f" in steps of {show(self.step)}" if self.step else ""]
        return f"{show(self.low)} to {show(self.high)}{''.join(notes)}"


@dataclass(frozen=True)
class SearchSpace:
    """The parameters of a search.

    Attributes:
        registry: where the components come from.
        parameters: settings first, then options, so that the component of an option is known before it, and
            so is the extra data set before its share.
        components: component strings of the settings that no parameter chooses.
    """

    registry: Registry = field(repr=False)
    parameters: tuple[Parameter, ...]
    components: Mapping[str, str]

    def active(self, parameter: Parameter, values: Mapping[str, Any]) -> bool:
        """Return whether a parameter applies, given the values of the parameters before it."""
        if not parameter.option:
            return not (parameter.name == "extra_share" and values.get("extra_dataset") == "")
        assert parameter.kind
        name = ComponentString.parse(self._component(parameter.kind, values)).name
        return parameter.option in self.registry.get(parameter.kind, name).options

    def settings(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings of a configuration from the values of its active parameters."""
        found = {name: value for name, value in values.items() if ":" not in name}
        for kind, options in self._options(values):
            given = ComponentString.parse(self._component(kind, values))
            found[kind] = str(ComponentString(given.name, {**given.options, **options}))
        return found

    def _options(self, values: Mapping[str, Any]) -> Iterator[tuple[Kind, dict[str, str]]]:
        for kind in COMPONENT_SETTINGS:
            options = {
                p.option: show(values[p.name])
                for p in self.parameters
                if p.option and p.name in values and p.kind == kind
            }
            if options:
                yield kind, options

    def _component(self, kind: Kind, values: Mapping[str, Any]) -> str:
        return str(values.get(kind, self.components[kind]))
