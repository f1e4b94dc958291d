"""convert_channels(): weights of a network for grey images as those of one for colour images, and back."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

# Of red, green and blue in a grey level (ITU-R BT.601), with which Pillow reads pictures in colour as grey.
_SHARES = (0.299, 0.587, 0.114)
_COLOURS = len(_SHARES)


def convert_channels(tensors: dict[str, Tensor], initial: Mapping[str, Tensor], there: int, here: int) -> str:
    """Convert the first convolution of a backbone for images of another number of channels, in place.

    For colour, each grey filter is multiplied by the share that red, green and blue have in a grey level: a
    picture in colour then gives the features of the same picture in grey. For grey, filters are summed over
    the colours. Either way a picture of equal colours gives the features that it gave before; the rounding
    of grey levels to 8 bits apart. Both are exact because networks pad images with 0 in each channel.

    Args:
        tensors: the stored weights by name, of which convolutions over the channels are replaced.
        initial: the weights of the new network.
        there: channels of the images that `tensors` are for.
        here: channels of the images of the new network.

    Returns:
        What was done, in words; empty if no convolution fits, or the numbers of channels are not 1 and 3.
    """
    if {there, here} != {1, _COLOURS}:
        return ""
    names = [
        name
        for name, stored in tensors.items()
        if name.startswith("backbone.") and name in initial and _differs(stored, initial[name], there, here)
    ]
    for name in names:
        stored = tensors[name]
        if here == 1:
            tensors[name] = stored.sum(1, keepdim=True)
        else:
            shares_C = torch.tensor(_SHARES, dtype=stored.dtype, device=stored.device)
            tensors[name] = stored * shares_C.view(1, _COLOURS, *[1] * (stored.dim() - 2))
    if not names:
        return ""
    if here == 1:
        return "images in colour there, grey here: first filters are summed over the colours"
    return "grey images there, in colour here: first filters are divided among the colours"


def _differs(stored: Tensor, own: Tensor, there: int, here: int) -> bool:
    """Return whether two tensors are the filters of one convolution, over the channels of either network."""
    # out channels × in channels × kernel. Of a linear layer over channels and rows the order is not known.
    theirs, ours = tuple(stored.shape), tuple(own.shape)
    if not len(theirs) == len(ours) >= 3:
        return False
    return (theirs[1], ours[1]) == (there, here) and (theirs[:1], theirs[2:]) == (ours[:1], ours[2:])
