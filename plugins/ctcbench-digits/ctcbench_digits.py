"""The data set ``digits``: handwritten digits of scikit-learn, strung to numbers of random length."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from ctcbench import Alphabet, ImageSpec, Sample, UsageError, dataset, hookimpl
from pydantic import Field

if TYPE_CHECKING:
    import numpy as np
    from ctcbench import SplitName
    from numpy.typing import NDArray

_VERSION = 1  # of the drawing
_SHARES = {"test": 0.2, "val": 0.1}  # of the pictures; the rest is trained on
_CLOSEST, _WIDEST = -0.1, 0.3  # gap between two digits, in heights


@dataset
def digits(
    *,
    length: Annotated[str, Field(description="digits of a number: 4, or a range such as 2-5")] = "2-5",
    height: Annotated[int, Field(ge=8, le=256, description="rows of an image")] = 32,
    variation: Annotated[
        float,
        Field(ge=0, le=0.4, description="how far the corners of a training digit move at most, in heights"),
    ] = 0.0,
    seed: Annotated[int, Field(ge=0, description="seed of the numbers and gaps")] = 0,
):
    """Numbers of scikit-learn's handwritten digits; unlimited, from disjoint pictures in each split."""
    found = re.fullmatch(r"([1-9][0-9]?)(?:-([1-9][0-9]?))?", length)
    fewest, most = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if fewest > most:
        raise UsageError(f"dataset digits: length={length}: allowed is a number or a range (4, 2-5), 1 to 99")
    # The widest gap beside each digit, and on both sides of the number.
    width = round(height * (most + _WIDEST * (most + 1)))
    return Digits(ImageSpec(height, width), Alphabet("0123456789"), (fewest, most), seed, variation)


@dataclass(frozen=True)
class Digits:
    """The numbers of one set of options; ``lengths`` is the (smallest, largest) number of digits."""

    image: ImageSpec
    alphabet: Alphabet
    lengths: tuple[int, int]
    seed: int
    variation: float
    fit: str = "pad"

    def size(self, split: SplitName) -> None:
        """Return None: the number of samples is unlimited."""

    def fingerprint(self, split: SplitName) -> str:
        """Return the options and the versions of the packages that determine the pixels, as JSON."""
        versions = {name: importlib.metadata.version(name) for name in ("scikit-learn", "numpy", "pillow")}
        options = [_VERSION, split, self.image.height, self.lengths, self.seed]
        options += [self._variation(split)] if self._variation(split) else []
        return json.dumps({"options": options, "versions": versions})

    def describe(self, split: SplitName, index: int) -> str:
        """Return the split and the index."""
        return f"digits {split}/{index}"

    def _variation(self, split: SplitName) -> float:
        return self.variation if split == "train" else 0.0

    def draw(self, split: SplitName, index: int) -> Sample:
        """Return sample `index`, a function of (seed, split, index)."""
        import numpy as np

        key = hashlib.sha256(f"ctcbench digits {self.seed} {split} {index}".encode()).digest()
        chance = np.random.Generator(np.random.PCG64(int.from_bytes(key, "big")))
        pictures, labels = _pool(split, self.image.height)
        chosen = chance.integers(0, len(labels), chance.integers(self.lengths[0], self.lengths[1] + 1))
        height, variation = self.image.height, self._variation(split)
        image = np.full((height, self.image.width), 255, np.uint8)
        left = round(chance.uniform(0, _WIDEST) * height)
        for number in chosen:
            # The darker of two digits that touch, as ink on paper.
            window = image[:, left : left + height]
            digit = _move_corners(pictures[number], variation, chance) if variation else pictures[number]
            np.minimum(window, digit, out=window)
            right, left = left + height, left + round(height * (1 + chance.uniform(_CLOSEST, _WIDEST)))
        return Sample(image, "".join(str(labels[number]) for number in chosen), right)


def _move_corners(picture: NDArray[np.uint8], most: float, chance: np.random.Generator) -> NDArray[np.uint8]:
    """Return a picture whose corners were moved by up to `most` heights, with white where there was nothing."""
    import numpy as np
    from PIL import Image

    height = len(picture)
    corners = np.array([(0, 0), (0, height), (height, height), (height, 0)])
    moved = corners + chance.uniform(-most, most, corners.shape) * height
    image = Image.fromarray(picture)
    # One resampling for rotation, slant, size and perspective: each one blurs the strokes.
    return np.asarray(
        image.transform(
            image.size, Image.Transform.QUAD, moved.ravel().tolist(), Image.Resampling.BICUBIC, fillcolor=255
        )
    )


@functools.cache
def _pool(split: SplitName, height: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the pictures of a split, uint8 (N, height, height) with ink on white, and their labels."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    found = load_digits()
    # By a fixed permutation: the pictures of one writer follow each other in the data set.
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(found.target))
    tested, validated = (round(_SHARES[name] * len(order)) for name in ("test", "val"))
    chosen = {
        "test": order[:tested],
        "val": order[tested : tested + validated],
        "train": order[tested + validated :],
    }[split]
    levels = (255 - found.images[chosen] * (255 / 16)).round().astype(np.uint8)
    size = (height, height)
    scaled = [np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in levels]
    return np.stack(scaled), found.target[chosen]


@hookimpl
def ctcbench_components():
    """Return the data set."""
    return [digits]
