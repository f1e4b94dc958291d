"""ComponentString: ``name`` or ``name:option=value,option=value``, parsed and formatted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ctcbench.contract.errors import UsageError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_PLAIN = re.compile(r"[^,:'\"]*")


@dataclass(frozen=True)
class ComponentString:
    """The name of a component and its options as text; ``str()`` returns the canonical form."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> ComponentString:
        """Parse a component string. A value that contains a comma, a colon or a quote is quoted.

        Raises:
            UsageError: the text is not of that form; the message quotes the part that is wrong.
        """
        # Not str.split(","): quoted values may have commas, so the text is read from left to right.
        name, colon, rest = text.strip().partition(":")
        if not _NAME.fullmatch(name):
            # `cnn3,width=3` and `cnn3 width=3`: the colon is the part that is forgotten most.
            meant = re.fullmatch(
                rf"({_NAME.pattern})[,;\s]\s*({_NAME.pattern}\s*=.*)", text.strip(), re.DOTALL
            )
            guess = f"; did you mean {f'{meant[1]}:{meant[2]}'!r}?" if meant else ""
            raise UsageError(f"{text!r}: expected name or name:option=value,option=value{guess}")
        options: dict[str, str] = {}
        position = 0
        while colon:
            found = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=").match(rest, position)
            if not found:
                # As in pattern=[a-z]{2,3}, where the comma is not meant to end the value.
                hint = f"; {_quoting_hint(name, next(reversed(options)))}" if options else ""
                raise UsageError(f"{text!r}: expected option=value at {rest[position:]!r}{hint}")
            option = found[1]
            # Not the last one: two values of one option are a mistake in most cases.
            if option in options:
                raise UsageError(f"{text!r}: option {option!r} is given twice")
            options[option], position = _value(text, rest, found.end())
            if position == len(rest):
                break
            if rest[position] != ",":
                raise UsageError(
                    f"{text!r}: unexpected {rest[position:]!r} after {option}; {_quoting_hint(name, option)}"
                )
            position += 1
        return cls(name, options)

    def __str__(self) -> str:
        if not self.options:
            return self.name
        return f"{self.name}:" + ",".join(f"{option}={quote_value(v)}" for option, v in self.options.items())


def _quoting_hint(name: str, option: str) -> str:
    # The quotes were there in many cases, and the shell removed them.
    return (
        f"a value with a comma, a colon or a quote in it is put in quotes, and in a shell the whole as well: "
        f"\"{name}:{option}='…'\""
    )


def _value(text: str, rest: str, position: int) -> tuple[str, int]:
    if rest[position : position + 1] in ("'", '"'):
        found = _QUOTED.match(rest, position)
        if not found:
            raise UsageError(f"{text!r}: the quote at {rest[position:]!r} is not closed")
        inner = found[1] if found[1] is not None else found[2]
        # A backslash escapes a quote or itself, and nothing else: regular expressions contain many.
        return re.sub(r"\\(['\"\\])", r"\1", inner), found.end()
    found = _PLAIN.match(rest, position)
    assert found  # the pattern matches an empty string
    return found[0].strip(), found.end()


def quote_value(value: str) -> str:
    """Return an option's value as it is written in a component string, in quotes where it needs them."""
    if value == value.strip() and not re.search(r"[,:'\"\\]", value):
        return value
    # Always single quotes: this text is the canonical form, which is compared and hashed.
    escaped = re.sub(r"(['\\])", r"\\\1", value)
    return f"'{escaped}'"
