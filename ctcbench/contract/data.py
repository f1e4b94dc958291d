"""What passes between the parts as arrays: samples of a data set and the log-probs of a recogniser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ctcbench.contract.specs import Alphabet, ImageSpec

SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
MOST_SAMPLES = 100_000_000  # of a split: at 150 × 40 a file of 600 GB


@dataclass(frozen=True)
class Sample:
    """One drawn image: ``image`` uint8 of shape (H, W) or (C, H, W), its ``text``.

    ``width`` is the number of columns that are picture rather than padding on the right
    (None: all of them).
    """

    image: NDArray[np.uint8]
    text: str
    width: int | None = None


class Source(Protocol):
    """What a data set builder returns: where samples come from, one at a time.

    The core draws the samples in worker processes, keeps them in its cache and maps them into
    memory, so ``draw`` must be a pure function of its arguments and of the data set's options.

    A source may also have an attribute ``fit``, ``"stretch"`` (what counts where there is none) or
    ``"pad"``: how a trained recogniser then brings other pictures to the image size (`read_picture`).
    """

    image: ImageSpec
    alphabet: Alphabet

    def size(self, split: SplitName) -> int | None:
        """Return how many samples the split has, or None where there is no end to them."""
        ...

    def fingerprint(self, split: SplitName) -> str:
        """Return a text that differs whenever the pixels or texts of the split could differ."""
        ...

    def describe(self, split: SplitName, index: int) -> str:
        """Return how an error names sample `index`: a file's path, say."""
        ...

    def draw(self, split: SplitName, index: int) -> Sample:
        """Return sample `index` of the split.

        Raises:
            BadSample: the sample can't be used; all such are reported together.
        """
        ...


@dataclass(frozen=True)
class Samples:
    """A split in memory: ``images_NCHW`` uint8 (mapped from the cache file), ``texts``, ``widths_N``.

    ``widths_N`` (int32) counts the columns of each image that are not padding. ``fingerprint``
    names the pixels and texts; ``names`` is how errors call each sample.
    """

    images_NCHW: NDArray[np.uint8]
    widths_N: NDArray[np.int32]
    texts: tuple[str, ...]
    names: tuple[str, ...]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class LogProbs:
    """What a recogniser read from a split; everything below training starts here, without torch.

    ``values_NTK`` float32 are natural log-probabilities (log-softmax over K, blank = class 0),
    ``lengths_N`` (int64) the frames of each image that count, ``texts`` the targets.
    """

    values_NTK: NDArray[np.float32]
    lengths_N: NDArray[np.int64]
    texts: tuple[str, ...]
    alphabet: Alphabet
    fingerprint: str = ""

    def __len__(self) -> int:
        return len(self.texts)
