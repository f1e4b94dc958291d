"""The augmentation ``distort``: the effect of each option alone."""

import pytest
import torch

from ctcbench import ImageSpec
from ctcbench.builtin.augmentations import distort

STILL = dict.fromkeys(("rotate", "shear", "scale", "shift", "warp", "contrast", "erase", "noise"), 0)
HEIGHT, WIDTH = 40, 150


def bar(left=70, top=5, right=80, bottom=35):
    """An upright bar of ink 100 on paper 250, in float32."""
    image_NCHW = torch.full((1, 1, HEIGHT, WIDTH), 250.0)
    image_NCHW[..., top:bottom, left:right] = 100
    return image_NCHW


def distorted(images_NCHW, seed=0, **amounts):
    torch.manual_seed(seed)
    augment = distort(ImageSpec(HEIGHT, WIDTH), **{**STILL, **amounts})
    return augment(images_NCHW, torch.full((len(images_NCHW),), WIDTH))


def middle(image_NCHW):
    """Return the row and the column of the ink's centre of mass."""
    ink_HW = 250 - image_NCHW[0, 0]
    rows, columns = torch.arange(HEIGHT).float(), torch.arange(WIDTH).float()
    return (ink_HW.sum(1) @ rows / ink_HW.sum()).item(), (ink_HW.sum(0) @ columns / ink_HW.sum()).item()


def test_amounts_of_zero_change_nothing():
    image_NCHW = bar().to(torch.uint8)
    assert torch.equal(distorted(image_NCHW), image_NCHW.float())


def test_a_resampling_that_moves_nothing_changes_nothing():
    assert torch.allclose(distorted(bar(), rotate=1e-6), bar(), atol=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_a_shift_moves_the_ink_by_no_more_than_its_share_of_the_height(seed):
    row, column = middle(bar())
    moved_row, moved_column = middle(distorted(bar(), seed, shift=0.1))
    assert 0 < abs(moved_column - column) <= 0.1 * HEIGHT + 0.1
    assert 0 < abs(moved_row - row) <= 0.1 * HEIGHT + 0.1


def test_a_rotation_keeps_the_middle_and_the_angle_in_pixels():
    turned = 0
    for seed in range(20):
        ink_HW = 250 - distorted(bar(), seed, rotate=10)[0, 0]
        columns = torch.arange(WIDTH).float()
        upper, lower = ((ink_HW[row] @ columns / ink_HW[row].sum()).item() for row in (10, 30))
        slope = torch.rad2deg(torch.atan(torch.tensor((lower - upper) / 20))).item()
        assert abs(slope) <= 10.5
        turned = max(turned, abs(slope))
    assert turned > 5


@pytest.mark.parametrize("variable", [False, True])
def test_a_rotation_moves_the_ends_of_a_line_by_a_quarter_of_its_height_at_most(variable):
    width, count = 1600, 30
    # A horizontal stroke through the middle; that of the second half of the images is short.
    widths_N = torch.tensor([width] * count + [160 if variable else width] * count)
    images_NCHW = torch.full((2 * count, 1, HEIGHT, width), 250.0)
    images_NCHW[:, :, 19:21] = 100
    augment = distort(ImageSpec(HEIGHT, width, variable=variable), **{**STILL, "rotate": 6})
    torch.manual_seed(0)
    made_NCHW = augment(images_NCHW, widths_N)
    rows, lifts = torch.arange(HEIGHT).float(), []
    for image_CHW, columns in zip(made_NCHW, widths_N.tolist(), strict=True):
        ink_H = 250 - image_CHW[0, :, columns - 1]
        lifts.append(abs((rows @ ink_H / ink_H.sum()).item() - 19.5))
    # 6° move the end of the long stroke by 84 rows, and that of the short one by 8.
    assert max(lifts) <= 0.25 * HEIGHT + 0.5
    assert max(lifts[:count]) > 6 and max(lifts[count:]) > 5


def test_a_slant_moves_columns_by_rows():
    ink_HW = 250 - distorted(bar(), 3, shear=0.5)[0, 0]
    columns = torch.arange(WIDTH).float()
    upper, lower = ((ink_HW[row] @ columns / ink_HW[row].sum()).item() for row in (10, 30))
    assert 0.5 < abs(lower - upper) <= 0.5 * 20 + 0.5


def test_a_scaling_changes_the_area_of_the_ink():
    areas = [(250 - distorted(bar(), seed, scale=0.2)).sum().item() for seed in range(20)]
    plain = (250 - bar()).sum().item()
    assert min(areas) < 0.9 * plain < 1.1 * plain < max(areas)


def test_waves_bend_and_differ_from_image_to_image():
    two = distorted(bar().repeat(2, 1, 1, 1), warp=2.0)
    assert not torch.equal(two[0], two[1])
    assert (250 - two).sum((1, 2, 3)).tolist() == pytest.approx([(250 - bar()).sum().item()] * 2, rel=0.3)


def test_contrast_keeps_the_paper_and_bounds_the_ink():
    inks = {distorted(bar(), seed, contrast=0.2).min().item() for seed in range(10)}
    assert len(inks) == 10
    assert all(250 - 150 * 1.2 <= ink <= 250 - 150 * 0.8 for ink in inks)
    assert all(distorted(bar(), seed, contrast=0.2).max() == 250 for seed in range(3))


def test_spots_remove_ink_and_add_none():
    full = torch.full((50, 1, HEIGHT, WIDTH), 100.0)
    full[..., 0] = 250  # paper somewhere
    spotted = distorted(full, erase=1)
    hit_N = (spotted != full).flatten(1).any(1)
    assert 10 < hit_N.sum() < 40  # each spot has a probability of one half
    assert (spotted >= full).all()


def test_grain_has_its_standard_deviation():
    grey = torch.full((1, 1, HEIGHT, WIDTH), 128.0)
    assert distorted(grey, noise=10.0).std().item() == pytest.approx(10, rel=0.1)


def test_images_of_variable_width_keep_white_padding_and_turn_about_their_own_centre():
    """The ink of an image is where it is in the image alone, and its paper is found without the padding."""
    widths_N, amounts = torch.tensor([90, WIDTH]), {**STILL, "rotate": 8, "contrast": 0.3}
    images_NCHW = torch.full((2, 1, HEIGHT, WIDTH), 255.0)
    images_NCHW[0, ..., :90] = bar(left=40, right=50)[0, ..., :90] - 60
    images_NCHW[1] = bar()[0]
    augment = distort(ImageSpec(HEIGHT, WIDTH, variable=True), **amounts)
    torch.manual_seed(3)
    made_NCHW = augment(images_NCHW, widths_N)
    assert (made_NCHW[0, ..., 90:] == 255).all()
    # The paper keeps its grey up to the last column.
    assert torch.allclose(made_NCHW[0, ..., 89], torch.tensor(190.0), atol=0.5)
    ink_W = (190 - made_NCHW[0, 0, :, :90]).sum(0)
    centre = (ink_W @ torch.arange(90).float() / ink_W.sum()).item()
    assert centre == pytest.approx(44.5, abs=0.7)
    assert not torch.allclose(made_NCHW[0], images_NCHW[0], atol=20)


def test_a_batch_of_one_width_is_distorted_alike_with_variable_widths():
    image_NCHW, widths_N = bar(), torch.tensor([WIDTH])
    made = []
    for variable in (False, True):
        torch.manual_seed(1)
        augment = distort(ImageSpec(HEIGHT, WIDTH, variable=variable), erase=2, noise=5.0)
        made.append(augment(image_NCHW, widths_N))
    assert torch.allclose(*made, atol=1e-3)
