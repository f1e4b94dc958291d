"""A case: the component under test, its options, and what the core would tell its builder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.components import Component
from ctcbench.contract.specs import Alphabet, ImageSpec, SequenceSpec
from ctcbench.files.text import one_line

T = TypeVar("T")

# What components are tried with where a test says nothing else.
IMAGE = ImageSpec(40, 150)
SEQUENCE = SequenceSpec(frames=18, features=48)
ALPHABET = Alphabet("0123456789abcdef")
_LONGEST = 400  # characters of what others wrote in a sentence of the kit's


class BrokenRule(AssertionError):
    """A failure that the kit found; any other AssertionError is an error of the component's."""


@dataclass(frozen=True)
class Case:
    """One component with options; ``image``, ``sequence`` and ``alphabet`` are what it is tried with."""

    component: Component
    options: Mapping[str, Any] = field(default_factory=dict)
    image: ImageSpec = IMAGE
    sequence: SequenceSpec = SEQUENCE
    alphabet: Alphabet = ALPHABET

    @property
    def name(self) -> str:
        """How a failure names the component: its kind and its component string."""
        given = {name: str(value) for name, value in self.options.items()}
        builder = self.component.builder
        name = getattr(builder, "__name__", type(builder).__name__)  # a partial has none
        return f"{self.component.kind} {ComponentString(name, given)}"

    @property
    def context(self) -> tuple[Any, ...]:
        """What the core hands to a builder of this kind."""
        told: dict[str, tuple[Any, ...]] = {
            "augmentation": (self.image,),
            "backbone": (self.image,),
            "head": (self.sequence,),
            "loss": (self.alphabet,),
            "decoder": (self.alphabet,),
        }
        return told.get(self.component.kind, ())

    def build(self) -> Any:
        """Build the part, its options checked as the core does."""
        return self.attempt("be built", lambda: self.component(*self.context, **self.options))

    def attempt(self, what: str, action: Callable[[], T]) -> T:
        """Return what `action` does; where it raises, the component can't `what`.

        Raises:
            BrokenRule: it raised; names the error.
        """
        try:
            return action()
        except BrokenRule:
            raise
        except (Exception, SystemExit) as error:
            self.fail(what, error)

    def fail(self, what: str, error: BaseException) -> NoReturn:
        """Say that the component can't `what`, as `error` was raised.

        Raises:
            BrokenRule: always.
        """
        raise BrokenRule(f"{self.name}: it can't {what}: {reason(error)}") from error

    def require(self, holds: bool, rule: str, got: object, remedy: str) -> None:
        """Check that a rule holds.

        Raises:
            BrokenRule: it does not; says which, what was got, and what to do.
        """
        if not holds:
            raise BrokenRule(f"{self.name}: {rule}; got {_brief(str(got))}; {remedy}")


def reason(error: BaseException) -> str:
    """Return an error's type and the first line of what it says."""
    first_line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {_brief(first_line)}" if first_line else type(error).__name__


def _brief(text: str) -> str:
    said = one_line(text)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"


Rule = Callable[[Case], None]
