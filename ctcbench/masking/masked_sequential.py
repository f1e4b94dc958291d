"""MaskedSequential: torch's layers in sequence, for images of different widths that are padded on the right.

Shape letters: N batch, C channels, F features, H height, W width.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ctcbench.masking.masked_norms import masked_batch_norm, masked_group_norm
from ctcbench.masking.valid_columns import (
    along_width,
    clear_padding,
    convolved_widths,
    fill_padding,
    pooled_widths,
)

# Layers that compute each position, or each channel of an image, by itself.
_POINTWISE = (
    nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU,
    nn.Mish, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Softplus, nn.Sigmoid, nn.Tanh, nn.Dropout,
    nn.Dropout2d,
)  # fmt: skip
_KEEP_WIDTH = (_BatchNorm, nn.GroupNorm, *_POINTWISE)


def takes_widths(module: nn.Module) -> bool:
    """Return whether padding on the right of an image does not change what a module computes of it.

    A backbone for which this holds has the attribute ``takes_widths = True`` and two methods:
    ``forward(images_NCHW, widths_N=None)`` returns feats_NFHW, and ``frames(widths_N)`` the number of columns
    of them that belong to each image. A head has the attribute and ``forward(feats_TNF, lengths_N=None)``.
    Widths and lengths are int64, on the device of the images; without them nothing is padded.
    """
    return isinstance(module, nn.Identity) or getattr(module, "takes_widths", False) is True


class MaskedSequential(nn.Sequential):
    """Layers in sequence, each of which sees zeros on the right of every image: images_NCHW -> feats_NFHW.

    The features of a padded image are those that the layers compute of it alone, in training too: batch norm
    has the statistics of the valid columns. Without widths it is ``torch.nn.Sequential``, with the same
    weights and names.

    Layers may be ``Conv2d``, ``MaxPool2d``, ``AvgPool2d``, batch and group norms, activations, dropout, and
    modules that take widths themselves (`takes_widths`), such as a ``MaskedSequential``.

    Raises:
        TypeError: a layer is of another type, or has an option for which the rule does not hold.
    """

    takes_widths = True

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__(*layers)
        for layer in layers:
            _require_known(layer)

    def forward(self, images_NCHW: Tensor, widths_N: Tensor | None = None) -> Tensor:
        """Return the features; the columns of an image after its ``frames`` are arbitrary.

        Args:
            images_NCHW: images; what the columns on the right of their widths contain does not matter.
            widths_N: number of valid columns of each image, int64, on their device; None: all.
        """
        if widths_N is None:
            feats_NFHW: Tensor = super().forward(images_NCHW)  # type: ignore[no-untyped-call]
            return feats_NFHW
        feats_NFHW = images_NCHW
        for layer in self:
            feats_NFHW = _apply(layer, feats_NFHW, widths_N)
            widths_N = _widths_after(layer, widths_N)
        return feats_NFHW

    def frames(self, widths_N: Tensor) -> Tensor:
        """Return the number of valid columns of the features, int64, from those of the images."""
        for layer in self:
            widths_N = _widths_after(layer, widths_N)
        return widths_N


def _apply(layer: nn.Module, feats_NFHW: Tensor, widths_N: Tensor) -> Tensor:
    if isinstance(layer, _BatchNorm):
        return masked_batch_norm(layer, feats_NFHW, widths_N)
    if isinstance(layer, nn.GroupNorm):
        return masked_group_norm(layer, feats_NFHW, widths_N)
    made_NFHW: Tensor
    if not isinstance(layer, _POINTWISE) and takes_widths(layer):
        made_NFHW = layer(feats_NFHW, widths_N)
        return made_NFHW
    padding = along_width(layer.padding) if isinstance(layer, nn.MaxPool2d | nn.AvgPool2d) else 0
    if isinstance(layer, nn.MaxPool2d) and padding:
        # torch pads with −∞, which would make later products with zeros NaN.
        made_NFHW = layer(fill_padding(feats_NFHW, widths_N, float("-inf")))
        return fill_padding(made_NFHW, pooled_widths(layer, widths_N), 0.0)
    # Pooling without padding computes the valid columns from valid columns alone.
    reaches_out = isinstance(layer, nn.Conv2d) and not (
        layer.kernel_size[1] == 1 and layer.padding in ("valid", (0, 0))
    )
    made_NFHW = layer(clear_padding(feats_NFHW, widths_N) if reaches_out or padding else feats_NFHW)
    return made_NFHW


def _widths_after(layer: nn.Module, widths_N: Tensor) -> Tensor:
    if isinstance(layer, nn.Conv2d):
        return convolved_widths(layer, widths_N)
    if isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
        return pooled_widths(layer, widths_N)
    if isinstance(layer, _KEEP_WIDTH):
        return widths_N
    frames_N: Tensor = layer.frames(widths_N)  # type: ignore[operator]
    return frames_N


def _require_known(layer: nn.Module) -> None:
    """Check that padding does not change what a layer computes of an image.

    Raises:
        TypeError: it may; the message names the layer and the remedy.
    """
    option = ""
    if isinstance(layer, nn.Conv2d):
        option = "" if layer.padding_mode == "zeros" else f"padding_mode={layer.padding_mode!r}"
    elif isinstance(layer, nn.MaxPool2d | nn.AvgPool2d):
        if layer.ceil_mode:
            option = "ceil_mode=True"
        elif isinstance(layer, nn.AvgPool2d) and along_width(layer.padding) and not layer.count_include_pad:
            option = "count_include_pad=False"
    elif not (isinstance(layer, _KEEP_WIDTH) or takes_widths(layer)):
        raise TypeError(
            f"MaskedSequential has no mask for {type(layer).__name__}: give it a module with "
            f"takes_widths = True (ctcbench.masking.takes_widths)"
        )
    if option:
        raise TypeError(f"MaskedSequential has no mask for {type(layer).__name__} with {option}")
