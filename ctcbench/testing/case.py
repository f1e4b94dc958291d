"""A case: the component under test, its options, and what the core would tell its builder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.components import Component
from ctcbench.contract.specs import Alphabet, ImageSpec, SequenceSpec

T = TypeVar("T")

# What components are tried with where a test says nothing else.
IMAGE = ImageSpec(40, 150)
SEQUENCE = SequenceSpec(frames=18, features=48)
ALPHABET = Alphabet("0123456789abcdef")


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
        return f"{self.component.kind} {ComponentString(self.component.name, given)}"

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
            AssertionError: it raised; names the error.
        """
        try:
            return action()
        except AssertionError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".partition("\n")[0]
            raise AssertionError(f"{self.name}: it can't {what}: {reason}") from error

    def require(self, holds: bool, rule: str, got: object, remedy: str) -> None:
        """Check that a rule holds.

        Raises:
            AssertionError: it does not; says which, what was got, and what to do.
        """
        if not holds:
            raise AssertionError(f"{self.name}: {rule}; got {got}; {remedy}")


Rule = Callable[[Case], None]
