"""Guides of the beam search: constraints and language models, and their form in C++."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias, cast, runtime_checkable

from . import _core
from .constraints.automaton import Automaton
from .constraints.intersection import intersect
from .scalars import shown

__all__ = ["ConstraintLike", "GuideLike", "SupportsGuide", "compiled_constraint", "compiled_guide"]


@runtime_checkable
class SupportsGuide(Protocol):
    """A constraint or a language model: an object that has a form in the C++ search.

    It can have an attribute `used_labels`, a set of classes: a search whose blank is one of them is an error.
    """

    def as_guide(self) -> _core.Guide:
        """Return that form. It is called once for each search, so a costly form should be kept."""
        ...


GuideLike: TypeAlias = SupportsGuide | _core.Guide | Sequence[SupportsGuide | _core.Guide]

ConstraintLike: TypeAlias = Automaton | Sequence[Automaton]


def compiled_constraint(guide: ConstraintLike | None, *, classes: int, blank: int) -> _core.Guide | None:
    """Return the C++ form of a constraint, or of the intersection of several; None for no constraint.

    Raises:
        TypeError: something is no `Automaton`.
        ValueError: an automaton is for another number of classes, or has edges with the blank.
        InputError: the automata have no labelling in common, or their intersection would be too large.
    """
    if guide is None:
        return None
    parts = guide if isinstance(guide, Sequence) and not isinstance(guide, str | bytes) else [guide]
    for part in parts:
        if not isinstance(part, Automaton):
            # With the module: ctcbench and ctcbench-decoder both have a class Automaton.
            raise TypeError(
                f"guide is or has {shown(part)}, of type {_qualified(type(part))}; it must be a "
                f"{_qualified(Automaton)} or a sequence of them: the most probable labelling is known within "
                "constraints alone, not with a language model"
            )
        compiled_guide(part, classes=classes, blank=blank)
    return (parts[0] if len(parts) == 1 else intersect(parts)).as_guide() if parts else None


def compiled_guide(guide: GuideLike | None, *, classes: int | None, blank: int) -> _core.Guide | None:
    """Return the C++ form of a guide, or of the product of several; None for no guide.

    With `classes` None it may be for any number of classes, the same in all parts.

    Raises:
        TypeError: something is no guide.
        ValueError: a guide is for another number of classes, it takes the blank for a character, or the
            product has more than 2**62 states.
    """
    if guide is None:
        return None
    parts = guide if isinstance(guide, Sequence) and not isinstance(guide, str | bytes) else [guide]
    compiled = [_compiled_part(cast(object, part), classes, blank) for part in parts]
    if len(compiled) <= 1:
        return compiled[0] if compiled else None
    return _core.product_guide(compiled)


def _compiled_part(part: object, classes: int | None, blank: int) -> _core.Guide:
    if isinstance(part, SupportsGuide) and not isinstance(part, type):
        compiled = part.as_guide()
        # Such as that of the same class in ctcbench_decoder, the other package of the decoders.
        if not isinstance(compiled, _core.Guide):
            raise TypeError(
                f"guide: as_guide() of {_qualified(type(part))} returned {shown(compiled)}; it must be a "
                f"{_qualified(_core.Guide)}"
            )
    elif isinstance(part, _core.Guide):
        compiled = part
    else:
        raise TypeError(
            f"guide is or has {shown(part)}, of type {type(part).__name__}; it must be an Automaton, a "
            "LanguageModel, Hotwords, another object with as_guide(), or a sequence of them"
        )
    if classes not in (None, compiled.classes):
        raise ValueError(
            f"guide is for {compiled.classes} classes, but log_probs has {classes}; both count the blank"
        )
    if blank in getattr(part, "used_labels", ()):
        raise ValueError(
            f"guide has labellings with class {blank}, which is the blank; no labelling contains it. `blank` "
            "must be the index of None in the characters that the guide was made with"
        )
    return compiled


def _qualified(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
