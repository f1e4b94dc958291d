"""The components that break one rule each, by kind; files called broken_… note theirs here."""

from ctcbench import ImageSpec, SequenceSpec
from ctcbench.contract.components import Component
from ctcbench.testing.case import Case

# (component, the rule that it breaks, words of its error)
BROKEN: dict[str, list[tuple[Component, str, str]]] = {}


def small(component):
    return Case(component, image=ImageSpec(8, 16), sequence=SequenceSpec(frames=6, features=5))


def breaks(kind, rule, words, alignment="ctc", on_device=False):
    """Note a builder as one that breaks `rule` of `kind`, with a sentence that contains `words`."""

    def note(builder):
        builder.__doc__ = builder.__doc__ or "A component that breaks a rule."
        BROKEN.setdefault(kind, []).append((Component(kind, builder, alignment, on_device), rule, words))
        return builder

    return note


def part_that_breaks(kind, rule, words, alignment="ctc", on_device=False):
    """Register a part, which its builder returns for any context, as one that breaks a rule."""

    def note(part):
        def build(*context):
            return part

        build.__name__ = part.__name__
        breaks(kind, rule, words, alignment, on_device)(build)
        return part

    return note
