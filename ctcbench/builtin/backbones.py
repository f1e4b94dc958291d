"""The backbones of the talk: two or three convolutions, each followed by max-pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ctcbench.contract.components import backbone
from ctcbench.contract.specs import ImageSpec

if TYPE_CHECKING:
    from torch import nn

Width = Annotated[
    int, Field(ge=4, le=512, description="channels of the first stage; each further one doubles")
]
Norm = Annotated[Literal["batch", "group", "none"], Field(description="normalisation after each convolution")]
Activation = Annotated[Literal["relu", "leaky", "gelu", "silu"], Field(description="non-linearity")]
Dropout = Annotated[float, Field(ge=0, lt=1, description="share of channels dropped after each stage")]


@backbone
def cnn2(
    image: ImageSpec,
    *,
    width: Width = 64,
    norm: Norm = "batch",
    activation: Activation = "relu",
    dropout: Dropout = 0.0,
) -> nn.Module:
    """Two convolutions: 40×150 becomes 75 frames of 640 features (128 channels × 5 rows)."""
    return _stages(image, width, [(2, 2), (4, 1)], norm, activation, dropout)


@backbone
def cnn3(
    image: ImageSpec,
    *,
    width: Width = 64,
    norm: Norm = "batch",
    activation: Activation = "relu",
    dropout: Dropout = 0.0,
) -> nn.Module:
    """Three convolutions: 40×150 becomes 18 frames of 1280 features (256 channels × 5 rows)."""
    return _stages(image, width, [(2, 2), (2, 2), (2, 2)], norm, activation, dropout)


def _stages(
    image: ImageSpec,
    width: int,
    pools: list[tuple[int, int]],
    norm: str,
    activation: str,
    dropout: float,
) -> nn.Module:
    """Return convolution, norm, activation and pooling by (rows, columns), once for each of `pools`."""
    from torch import nn

    norms: dict[str, Callable[[int], list[nn.Module]]] = {
        "batch": lambda channels: [nn.BatchNorm2d(channels)],
        "group": lambda channels: [nn.GroupNorm(_groups(channels), channels)],
        "none": lambda channels: [],
    }
    activations: dict[str, Callable[[], nn.Module]] = {
        "relu": lambda: nn.ReLU(inplace=True),
        "leaky": lambda: nn.LeakyReLU(0.1, inplace=True),
        "gelu": lambda: nn.GELU(),
        "silu": lambda: nn.SiLU(inplace=True),
    }
    layers: list[nn.Module] = []
    channels = image.channels
    for stage, pool in enumerate(pools):
        grown = width * 2**stage
        layers += [nn.Conv2d(channels, grown, 3, padding=1, bias=norm == "none"), *norms[norm](grown)]
        # Pooling first: the activation is monotonic or nearly so, and has a quarter of the work left.
        layers += [nn.MaxPool2d(pool), activations[activation]()]
        if dropout:
            layers.append(nn.Dropout2d(dropout))
        channels = grown
    return nn.Sequential(*layers)


def _groups(channels: int) -> int:
    return next(groups for groups in (16, 8, 4, 2, 1) if channels % groups == 0)
