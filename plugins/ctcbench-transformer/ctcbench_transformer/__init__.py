"""The head `transformer`: self-attention over the frames in place of a recurrent network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ctcbench import Component, SequenceSpec, UsageError, head, hookimpl

if TYPE_CHECKING:
    from torch import nn

MIN_POSITIONS = 512  # number of learned positions, at least


@head
def transformer(
    sequence: SequenceSpec,
    *,
    layers: Annotated[int, Field(ge=1, le=24, description="encoder layers")] = 2,
    heads: Annotated[int, Field(ge=1, le=64, description="attention heads; must divide the width")] = 4,
    width: Annotated[int, Field(ge=4, le=2048, description="features of a frame in all layers")] = 128,
    ff: Annotated[int, Field(ge=4, le=8192, description="hidden units of the feed-forward layers")] = 256,
    dropout: Annotated[float, Field(ge=0, lt=1, description="dropout probability in every layer")] = 0.1,
    positions: Annotated[
        Literal["sinusoidal", "learned"], Field(description="positional encoding")
    ] = "sinusoidal",
) -> nn.Module:
    """Transformer encoder (Vaswani et al. 2017) with pre-normalisation; every frame attends to all frames."""
    if width % heads:
        fitting = [n for n in range(1, heads) if width % n == 0]
        raise UsageError(
            f"head transformer: width={width} is not divisible by heads={heads}; "
            f"use heads={fitting[-1]}, or width={-(-width // heads) * heads}"
        )
    if positions == "sinusoidal" and width % 2:
        raise UsageError(
            f"head transformer: positions=sinusoidal needs an even width, not width={width}; "
            f"use width={width + 1} or positions=learned"
        )
    from ctcbench_transformer.encoder import Encoder  # not at the top: --help must not import torch

    # More than this recogniser has, so that wider images can be read later.
    longest = max(MIN_POSITIONS, sequence.frames)
    return Encoder(sequence.features, layers, heads, width, ff, dropout, positions, longest)


@hookimpl
def ctcbench_components() -> Sequence[Component]:
    """Return the components of this plugin."""
    return [transformer]
