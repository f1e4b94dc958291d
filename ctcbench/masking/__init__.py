"""Networks for images of different widths: padding on the right of an image does not change its output."""

from ctcbench.masking.masked_sequential import MaskedSequential, takes_widths

__all__ = ["MaskedSequential", "takes_widths"]
