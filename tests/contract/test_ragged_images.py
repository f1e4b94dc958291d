"""RaggedImages: images of different widths in one array."""

import numpy as np
import pytest

from ctcbench.contract.ragged_images import RaggedImages

WIDTHS = (3, 7, 1, 4)


@pytest.fixture(params=[1, 3], ids=["grey", "colour"])
def images(request):
    chance = np.random.default_rng(0)
    return [chance.integers(0, 256, (request.param, 2, width), dtype=np.uint8) for width in WIDTHS]


def test_one_image_is_the_one_that_was_stored(images):
    ragged = RaggedImages.of(images)
    assert len(ragged) == 4
    assert ragged.shape == (4, len(images[0]), 2, 7)
    assert ragged.nbytes == sum(image.nbytes for image in images)
    for index in (0, 3, -1, np.int64(1)):
        assert (ragged[index] == images[index]).all()
    assert all((one == other).all() for one, other in zip(ragged, images, strict=True))
    with pytest.raises(IndexError):
        ragged[4]


def test_a_batch_is_padded_with_white_to_its_widest_image(images):
    ragged = RaggedImages.of(images)
    for index, chosen, width in [
        (slice(2), [0, 1], 7),
        (np.array([3, 0]), [3, 0], 4),
        (slice(2, 3), [2], 1),
        (slice(0), [], 1),
    ]:
        batch_NCHW = ragged[index]
        assert batch_NCHW.shape == (len(chosen), len(images[0]), 2, width)
        for got_CHW, number in zip(batch_NCHW, chosen, strict=True):
            assert (got_CHW[:, :, : WIDTHS[number]] == images[number]).all()
            assert (got_CHW[:, :, WIDTHS[number] :] == 255).all()
    assert ragged.padded(np.array([2]), 5).shape[3] == 5
