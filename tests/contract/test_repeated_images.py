"""RepeatedImages: images of which several samples can have the same one."""

import numpy as np
import pytest

from ctcbench.contract.ragged_images import RaggedImages
from ctcbench.contract.repeated_images import RepeatedImages

ROWS_N = np.array([0, 1, 0, 2, 3, 1, 0], np.int32)


@pytest.fixture(params=["grey", "colour", "ragged"])
def pair(request):
    """Return stored images repeated, and a copy of them for each sample."""
    chance = np.random.default_rng(0)
    channels = 1 if request.param == "grey" else 3
    if request.param != "ragged":
        stored = chance.integers(0, 256, (4, channels, 2, 7), dtype=np.uint8)
        return RepeatedImages(stored, ROWS_N), stored[ROWS_N]
    images = [chance.integers(0, 256, (3, 2, width), dtype=np.uint8) for width in (3, 7, 1, 4)]
    copies = RaggedImages.of([images[row] for row in ROWS_N])
    return RepeatedImages(RaggedImages.of(images), ROWS_N), copies


@pytest.mark.parametrize(
    "index",
    [0, 4, -1, np.int64(5), slice(None), slice(2, 5), slice(0), np.array([6, 1, 2]), np.array([], np.int64)],
    ids=str,
)
def test_an_index_selects_what_it_selects_of_copies(pair, index):
    repeated, copies = pair
    found, expected = repeated[index], copies[index]
    assert found.dtype == np.uint8
    assert found.shape == expected.shape
    assert (found == expected).all()


def test_the_images_are_those_of_copies_and_are_stored_once(pair):
    repeated, copies = pair
    assert len(repeated) == len(copies) == 7
    assert repeated.shape == copies.shape
    assert all(np.array_equal(one, other) for one, other in zip(repeated, copies, strict=True))
    assert repeated.nbytes == repeated.stored.nbytes < copies.nbytes
    with pytest.raises(IndexError):
        repeated[7]
