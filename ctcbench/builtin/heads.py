"""The sequence heads: one or two layers of LSTM or GRU, in one direction or both, and none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ctcbench.contract.components import Component, head
from ctcbench.contract.specs import SequenceSpec

if TYPE_CHECKING:
    from torch import nn

Width = Annotated[int, Field(ge=1, le=4096, description="hidden units in each direction")]
Dropout = Annotated[float, Field(ge=0, lt=1, description="share dropped of what enters each layer")]


def _recurrent(cell: Literal["LSTM", "GRU"], layers: int, bidirectional: bool) -> Component:
    def build(sequence: SequenceSpec, *, width: Width = 128, dropout: Dropout = 0.0) -> nn.Module:
        from ctcbench.builtin.modules import Recurrent

        return Recurrent(cell, sequence.features, width, layers, bidirectional, dropout)

    build.__name__ = f"{'bi' if bidirectional else ''}{cell.lower()}{layers}"
    build.__doc__ = (
        f"{'One' if layers == 1 else 'Two'} {cell} layer{'' if layers == 1 else 's'}, "
        f"{'both directions' if bidirectional else 'one direction'}."
    )
    return head(build)


@head
def none(sequence: SequenceSpec) -> nn.Module:
    """No sequence model: the classifier reads the backbone's features."""
    from torch import nn

    return nn.Identity()


HEADS = [
    *(
        _recurrent(cell, layers, bidirectional)
        for cell in ("LSTM", "GRU")
        for bidirectional in (False, True)
        for layers in (1, 2)
    ),
    none,
]
