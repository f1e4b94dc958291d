"""The built-in backbones: four convolutional networks, and `columns`, which has no weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ctcbench.contract.components import backbone
from ctcbench.contract.specs import ImageSpec

if TYPE_CHECKING:
    from torch import nn

Width = Annotated[
    int, Field(ge=4, le=512, description="channels of the first stage; each later stage has twice as many")
]
StemWidth = Annotated[
    int, Field(ge=4, le=512, description="channels of the first convolution; the others have multiples of it")
]
Norm = Annotated[Literal["batch", "group", "none"], Field(description="normalisation after each convolution")]
Activation = Annotated[Literal["relu", "leaky", "gelu", "silu"], Field(description="non-linearity")]
Dropout = Annotated[float, Field(ge=0, lt=1, description="share of channels dropped after each stage")]
Stride = Annotated[int, Field(ge=1, le=256, description="columns of pixels per frame")]


@backbone
def cnn2(
    image: ImageSpec,
    *,
    width: Width = 64,
    norm: Norm = "batch",
    activation: Activation = "relu",
    dropout: Dropout = 0.0,
) -> nn.Module:
    """Two convolutions. A 40×150 image becomes 75 frames of 640 features (128 channels × 5 rows)."""
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
    """Three convolutions. A 40×150 image becomes 18 frames of 1280 features (256 channels × 5 rows)."""
    return _stages(image, width, [(2, 2), (2, 2), (2, 2)], norm, activation, dropout)


@backbone
def cnn5(
    image: ImageSpec,
    *,
    width: StemWidth = 32,
    step: Annotated[Literal[4, 8], Field(description="columns of the image per frame")] = 4,
    norm: Norm = "batch",
    activation: Activation = "relu",
    dropout: Dropout = 0.0,
) -> nn.Module:
    """A 5×5 convolution of stride 2, then four of 3×3. A 40×150 image becomes 37 frames of 640 features."""
    from torch import nn

    from ctcbench.masking.masked_sequential import MaskedSequential

    layers = _stem(image, width, norm, activation)
    channels = width
    for grown, pool in [
        (2 * width, (2, 2)),
        (4 * width, (2, step // 4)),
        (4 * width, None),
        (4 * width, None),
    ]:
        # Whole channels: the next convolution could infer a single value from its neighbours (Tompson et al.
        # 2015).
        layers += _convolution(channels, grown, pool, norm, activation)
        layers += [nn.Dropout2d(dropout)] if dropout else []
        channels = grown
    return MaskedSequential(*layers)


@backbone
def cnn7(
    image: ImageSpec,
    *,
    width: StemWidth = 32,
    norm: Norm = "batch",
    activation: Activation = "relu",
    dropout: Annotated[float, Field(ge=0, lt=1, description="share of features dropped at the end")] = 0.0,
) -> nn.Module:
    """Like cnn5, with six of 3×3, two of them residual. A 40×150 image becomes 37 frames of 960 features."""
    from torch import nn

    from ctcbench.builtin.modules import Residual
    from ctcbench.masking.masked_sequential import MaskedSequential

    layers = _stem(image, width, norm, activation)
    layers += _convolution(width, 2 * width, None, norm, activation)
    layers += _convolution(2 * width, 2 * width, (2, 2), norm, activation)
    layers += _convolution(2 * width, 4 * width, (2, 1), norm, activation)
    body = _convolution(4 * width, 4 * width, None, norm, activation)
    # The second activation comes after the sum, as in He et al. 2016.
    body += _convolution(4 * width, 4 * width, None, norm, activation)[:-1]
    layers += [Residual(MaskedSequential(*body)), _activation(activation)]
    layers += _convolution(4 * width, 6 * width, None, norm, activation)
    layers += [nn.Dropout(dropout)] if dropout else []
    return MaskedSequential(*layers)


@backbone
def columns(image: ImageSpec, *, stride: Stride = 1) -> nn.Module:
    """No weights: the pixels of each column, or of each few columns, are the features of a frame."""
    # Here, because that module imports torch, for which --help must not wait.
    from ctcbench.builtin.modules import Columns

    return Columns(stride)


def _stem(image: ImageSpec, width: int, norm: str, activation: str) -> list[nn.Module]:
    """Return the first convolution, 5×5 with stride 2, which leaves a quarter of the positions."""
    from torch import nn

    # A norm subtracts the mean, so a bias before it would have no effect.
    first = nn.Conv2d(image.channels, width, 5, stride=2, padding=2, bias=norm == "none")
    return [first, *_norm(norm, width), _activation(activation)]


def _convolution(
    channels: int, grown: int, pool: tuple[int, int] | None, norm: str, activation: str
) -> list[nn.Module]:
    """Return a 3×3 convolution and the layers after it; the last is the activation."""
    from torch import nn

    # Pooling comes before norm and activation, which then have a half or a quarter of the work.
    pooling = [nn.MaxPool2d(pool)] if pool else []
    first = nn.Conv2d(channels, grown, 3, padding=1, bias=norm == "none")
    return [first, *pooling, *_norm(norm, grown), _activation(activation)]


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

    from ctcbench.masking.masked_sequential import MaskedSequential

    layers: list[nn.Module] = []
    channels = image.channels
    for stage, pool in enumerate(pools):
        grown = width * 2**stage
        layers += [nn.Conv2d(channels, grown, 3, padding=1, bias=norm == "none"), *_norm(norm, grown)]
        # Pooling comes before the activation, which then has a half or a quarter of the work.
        layers += [nn.MaxPool2d(pool), _activation(activation)]
        if dropout:
            layers.append(nn.Dropout2d(dropout))
        channels = grown
    return MaskedSequential(*layers)


def _norm(name: str, channels: int) -> list[nn.Module]:
    from torch import nn

    if name == "batch":
        return [nn.BatchNorm2d(channels)]
    return [nn.GroupNorm(_groups(channels), channels)] if name == "group" else []


def _activation(name: str) -> nn.Module:
    from torch import nn

    makers: dict[str, Callable[[], nn.Module]] = {
        # In place where torch offers it: activations are most of the memory of a training step.
        "relu": lambda: nn.ReLU(inplace=True),
        "leaky": lambda: nn.LeakyReLU(0.1, inplace=True),
        "gelu": nn.GELU,
        "silu": lambda: nn.SiLU(inplace=True),
    }
    return makers[name]()


def _groups(channels: int) -> int:
    # GroupNorm needs a number of groups that divides the channels; `width` may be odd.
    return next(groups for groups in (16, 8, 4, 2, 1) if channels % groups == 0)
