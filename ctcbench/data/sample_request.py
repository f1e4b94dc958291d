"""SampleRequest: the samples of a split that are requested, and their key in the cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ctcbench.contract.data import Source, SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.data import cache as caching
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_checks import require_split


@dataclass(frozen=True)
class SampleRequest:
    """The first ``count`` samples of a split, and everything that their place in the cache depends on.

    Attributes:
        build_seconds: how long another process needs to build the data set.
        is_shared: whether other processes open what the source's method ``share`` writes instead.
    """

    dataset: str
    owner: str
    source: Source
    split: SplitName
    count: int
    fingerprint: str
    build_seconds: float = 0.0
    is_shared: bool = False

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
        # Without the options: the fingerprint states which of them matter, so that two spellings share a set.
        name = self.dataset.partition(":")[0]
        form = ("variable",) if self.source.image.variable else ()
        return caching.key_of(
            self.owner, name, self.split, self.fingerprint, self.shape, self.source.alphabet.characters, *form
        )


def make_request(
    dataset: BuiltDataset, split: SplitName, wanted: int | None, notice: Callable[[str], None]
) -> SampleRequest:
    """Return the request for the first `wanted` samples of a split (None: all).

    `notice` is called with a sentence for the user if the split has fewer samples, or training samples are
    left over.

    Raises:
        UsageError: `wanted` is below 1, or None for an endless data set, or the split is empty.
        PluginError: the data set broke its contract.
    """
    if wanted is not None and wanted < 1:
        raise UsageError(f"{split}-samples={wanted}: at least 1 is needed")
    source, text = dataset.source, dataset.text
    owner = f"{dataset.owner}: dataset {text!r}"
    with attribute_errors(f"{owner}: size and fingerprint of {split!r} failed"):
        size, fingerprint = source.size(split), source.fingerprint(split)
    require_split(owner, split, size, fingerprint)
    if size is None and wanted is None:
        raise UsageError(f"dataset {text} is endless: set the number of {split!r} samples")
    if size == 0:
        raise UsageError(f"dataset {text}: its split {split!r} is empty")
    if size is not None and wanted is not None and wanted > size:
        notice(f"{split}: all {size:,} samples are used ({split}_samples is {wanted:,})")
    # Of the other splits fewer are no loss for the recogniser; the report has their numbers.
    if split == "train" and size is not None and wanted is not None and wanted < size:
        notice(f"train: {wanted:,} of {size:,} samples are used (train_samples is {wanted:,})")
    count = min(n for n in (size, wanted) if n is not None)
    return SampleRequest(
        text,
        dataset.owner,
        source,
        split,
        count,
        fingerprint,
        build_seconds=0.0 if dataset.is_shared else dataset.build_seconds,
        is_shared=dataset.is_shared,
    )
