"""Rules for augmentations: valid images, random numbers from torch's generator, unchanged input."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ctcbench.testing import width_rules
from ctcbench.testing.case import Case, Rule
from ctcbench.testing.host_access import require_no_host_reads
from ctcbench.testing.meta_device import META, require_one_device

_SEEDS = range(3)
_LEAST_CONTRAST = 8.0  # grey levels
_PAPER_MARGIN = 0.05  # of the contrast


def returns_images_of_the_same_shape(case: Case) -> None:
    """A batch, and a batch of one, keeps its shape and is uint8 or float32."""
    # A batch of one, because squeeze() would drop its axis.
    for count in (5, 1):
        images_NCHW = _images(case, count)
        made = _augment(case, images_NCHW)
        case.require(
            made.shape == images_NCHW.shape,
            f"for images {tuple(images_NCHW.shape)} it must return images of the same shape",
            tuple(made.shape),
            "return one image of the same size for each",
        )


def returns_grey_levels_from_0_to_255(case: Case) -> None:
    """Grey levels are finite and go from 0 to 255."""
    # Several seeds: grain exceeds the range in some draws only.
    for seed in range(5):
        made = _augment(case, _images(case, 5), seed).float()
        least, most = made.min().item(), made.max().item()
        rule, remedy = "grey levels must lie between 0 and 255", "end with .clamp(0, 255)"
        case.require(least >= 0 and most <= 255, rule, f"{least:.4g} to {most:.4g}", remedy)


def does_not_modify_its_input(case: Case) -> None:
    """The input is not modified: a GPU keeps the images for the next epoch."""
    images_NCHW = _images(case, 5)
    before = images_NCHW.clone()
    _augment(case, images_NCHW)
    rule, remedy = "it must not modify its input", "work on a copy"
    case.require(torch.equal(images_NCHW, before), rule, "changed images", remedy)


def draws_from_torchs_generator(case: Case) -> None:
    """The same seed results in the same images, so that a resumed run repeats them."""
    # One augmentation for both calls: state that it keeps would change the second one.
    images_NCHW, augment = _images(case, 5), case.build()
    made = [_apply(case, augment, images_NCHW, seed=7) for _ in range(2)]
    rule, remedy = (
        "the same seed of torch must result in the same images",
        "draw with torch, and keep no state",
    )
    case.require(torch.equal(*made), rule, "two different batches", remedy)


def keeps_dark_ink_on_light_paper(case: Case) -> None:
    """Ink stands out from the paper in every image, and is still the darker of the two.

    Most of an image is paper, so dark strokes make its mean darker than its median, whatever the greys.
    """
    for seed in _SEEDS:
        # P pixels of the mean over the channels.
        greys_NP = _augment(case, _images(case, 5), seed).float().mean(1).flatten(1)
        contrast_N = greys_NP.amax(1) - greys_NP.amin(1)
        rule, remedy = (
            "the ink must not vanish",
            "reduce its strength, and use grey levels from 0 to 255, not 0 to 1",
        )
        enough = bool((contrast_N > _LEAST_CONTRAST).all())
        case.require(enough, rule, f"an image with a contrast of {contrast_N.min():.4g} levels", remedy)
        # The median is the grey of the paper, as more than half of the pixels are paper.
        paper_N, mean_N = greys_NP.median(1).values, greys_NP.mean(1)
        darker_N = (mean_N - paper_N) / contrast_N
        rule, remedy = "dark strokes on light paper must stay so", "invert no image: 0 is ink, 255 is paper"
        got = f"an image whose paper has a level of {paper_N[darker_N.argmax()]:.4g}, lighter ones being ink"
        case.require(bool((darker_N < _PAPER_MARGIN).all()), rule, got, remedy)


def stays_on_the_device_of_its_images(case: Case) -> None:
    """Images may be on a GPU; tested on torch's ``meta`` device.

    Widths are on the CPU, or with ``on_device=True`` beside the images.
    """
    images_NCHW, augment = _images(case, 5), case.build()
    widths_N = _widths(images_NCHW)
    if case.component.on_device:
        widths_N = widths_N.to(META)
    remedy = "draw with device=images.device, and bring the widths there"
    require_one_device(case, lambda: augment(images_NCHW.to(META), widths_N), remedy)


def reads_no_value_on_the_host_if_it_says_so(case: Case) -> None:
    """An augmentation with ``on_device=True`` reads no value of a tensor on the host."""
    if not case.component.on_device:
        return
    images_NCHW, augment = _images(case, 5), case.build()
    with torch.random.fork_rng(devices=[]):
        require_no_host_reads(case, lambda: augment(images_NCHW, _widths(images_NCHW)))


def _images(case: Case, count: int) -> Tensor:
    """Return dark strokes on light paper, uint8."""
    image = case.image
    chance = torch.Generator().manual_seed(count)
    paper = torch.full((count, image.channels, image.height, image.width), 240.0)
    paper += torch.randn(paper.shape, generator=chance) * 4
    # Strokes in the middle third, with gaps of their own width: less than a sixth of the image is ink. The
    # limits are for images of a few pixels.
    top, bottom = image.height // 3, max(image.height // 3 + 1, 2 * image.height // 3)
    margin, stroke = min(4, image.width // 6), max(1, min(3, image.width // 5))
    for left in range(margin, max(margin + 1, image.width - margin), 2 * stroke):
        paper[..., top:bottom, left : left + stroke] = 40.0
    return paper.clamp(0, 255).to(torch.uint8)


def _widths(images_NCHW: Tensor) -> Tensor:
    return torch.full((len(images_NCHW),), images_NCHW.shape[-1])


def _augment(case: Case, images_NCHW: Tensor, seed: int = 0) -> Tensor:
    return _apply(case, case.build(), images_NCHW, seed)


def _apply(case: Case, augment: Any, images_NCHW: Tensor, seed: int) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = case.attempt("be called", lambda: augment(images_NCHW, _widths(images_NCHW)))
    rule, remedy = "it must return a tensor of uint8 or float32", "return only the images, as grey levels"
    got = made.dtype if isinstance(made, Tensor) else type(made).__name__
    case.require(got in (torch.uint8, torch.float32), rule, got, remedy)
    tensor: Tensor = made
    return tensor


RULES: tuple[Rule, ...] = (
    returns_images_of_the_same_shape,
    returns_grey_levels_from_0_to_255,
    does_not_modify_its_input,
    draws_from_torchs_generator,
    keeps_dark_ink_on_light_paper,
    stays_on_the_device_of_its_images,
    reads_no_value_on_the_host_if_it_says_so,
    *width_rules.AUGMENTATION_RULES,
)
