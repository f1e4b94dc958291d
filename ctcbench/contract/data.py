"""The arrays that components receive and return: samples of a data set, log-probabilities of a recogniser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

# For type checkers alone: `ctcbench --help` must not import numpy.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ctcbench.contract.ragged_images import RaggedImages
    from ctcbench.contract.repeated_images import RepeatedImages
    from ctcbench.contract.specs import Alphabet, ImageSpec

SplitName = Literal["train", "val", "test"]
SPLITS: tuple[SplitName, ...] = get_args(SplitName)
LONGEST_TEXT = 100_000  # characters; more than any image has frames
MOST_SAMPLES = 100_000_000  # in a split; at 150 × 40 pixels a file of 600 GB

Images: TypeAlias = "NDArray[np.uint8] | RaggedImages | RepeatedImages"


@dataclass(frozen=True)
class Sample:
    """One image and its text.

    Attributes:
        image: uint8 of shape (H, W) or (C, H, W); 0 is black, 255 is white. Where widths are variable, W is
            that of this image.
        text: the target.
        width: the number of columns before the padding on the right; None: all of them.
    """

    image: NDArray[np.uint8]
    text: str
    width: int | None = None


class Source(Protocol):
    """What the builder of a data set returns.

    The core calls ``draw`` in worker processes, caches the samples on disk and maps them into memory, so
    ``draw`` must be a pure function of its arguments and of the options of the data set.

    With an alphabet of direction ``rtl``, texts are in logical order and images as they are; the core
    mirrors the images that augmentation and recogniser receive. A text must be the one that decoding returns:
    ``alphabet.decode(alphabet.encode(text)) == text``. Only a text of the validation or test split may have
    characters that the alphabet lacks: it can't be read right, and counts as an error. Of the training split
    the core rejects such samples.

    A source may have an attribute ``fit``: ``"stretch"`` (the default), ``"pad"`` or, where widths are
    variable, ``"keep"``: how a trained recogniser resizes other pictures (`read_picture`). Sentences for the
    user in an attribute ``notices`` (a tuple of texts) are shown once by each command that uses the data set.
    A source of pictures may have a method ``picture_size(split, index) -> (width, height)``, in pixels after
    cropping and before scaling, which raises ``BadSample`` as ``draw`` does; ``ctcbench data describe`` uses
    it. It may have a method ``labelled_picture(split, index) -> (picture, label)``: the path or the content
    of a picture before scaling, and its label as it is, also with characters that the alphabet lacks.
    ``ctcbench evaluate`` scales such pictures for a recogniser of any size; images of other sources must have
    that size.

    A source without bad samples may have a method ``text_of(split, index)`` that returns the text of a
    sample without drawing it: the text that ``draw`` returns, which has the width None. Its images can then
    be drawn while the training runs.

    A source of a component ``@dataset(reopen=…)`` has a method ``share(folder, split)``, which writes what a
    worker process needs to draw the split into an empty folder; the worker need not build an index of its
    own then. Such a source must not keep the state of its files: its fingerprint is compared once more when
    all samples are drawn. It may have a method ``with_alphabet(alphabet) -> Source``, if its labels can have
    other characters than those of its training split: in a run with an extra data set it then draws them
    with the characters of both sets.
    """

    image: ImageSpec
    alphabet: Alphabet

    def size(self, split: SplitName) -> int | None:
        """Return the number of samples in the split, or None where it is unlimited."""
        ...

    def fingerprint(self, split: SplitName) -> str:
        """Return a text that changes whenever the pixels or texts of the split could change."""
        ...

    def describe(self, split: SplitName, index: int) -> str:
        """Return the name of sample `index` in error messages, such as the path of a file."""
        ...

    def draw(self, split: SplitName, index: int) -> Sample:
        """Return sample `index` of the split.

        Raises:
            BadSample: the sample can't be used; all bad samples are reported together.
        """
        ...


@dataclass(frozen=True)
class Samples:
    """A split in memory.

    Attributes:
        images_NCHW: uint8, mapped from the cache file. Those of different widths are `RaggedImages`, those of
            samples that repeat others `RepeatedImages`. An index is that of a sample in each case.
        widths_N: int32, the number of columns of each image that are not padding.
        texts: the targets; decoded from bytes each time that one is read.
        names: the name of each sample in error messages.
        fingerprint: identifies the pixels and texts; empty while the images are being drawn.
        left_out: the number of samples of the data set that could not be used, and are not among these.
        rejected: the indices of these in the order of the data set, which may repeat a sample; ascending.
        origin: identifies the data set, its options and the number of samples requested, from which the
            pixels follow.
    """

    images_NCHW: Images
    widths_N: NDArray[np.int32]
    texts: Sequence[str]
    names: Sequence[str]
    fingerprint: str
    left_out: int = 0
    rejected: tuple[int, ...] = ()
    origin: str = ""

    def __len__(self) -> int:
        return len(self.texts)

    def indices(self) -> NDArray[np.int64]:
        """Return the index of each sample in the order of the data set, int64."""
        import numpy as np

        return np.delete(np.arange(len(self) + len(self.rejected)), self.rejected)


@dataclass(frozen=True)
class LogProbs:
    """The output of a recogniser for N images: what a decoder receives. It is read without torch.

    Attributes:
        values_NTK: float32, natural log-probabilities: log-softmax over the K classes; class 0 is the blank.
        lengths_N: int64, the number of frames of each image that count.
        texts: the targets, for scoring; some may have characters that the alphabet lacks.
        alphabet: the characters of the classes 1 to K − 1.
        fingerprint: identifies the images.
        left_out: the number of samples of the data set that could not be used; None: not known.
    """

    values_NTK: NDArray[np.float32]
    lengths_N: NDArray[np.int64]
    texts: tuple[str, ...]
    alphabet: Alphabet
    fingerprint: str = ""
    left_out: int | None = None

    def __len__(self) -> int:
        return len(self.texts)
