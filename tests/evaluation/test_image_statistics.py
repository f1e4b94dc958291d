import numpy as np
import pytest

from ctcbench.evaluation.image_statistics import images_statistics, number_of_statistics

GENERATOR = np.random.default_rng(0)
GREY = GENERATOR.integers(0, 256, (20, 50), np.uint8)


@pytest.mark.parametrize(
    "shape", [(20, 50), (1, 20, 50), (3, 20, 50), (1, 1), (3, 2, 1), (7, 9), (3, 8, 300)]
)
def test_images_of_every_size_have_finite_statistics(shape):
    image = GENERATOR.integers(0, 256, shape, np.uint8)
    channels = 1 if len(shape) == 2 else shape[0]
    for level in (image, np.zeros_like(image), np.full_like(image, 255)):
        found = images_statistics([level])
        assert found.shape == (1, number_of_statistics(channels)) and np.isfinite(found).all()


def test_images_of_several_sizes_keep_their_order():
    images = [GREY, GREY[:, :30], GREY, GREY[:10]]
    found = images_statistics(images)
    for row, image in enumerate(images):
        assert np.allclose(found[row], images_statistics([image])[0])
    assert np.array_equal(found[0], found[2])


def test_a_channel_axis_of_one_changes_nothing():
    assert np.allclose(images_statistics([GREY]), images_statistics([GREY[None]]))


def test_a_mirrored_image_has_the_same_statistics():
    image = GENERATOR.integers(0, 256, (24, 64), np.uint8)
    assert np.allclose(images_statistics([image]), images_statistics([image[:, ::-1]]), atol=1e-4)


def test_edges_are_told_by_their_direction_and_scale():
    columns = np.tile(np.repeat([0, 255], 4).astype(np.uint8), (32, 8))
    _, *vertical = images_statistics([columns])[0][-9:]
    _, *horizontal = images_statistics([columns.T[:, :32]])[0][-9:]
    # Of bars of four columns, only the third halving has edges, in one direction.
    assert vertical[5] > -2 and horizontal[6] > -2
    assert max(vertical[:5]) < -10 and max(horizontal[:6]) < -10
