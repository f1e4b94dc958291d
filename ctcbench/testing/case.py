"""Case: the component under test, its options, and the context that its builder receives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.components import Component
from ctcbench.contract.specs import Alphabet, ImageSpec, SequenceSpec
from ctcbench.files.text import one_line

T = TypeVar("T")

# The default context of components.
IMAGE = ImageSpec(40, 150)
SEQUENCE = SequenceSpec(frames=18, features=48)
ALPHABET = Alphabet("0123456789abcdef")
_LONGEST = 400  # characters of a component's own message in a message of the kit


class BrokenRule(AssertionError):
    """A rule of the kit is broken; any other AssertionError comes from the component."""


@dataclass(frozen=True)
class Case:
    """One component with options; ``image``, ``sequence`` and ``alphabet`` are the context of its builder."""

    component: Component
    options: Mapping[str, Any] = field(default_factory=dict)
    image: ImageSpec = IMAGE
    sequence: SequenceSpec = SEQUENCE
    alphabet: Alphabet = ALPHABET

    @property
    def name(self) -> str:
        """The component in messages: its kind and its component string."""
        # Shown as they were given, because checking them is one of the rules.
        given = {name: str(value) for name, value in self.options.items()}
        builder = self.component.builder
        name = getattr(builder, "__name__", type(builder).__name__)  # a partial has none
        return f"{self.component.kind} {ComponentString(name, given)}"

    @property
    def context(self) -> tuple[Any, ...]:
        """The positional arguments of a builder of this kind; the rules of optimizers make their own."""
        contexts: dict[str, tuple[Any, ...]] = {
            "augmentation": (self.image,),
            "backbone": (self.image,),
            "head": (self.sequence,),
            "loss": (self.alphabet,),
            "decoder": (self.alphabet,),
        }
        return contexts.get(self.component.kind, ())

    def build(self) -> Any:
        """Call the builder with checked options."""
        return self.attempt("be built", lambda: self.component(*self.context, **self.options))

    def attempt(self, what: str, action: Callable[[], T]) -> T:
        """Return the result of `action`.

        Raises:
            BrokenRule: it raised; the message names `what`, which the component can't do, and the reason.
        """
        try:
            return action()
        # An inner check has failed: its message is the better one.
        except BrokenRule:
            raise
        # SystemExit as well: a component that calls sys.exit() would end pytest.
        except (Exception, SystemExit) as error:
            self.fail(what, error)

    def fail(self, what: str, error: BaseException) -> NoReturn:
        """Raise a BrokenRule: the component can't `what` because of `error`.

        Raises:
            BrokenRule: always.
        """
        raise BrokenRule(f"{self.name}: it can't {what}: {reason(error)}") from error

    def require(self, holds: bool, rule: str, got: object, remedy: str) -> None:
        """Check that a rule holds.

        Raises:
            BrokenRule: it does not; the message has the rule, what was got, and the remedy.
        """
        if not holds:
            raise BrokenRule(f"{self.name}: {rule}; got {_shorten(str(got))}; {remedy}")


def reason(error: BaseException) -> str:
    """Return the type and the first line of the message of an error."""
    # The first line alone: messages of torch may have many.
    first_line = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {_shorten(first_line)}" if first_line else type(error).__name__


def _shorten(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


Rule = Callable[[Case], None]
