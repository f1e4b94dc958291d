"""Rules for images of variable width: backbones and heads that mask padding, augmentations of any width."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from ctcbench.masking.masked_sequential import takes_widths
from ctcbench.testing.case import Case, Rule
from ctcbench.testing.module_calls import close, distance, inputs_for, new_module
from ctcbench.training.cuda.host_reads import HostReads

_SHARES = (1.0, 0.7, 0.45)  # of the greatest width that the images have


@torch.no_grad()
def masks_padding_if_it_says_so(case: Case) -> None:
    """With ``takes_widths`` the output of a padded image or sequence is that of it alone."""
    module = _module(case)
    if module is None:
        return
    inputs, sizes = _padded(case)
    made = _call(case, module.eval(), inputs, torch.tensor(sizes))
    lengths = _frames(case, module, sizes)
    for row, (size, length) in enumerate(zip(sizes, lengths, strict=True)):
        # An image of which there is no frame can't be read alone.
        if not length:
            continue
        alone = _call(case, module, _one(case, inputs, row, size), None)
        of_row = _one(case, made, row, length)
        rule = "with takes_widths the output of a padded input must be that of it alone"
        got = f"outputs of {length} frames that differ by up to {distance(alone, of_row):.3g}"
        case.require(
            close(alone, of_row),
            rule,
            got,
            "give each layer zeros on the right (ctcbench.masking), and count frames as the layers do",
        )


def trains_on_padding_if_it_says_so(case: Case) -> None:
    """With ``takes_widths`` padding changes neither the output in training nor the gradients."""
    module = _module(case)
    if module is None:
        return
    inputs, sizes = _padded(case)
    size = sizes[1]
    plain = _all(case, inputs, size)
    # Dropout draws other numbers for a padded input.
    if not torch.equal(*(_trained(case, plain, None, seed) for seed in (1, 2))):
        return
    expected = _trained(case, plain, None, 1)
    made = _trained(case, inputs, torch.full((len(sizes),), size), 1)
    case.require(
        close(expected, made),
        "with takes_widths padding must not change the output and the gradients of a training step",
        f"numbers that differ by up to {distance(expected, made):.3g}",
        "leave the padding out of batch statistics (ctcbench.masking.MaskedSequential)",
    )


def reads_no_width_on_the_host(case: Case) -> None:
    """With ``takes_widths`` a module reads no width on the host, so that a CUDA graph can contain it."""
    module = _module(case)
    if module is None:
        return
    inputs, sizes = _padded(case)
    sizes_N = torch.tensor(sizes)
    with torch.no_grad(), HostReads(torch.device("cpu")) as reads:
        reads.part = "it"
        _call(case, module.eval(), inputs, sizes_N)
    rule = "with takes_widths it must read no value of a tensor on the host"
    case.require(not reads.found, rule, "; ".join(reads.found), "compute with torch.where and masks")


def takes_images_of_any_width(case: Case) -> None:
    """Where widths are variable, an augmentation takes batches of other widths, and padded images."""
    image = replace(case.image, variable=True)
    augment: Any = replace(case, image=image).build()
    for width in (case.image.width, max(1, case.image.width // 2)):
        images_NCHW = torch.full((2, image.channels, image.height, width), 255, dtype=torch.uint8)
        images_NCHW[..., : max(1, width // 3)] = 40
        widths_N = torch.tensor([width, max(1, width // 2)])
        with torch.random.fork_rng(devices=[]):
            made = case.attempt("take images of variable width", lambda: augment(images_NCHW, widths_N))  # noqa: B023
        case.require(
            made.shape == images_NCHW.shape,
            f"images of {width} columns must keep their size",
            tuple(made.shape),
            "take the size from the images, not from the ImageSpec",
        )


def _module(case: Case) -> nn.Module | None:
    """Return the module if it takes widths; the identity takes them without a second argument."""
    module = new_module(case)
    return module if takes_widths(module) and not isinstance(module, nn.Identity) else None


def _padded(case: Case) -> tuple[Tensor, list[int]]:
    """Return three inputs, whose padding is noise, and the widths or lengths of them."""
    inputs = inputs_for(case, len(_SHARES))
    most = inputs.shape[3] if case.component.kind == "backbone" else len(inputs)
    return inputs, [max(1, round(most * share)) for share in _SHARES]


def _one(case: Case, tensor: Tensor, row: int, size: int) -> Tensor:
    """Return an image or a sequence without its padding."""
    if case.component.kind == "backbone":
        return tensor[row : row + 1, :, :, :size]
    return tensor[:size, row : row + 1]


def _all(case: Case, inputs: Tensor, size: int) -> Tensor:
    return inputs[:, :, :, :size] if case.component.kind == "backbone" else inputs[:size]


def _frames(case: Case, module: Any, sizes: list[int]) -> list[int]:
    if case.component.kind == "head":
        return sizes
    frames_N = case.attempt("count frames", lambda: module.frames(torch.tensor(sizes)))
    lengths: list[int] = frames_N.tolist()
    return lengths


def _call(case: Case, module: nn.Module, inputs: Tensor, sizes_N: Tensor | None) -> Tensor:
    given = () if sizes_N is None else (sizes_N,)
    made = case.attempt("take widths", lambda: module(inputs, *given))
    rule = "its forward must return a tensor, with widths too"
    case.require(isinstance(made, Tensor), rule, type(made).__name__, "return the features alone")
    tensor: Tensor = made
    return tensor


def _trained(case: Case, inputs: Tensor, sizes_N: Tensor | None, seed: int) -> Tensor:
    """Return the output of valid frames and the gradients of a training step, as one vector."""
    module: Any = new_module(case).train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = _call(case, module, inputs, sizes_N)
    if sizes_N is not None:
        made = _all(case, made, _frames(case, module, sizes_N.tolist())[0])
    # Other weights in each frame: frames in another order would have the same plain sum.
    if made.requires_grad:
        axis = made.shape[3] if case.component.kind == "backbone" else len(made)
        weights = 1 + torch.arange(axis) % 3
        weights = weights if case.component.kind == "backbone" else weights[:, None, None]
        (made.square() * weights).mean().backward()
    found = [made.detach().flatten()]
    found += [p.grad.flatten() for p in module.parameters() if p.grad is not None]
    return torch.cat(found)


MODULE_RULES: tuple[Rule, ...] = (
    masks_padding_if_it_says_so,
    trains_on_padding_if_it_says_so,
    reads_no_width_on_the_host,
)
AUGMENTATION_RULES: tuple[Rule, ...] = (takes_images_of_any_width,)
