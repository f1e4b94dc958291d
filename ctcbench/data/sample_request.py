"""SampleRequest: the samples of a split that are requested, and their key in the cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from ctcbench.contract.data import Source, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.data import cache as caching
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.sample_rows import SampleRows


@dataclass(frozen=True)
class SampleRequest:
    """The first ``count`` samples of a split, and everything that their place in the cache depends on.

    Attributes:
        dataset: the data set that the split comes from.
        split: name of the split.
        count: number of samples.
        fingerprints: those of the split in each part of the data set.
    """

    dataset: BuiltDataset
    split: SplitName
    count: int
    fingerprints: tuple[str, ...]

    @property
    def source(self) -> Source:
        """The source of the samples."""
        return self.dataset.source

    @cached_property
    def rows(self) -> SampleRows:
        """The rows in which the images are stored; there are as many as samples to draw."""
        return self.dataset.rows(self.split, self.count)

    @property
    def build_seconds(self) -> float:
        """How long another process needs to build what it can't open."""
        return sum(part.build_seconds for part in self.dataset.parts if not part.is_shared)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        spec = self.source.image
        return spec.channels, spec.height, spec.width

    @property
    def origin(self) -> str:
        """The name of the samples before they are drawn: `Samples.origin`."""
        return f"{self.key}-{self.count}"

    @property
    def key(self) -> str:
        """The key of the source and split in the cache; the folder's name adds the count."""
        return caching.key_of(*self.dataset.identity(self.split, self.fingerprints))


def make_request(
    dataset: BuiltDataset, split: SplitName, wanted: int | None, notice: Callable[[str], None]
) -> SampleRequest:
    """Return the request for the first `wanted` samples of a split (None: all).

    `notice` is called with a sentence for the user if the split has fewer samples.

    Raises:
        UsageError: `wanted` is below 1, or None for an endless data set, or the split is empty.
        PluginError: the data set broke its contract.
    """
    if wanted is not None and wanted < 1:
        raise UsageError(f"{split}-samples={wanted}: at least 1 is needed")
    dataset = dataset.of_split(split)
    text = dataset.text
    size = dataset.size(split)
    fingerprints = tuple(part.fingerprint(split) for part in dataset.parts)
    if size is None and wanted is None:
        raise UsageError(f"dataset {text} is endless: set the number of {split!r} samples")
    if size is not None and wanted is not None and wanted > size:
        used = "the only sample is" if size == 1 else f"all {size:,} samples are"
        notice(f"{split}: {used} used ({split}_samples is {wanted:,})")
    count = min(n for n in (size, wanted) if n is not None)
    return SampleRequest(dataset, split, count, fingerprints)
