"""Rules for augmentations: images stay images, chance comes from torch's seed, the input is left alone."""

from __future__ import annotations

import torch
from torch import Tensor

from ctcbench.testing.case import Case, Rule
from ctcbench.testing.devices import META, require_one_device


def gives_images_of_the_same_shape(case: Case) -> None:
    """A batch, and a batch of one, comes out in the shape it went in, as uint8 or float32."""
    for count in (5, 1):
        images_NCHW = _images(case, count)
        made = _augment(case, images_NCHW)
        case.require(
            isinstance(made, Tensor)
            and made.shape == images_NCHW.shape
            and made.dtype in (torch.uint8, torch.float32),
            f"of images {tuple(images_NCHW.shape)} it must make as many, uint8 or float32",
            f"{made.dtype} {tuple(made.shape)}" if isinstance(made, Tensor) else type(made).__name__,
            "return one image for each, of the same size",
        )


def stays_between_black_and_white(case: Case) -> None:
    """Grey levels are finite and go from 0 to 255."""
    for seed in range(5):
        torch.manual_seed(seed)
        made = _augment(case, _images(case, 5)).float()
        least, most = made.min().item(), made.max().item()
        rule, remedy = "grey levels must lie between 0 and 255", "end with .clamp(0, 255)"
        case.require(least >= 0 and most <= 255, rule, f"{least:.4g} to {most:.4g}", remedy)


def leaves_its_input_alone(case: Case) -> None:
    """The images belong to the data set: a GPU keeps them for the next epoch."""
    images_NCHW = _images(case, 5)
    before = images_NCHW.clone()
    _augment(case, images_NCHW)
    rule, remedy = "it must not write into the images that it is given", "work on a copy"
    case.require(torch.equal(images_NCHW, before), rule, "changed images", remedy)


def draws_from_torchs_generator(case: Case) -> None:
    """The same seed gives the same images, whatever was done before: a run that goes on repeats itself."""
    images_NCHW, augment = _images(case, 5), case.build()
    made = []
    for _ in range(2):
        torch.manual_seed(7)
        made.append(case.attempt("be called", lambda: augment(images_NCHW, _widths(images_NCHW))))
    rule, remedy = "the same torch seed must give the same images", "draw with torch, and keep no state"
    case.require(torch.equal(*made), rule, "two different batches", remedy)


def keeps_what_is_to_be_read(case: Case) -> None:
    """Some of the ink is still there: what was dark somewhere is not gone everywhere."""
    images_NCHW = _images(case, 5)
    ink_N = images_NCHW.amax((1, 2, 3)).float() - _augment(case, images_NCHW).float().amin((1, 2, 3))
    rule, remedy = "the ink must not vanish", "look at a few with `ctcbench data preview`, and do less"
    case.require(bool((ink_N > 8).all()), rule, f"a largest contrast of {ink_N.min():.4g}", remedy)


def follows_its_images_to_another_device(case: Case) -> None:
    """Images may be a GPU's, widths are the host's; tried on torch's device without memory, ``meta``."""
    images_NCHW, augment = _images(case, 5), case.build()
    remedy = "draw with device=images.device, and bring the widths there"
    require_one_device(case, lambda: augment(images_NCHW.to(META), _widths(images_NCHW)), remedy)


def _images(case: Case, count: int) -> Tensor:
    """Return dark strokes on light paper, uint8."""
    image = case.image
    chance = torch.Generator().manual_seed(count)
    paper = torch.full((count, image.channels, image.height, image.width), 240.0)
    paper += torch.randn(paper.shape, generator=chance) * 4
    for left in range(4, image.width - 4, max(8, image.width // 6)):
        paper[..., image.height // 4 : 3 * image.height // 4, left : left + 3] = 40.0
    return paper.clamp(0, 255).to(torch.uint8)


def _widths(images_NCHW: Tensor) -> Tensor:
    return torch.full((len(images_NCHW),), images_NCHW.shape[-1])


def _augment(case: Case, images_NCHW: Tensor) -> Tensor:
    augment = case.build()
    made: Tensor = case.attempt("be called", lambda: augment(images_NCHW, _widths(images_NCHW)))
    return made


RULES: tuple[Rule, ...] = (
    gives_images_of_the_same_shape,
    stays_between_black_and_white,
    leaves_its_input_alone,
    draws_from_torchs_generator,
    keeps_what_is_to_be_read,
    follows_its_images_to_another_device,
)
