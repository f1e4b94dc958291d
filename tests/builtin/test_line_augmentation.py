"""The augmentation ``lines``: the effect of each option alone, padding, colour, the device."""

import pytest
import torch

from ctcbench import ImageSpec
from ctcbench.builtin.augmentations import lines
from ctcbench.registry.discovery import load_registry
from ctcbench.testing import check_augmentation

OPTIONS = (
    "rotate", "shear", "scale", "shift", "elastic", "erase", "background", "brightness", "contrast", "blur",
    "noise", "jpeg",
)  # fmt: skip
STILL = dict.fromkeys(OPTIONS, 0)
HEIGHT, WIDTH = 32, 96


def stripes(count=1, channels=1):
    """Upright strokes of 60 on paper of 220, uint8."""
    images_NCHW = torch.full((count, channels, HEIGHT, WIDTH), 220, dtype=torch.uint8)
    images_NCHW[:, :, 8:24, 6:90:12] = images_NCHW[:, :, 8:24, 7:90:12] = 60
    return images_NCHW


def made(images_NCHW, widths=None, seed=0, **options):
    torch.manual_seed(seed)
    image = ImageSpec(*images_NCHW.shape[2:], images_NCHW.shape[1], variable=widths is not None)
    widths_N = torch.tensor(widths or [images_NCHW.shape[3]] * len(images_NCHW))
    return lines(image, **{**STILL, "chance": 1.0, **options})(images_NCHW, widths_N)


def test_amounts_of_zero_change_nothing():
    assert torch.equal(made(stripes()), stripes().float())


@pytest.mark.parametrize(
    "option", [{"background": 0.5}, {"blur": 2.0}, {"noise": 20.0}, {"jpeg": 10}], ids=lambda o: next(iter(o))
)
def test_the_chance_is_the_share_of_images_that_are_degraded(option):
    changed = (made(stripes(200), chance=0.25, **option) != stripes(200)).flatten(1).any(1)
    assert 25 <= changed.sum() <= 80
    assert not (made(stripes(20), chance=0.0, **option) != stripes(20)).any()


def test_the_background_becomes_darker_by_no_more_than_its_share_and_smoothly():
    paper_NCHW = torch.full((8, 1, HEIGHT, WIDTH), 200, dtype=torch.uint8)
    shaded = made(paper_NCHW, background=0.5)
    assert shaded.min() >= 99.9 and shaded.max() <= 200 and shaded.std((1, 2, 3)).max() > 5
    assert shaded.diff(dim=3).abs().max() < 15 and shaded.diff(dim=2).abs().max() < 20


def test_the_contrast_changes_the_ink_and_the_brightness_all():
    softer = made(stripes(50), contrast=0.5)
    assert torch.equal(softer[:, :, 0], stripes(50).float()[:, :, 0]), "the paper keeps its grey"
    ink_N = softer[:, 0, 10, 6]
    assert ink_N.min() < 30 and ink_N.max() > 90 and ink_N.max() <= 140
    lighter = made(stripes(50), brightness=30) - stripes(50)
    assert lighter.flatten(1).std(1).max() < 1e-4, "one value for each image"
    assert -30 <= lighter.min() < -15 and 15 < lighter.max() <= 30


def test_a_blur_keeps_the_mean_and_softens_edges():
    image_NCHW = stripes(20)
    blurred = made(image_NCHW, blur=2.0)
    assert blurred.mean((1, 2, 3)) == pytest.approx(image_NCHW.float().mean((1, 2, 3)), rel=1e-3)
    steepest_N = blurred.diff(dim=3).abs().amax((1, 2, 3))
    assert steepest_N.median() < 120 and steepest_N.min() < 40


def test_the_padding_stays_white_and_is_no_part_of_an_image():
    images_NCHW = torch.full((2, 1, HEIGHT, WIDTH), 255, dtype=torch.uint8)
    images_NCHW[:, :, :, :40] = 100
    for seed in range(5):
        whole = made(
            images_NCHW, widths=[40, 40], seed=seed, **{**dict.fromkeys(OPTIONS[6:11], 0.5), "jpeg": 30}
        )
        assert (whole[:, :, :, 40:] == 255).all()
    blurred = made(images_NCHW, widths=[40, 40], blur=3.0)
    assert torch.allclose(blurred[:, :, :, :40], torch.tensor(100.0)), "no white at its end"


def test_the_ends_of_a_long_line_stay_inside():
    image_NCHW = torch.full((50, 1, HEIGHT, 600), 255, dtype=torch.uint8)
    image_NCHW[:, :, 8:24, 4:7] = image_NCHW[:, :, 8:24, -7:-4] = 0
    scaled = made(image_NCHW, scale=0.2)
    left_N, right_N = scaled[..., :300].amin((1, 2, 3)), scaled[..., 300:].amin((1, 2, 3))
    assert left_N.max() < 128 and right_N.max() < 128


def test_colour_images_get_one_light_and_stay_in_range():
    image_NCHW = stripes(4, channels=3)
    shaded = made(image_NCHW, background=0.5)
    assert torch.allclose(shaded[:, 0], shaded[:, 2])
    torch.manual_seed(0)
    both = lines(ImageSpec(HEIGHT, WIDTH, 3))(image_NCHW, torch.full((4,), WIDTH))
    assert both.shape == image_NCHW.shape and both.min() >= 0 and both.max() <= 255


@pytest.mark.parametrize("options", [{}, {"blur": 3.0, "jpeg": 10, "background": 0.6, "chance": 1.0}])
@pytest.mark.parametrize("image", [ImageSpec(40, 150), ImageSpec(32, 64, 3, variable=True)])
def test_it_keeps_the_rules_of_augmentations(image, options):
    component = load_registry([]).get("augmentation", "lines")
    assert component.on_device
    check_augmentation(component, image, **options)
