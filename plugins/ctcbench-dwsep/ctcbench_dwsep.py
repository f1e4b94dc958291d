"""The backbone `dwsep`: a complete third-party component in one file."""

from typing import Annotated

from ctcbench import ImageSpec, backbone, hookimpl
from pydantic import Field


@backbone
def dwsep(
    image: ImageSpec,
    *,
    width: Annotated[int, Field(ge=8, le=512, description="channels throughout")] = 64,
    depth: Annotated[int, Field(ge=1, le=8, description="depthwise blocks")] = 3,
):
    """Depthwise-separable convolutions: a fraction of cnn3's weights."""
    from torch import nn  # not at the top: --help must not import torch

    layers = [nn.Conv2d(image.channels, width, 3, stride=2, padding=1), nn.ReLU()]
    for _ in range(depth):
        layers += [
            # One 3×3 filter for each channel, then a 1×1 convolution across them (Howard et al. 2017).
            nn.Conv2d(width, width, 3, padding=1, groups=width),
            nn.Conv2d(width, width, 1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        ]
    # The image is halved twice: 40×150 becomes 10 rows and 37 columns, that is 37 frames.
    return nn.Sequential(*layers, nn.MaxPool2d(2))  # images_NCHW -> feats_NFHW


@hookimpl
def ctcbench_components():
    """Return the components of this plugin."""
    return [dwsep]
