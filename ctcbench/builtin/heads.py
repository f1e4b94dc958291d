"""The built-in heads: LSTM and GRU of one or two layers, `none`, and `slots`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ctcbench.contract.components import Component, head
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import SequenceSpec

if TYPE_CHECKING:
    from torch import nn

_WIDTH = 128
Width = Annotated[int, Field(ge=1, le=4096, description="hidden units in each direction")]
Before = Literal[
    "none", "lstm1", "lstm2", "bilstm1", "bilstm2", "gru1", "gru2", "bigru1", "bigru2"
]  # fmt: skip
Dropout = Annotated[float, Field(ge=0, lt=1, description="share of the inputs of each layer that is dropped")]


def _recurrent(cell: Literal["LSTM", "GRU"], layers: int, bidirectional: bool) -> Component:
    def build(sequence: SequenceSpec, *, width: Width = _WIDTH, dropout: Dropout = 0.0) -> nn.Module:
        from ctcbench.builtin.modules import Recurrent

        return Recurrent(cell, sequence.features, width, layers, bidirectional, dropout)

    # One builder for all eight; a component has the name and the help of its function.
    build.__name__ = f"{'bi' if bidirectional else ''}{cell.lower()}{layers}"
    build.__doc__ = (
        f"{'One' if layers == 1 else 'Two'} {cell} layer{'' if layers == 1 else 's'}, "
        f"{'both directions' if bidirectional else 'one direction'}."
    )
    return head(build)


_RECURRENT = [
    _recurrent(cell, layers, bidirectional)
    for cell in ("LSTM", "GRU")
    for bidirectional in (False, True)
    for layers in (1, 2)
]


@head
def none(sequence: SequenceSpec) -> nn.Module:
    """No sequence model: the classifier reads the backbone's features."""
    from torch import nn

    return nn.Identity()


@head
def slots(
    sequence: SequenceSpec,
    *,
    count: Annotated[
        int, Field(ge=1, le=1024, description="number of outputs: the length of the longest text")
    ],
    after: Annotated[Before, Field(description="sequence model before the outputs")] = "none",
    width: Width = _WIDTH,
    dropout: Dropout = 0.0,
    slot_width: Annotated[int, Field(ge=1, le=4096, description="hidden units of each output")] = 128,
) -> nn.Module:
    """A fixed number of outputs, each with a hidden layer over all frames; for the loss `slots`."""
    from torch import nn

    from ctcbench.builtin.modules import Slots

    if after == "none":
        # Errors rather than no effect: the options would be part of the train key without changing the
        # training.
        if dropout:
            raise UsageError(
                f"head slots: dropout={dropout} applies to a sequence model, but after=none has none"
            )
        if width != _WIDTH:
            raise UsageError(
                f"head slots: width={width} applies to a sequence model, but after=none has none; slot_width "
                f"is the number of hidden units of each output"
            )
        return Slots(nn.Identity(), sequence.frames, sequence.features, count, slot_width)
    model = next(head for head in _RECURRENT if head.name == after)(sequence, width=width, dropout=dropout)
    # A bidirectional layer concatenates the outputs of both directions.
    features = width * (2 if after.startswith("bi") else 1)
    return Slots(model, sequence.frames, features, count, slot_width)


HEADS = [
    *_RECURRENT,
    none,
    slots,
]
