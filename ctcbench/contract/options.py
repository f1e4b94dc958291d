"""Options of a component, read from the signature of its builder: types, bounds, help and errors agree."""

from __future__ import annotations

import contextlib
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctcbench.contract.errors import PluginError, UsageError, nearest
from ctcbench.contract.pydantic_words import describe_bounds, explain
from ctcbench.contract.word_lists import join_words

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic.fields import FieldInfo

# Types that can be written in a component string: alone, in a Literal, a list or a tuple, or beside None.
_PLAIN = (bool, int, float, str, Path)


@dataclass(frozen=True)
class AddedLater:
    """Mark of an option that its component lacked at first, in the `Annotated` of its type.

    At its default, which must be what the component did before, it is left out of train keys.
    """


@dataclass(frozen=True)
class Option:
    """One keyword-only parameter of a builder: its type, bounds, default and help."""

    name: str
    annotation: Any
    default: Any = field(default=inspect.Parameter.empty)

    @property
    def required(self) -> bool:
        """Whether the option has no default."""
        return self.default is inspect.Parameter.empty

    @property
    def added_later(self) -> bool:
        """Whether it has the mark `AddedLater`."""
        return any(isinstance(meta, AddedLater) for meta in _metadata(self.annotation))

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        from pydantic import ConfigDict, TypeAdapter

        # Without infinity and NaN, which no bound excludes and JSON can't store.
        return TypeAdapter(self.annotation, config=ConfigDict(allow_inf_nan=False))

    @cached_property
    def _field(self) -> FieldInfo | None:
        from pydantic.fields import FieldInfo

        found = (meta for meta in _metadata(self.annotation) if isinstance(meta, FieldInfo))
        return next(found, None)

    @property
    def description(self) -> str:
        """The help text from ``Field(description=…)``."""
        return (self._field.description or "") if self._field else ""

    @cached_property
    def type_name(self) -> str:
        """The type in words: ``int``, ``one of 'batch', 'none'``, ``list of whole numbers``."""
        return describe_type(_bare(self.annotation))

    @cached_property
    def bounds(self) -> str:
        """The bounds in words: ``8 to 512``, ``above 0``, or an empty text."""
        return describe_bounds(self._field)

    def read(self, value: Any) -> Any:
        """Return `value`, which is text or a value of the type, checked and converted.

        Raises:
            UsageError: the value has the wrong type or lies outside of the bounds.
        """
        from pydantic import ValidationError

        # Before pydantic, for which "none" is a text like any other.
        if value == show(None) and types.NoneType in typing.get_args(_bare(self.annotation)):
            return None
        bare = _bare(self.annotation)
        converted = _converted(value, bare)
        if _is_union(bare) and converted is not value:
            # Of `list[int] | str` the text as it is, of `list[int] | None` a list.
            with contextlib.suppress(ValidationError):
                return self._adapter.validate_python(value)
        try:
            return self._adapter.validate_python(converted)
        except ValidationError as error:
            allowed = ", ".join(part for part in (self.type_name, self.bounds) if part)
            # A bound of the elements of a list is not in `bounds`: there pydantic's text is needed.
            reason = explain(error, allowed=self.bounds or _choices(self.annotation))
            raise UsageError(f"{self.name}={show(value)}: {reason} (allowed: {allowed})") from None

    def as_text(self, value: Any) -> str:
        """Return `value` as it is written in a component string; `read` is the inverse."""
        return ",".join(show(part) for part in value) if isinstance(value, tuple | list) else show(value)


def options_of(builder: Callable[..., Any]) -> dict[str, Option]:
    """Return the options of a builder function, by name.

    Raises:
        PluginError: a keyword-only parameter has no type, or one that can't be written as text.
    """
    where = f"{builder.__module__}.{builder.__qualname__}"
    parameters = [
        p for p in inspect.signature(builder).parameters.values() if p.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    for parameter in parameters:
        remedy = f"write {parameter.name}: Annotated[int, Field(ge=…, le=…, description=…)] = …"
        if parameter.annotation is inspect.Parameter.empty:
            raise PluginError(f"{where}: option {parameter.name!r} has no type; {remedy}")
        if type(parameter.default).__name__ == "FieldInfo":  # pydantic models allow this, functions do not
            raise PluginError(f"{where}: the default of option {parameter.name!r} is a Field; {remedy}")
    # Only these annotations are resolved: others may use names that exist for type checkers alone.
    holder = types.SimpleNamespace(__annotations__={p.name: p.annotation for p in parameters})
    # include_extras keeps Annotated, whose Field has the bounds and the description.
    hints = typing.get_type_hints(holder, globalns=builder.__globals__, include_extras=True)
    for name, hint in hints.items():
        if not _can_be_typed(hint):
            bare = _bare(hint)
            shown = bare.__name__ if isinstance(bare, type) else bare
            raise PluginError(
                f"{where}: option {name!r} is of {shown}, which can't be written in a component string; "
                f"allowed are bool, int, float, str, Path, a Literal of these, a list or tuple of these, and "
                f"X | None"
            )
    return {p.name: Option(p.name, hints[p.name], p.default) for p in parameters}


def read_options(owner: str, options: Mapping[str, Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every option, from `given` or its default.

    Raises:
        UsageError: an option is unknown, missing, of the wrong type or out of bounds;
            the message begins with `owner`.
    """
    for name in given:
        if name not in options:
            known = ", ".join(options) or "it has none"
            raise UsageError(f"{owner}: no option {name!r}{nearest(name, options)} (options: {known})")
    # Every option, also those with their default: a recipe is complete without the builder's signature.
    values: dict[str, Any] = {}
    for option in options.values():
        if option.name in given:
            try:
                values[option.name] = option.read(given[option.name])
            except UsageError as error:
                raise UsageError(f"{owner}: {error}") from None
        elif option.required:
            raise UsageError(f"{owner}: option {option.name!r} is required ({option.description})")
        else:
            values[option.name] = option.default
    return values


def show(value: Any) -> str:
    """Return a plain value as it is written in a component string."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    # repr() has as many digits as it takes to read the same number again.
    if isinstance(value, float):
        return repr(value)
    try:
        return str(value)
    except ValueError:  # Python refuses to print integers of more than 4,300 digits
        return f"an integer of {value.bit_length()} bits"


def describe_type(bare: Any) -> str:
    """Return a type, without its annotations, in words."""
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if origin is typing.Literal:
        return "one of " + ", ".join(str(argument) for argument in arguments)
    if origin in (tuple, list):
        # tuple[int, int] has a fixed length, tuple[int, ...] has not.
        if origin is tuple and Ellipsis not in arguments:
            return f"{len(arguments)} values: " + ", ".join(describe_type(_bare(a)) for a in arguments)
        of = describe_type(_bare(arguments[0]))
        return f"list of {of}{'s' * (of in ('text', 'number', 'whole number'))}"
    if _is_union(bare):
        return join_words(
            ("none" if a is types.NoneType else describe_type(_bare(a)) for a in arguments), "or"
        )
    return {"str": "text", "bool": "true or false", "float": "number", "int": "whole number"}.get(
        getattr(bare, "__name__", str(bare)), getattr(bare, "__name__", str(bare))
    )


def _converted(value: Any, bare: Any) -> Any:
    """Return a text, converted as far as pydantic does not: it splits no lists, and maps no literals."""
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if _is_union(bare):
        arms = (_converted(value, _bare(arm)) for arm in arguments)
        return next((found for found in arms if found is not value), value)
    if origin is typing.Literal:
        return next((one for one in arguments if show(one) == value), value)
    if origin in (tuple, list) and isinstance(value, str):
        parts = [part.strip() for part in value.split(",") if part.strip()]
        kinds = arguments if origin is tuple and Ellipsis not in arguments else arguments[:1] * len(parts)
        # Of another number pydantic says which one is allowed.
        if len(kinds) != len(parts):
            return parts
        return [_converted(part, _bare(kind)) for part, kind in zip(parts, kinds, strict=True)]
    return value


def _is_union(bare: Any) -> bool:
    # `Optional[X]` and `X | None` have different origins in Python below 3.14.
    return typing.get_origin(bare) in (typing.Union, types.UnionType)


def _choices(annotation: Any) -> str:
    """Return the choices of a Literal in words, or an empty text for another type."""
    bare = _bare(annotation)
    return describe_type(bare) if typing.get_origin(bare) is typing.Literal else ""


def _can_be_typed(annotation: Any) -> bool:
    bare = _bare(annotation)
    origin, arguments = typing.get_origin(bare), typing.get_args(bare)
    if origin is typing.Literal:
        return all(isinstance(one, _PLAIN) for one in arguments)
    if _is_union(bare):
        return all(_can_be_typed(one) for one in arguments if one is not types.NoneType)
    if origin in (list, tuple):
        return all(_can_be_typed(one) for one in arguments if one is not Ellipsis)
    return bare in _PLAIN


def _metadata(annotation: Any) -> tuple[Any, ...]:
    return annotation.__metadata__ if typing.get_origin(annotation) is typing.Annotated else ()


def _bare(annotation: Any) -> Any:
    return typing.get_args(annotation)[0] if typing.get_origin(annotation) is typing.Annotated else annotation
