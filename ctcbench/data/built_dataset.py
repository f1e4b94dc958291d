"""Data set components, built and checked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.data import SPLITS, Source, SplitName
from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.contract.word_lists import join_words
from ctcbench.files.pictures import Fit
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_checks import require_fingerprint, require_size, require_source
from ctcbench.registry.component_registry import Registry

# For type checkers alone: `ctcbench --help` must not import numpy.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ctcbench.data.sample_rows import SampleRows


@dataclass(frozen=True)
class BuiltDataset:
    """A data set component that is built.

    Attributes:
        text: its component string. Worker processes build the component again from it, so that a source need
            not be picklable.
        owner: its plugin's name. It is part of the key in the cache, because two plugins may have data sets
            of one name.
        source: its source of samples.
        build_seconds: how long it took to build.
        is_shared: whether the source has a method ``share``, so that worker processes need not build it.
    """

    text: str
    owner: str
    source: Source
    build_seconds: float = 0.0
    is_shared: bool = False

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences of the source for the user, which a command shows once."""
        notices: tuple[str, ...] = getattr(self.source, "notices", ())
        return notices

    @property
    def parts(self) -> tuple[BuiltDataset, ...]:
        """The data sets that the samples come from: this one."""
        return (self,)

    @property
    def extra_share(self) -> float | None:
        """The share of the training samples that come from the second part; None if there is one part."""
        return None

    def locate(self, split: SplitName, index: int) -> tuple[int, int]:
        """Return where sample `index` comes from: the index of its part, and its index in that part."""
        return 0, index

    def of_split(self, split: SplitName) -> BuiltDataset:
        """Return the data set that a split comes from."""
        return self

    def locate_all(
        self, split: SplitName, indices_N: NDArray[np.int64]
    ) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
        """Return what `locate` returns for many samples: the parts and the indices in them."""
        import numpy as np

        return np.zeros(len(indices_N), np.int8), indices_N

    def first_uses(self, split: SplitName, indices_N: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the positions in `indices_N` of the samples that no sample before them repeats, int64."""
        import numpy as np

        parts_N, numbers_N = self.locate_all(split, indices_N)
        first = np.unique(numbers_N * len(self.parts) + parts_N, return_index=True)[1]
        return np.sort(first)

    def rows(self, split: SplitName, count: int) -> SampleRows:
        """Return in which rows the images of the first `count` samples are stored: each in its own."""
        from ctcbench.data.sample_rows import SampleRows

        return SampleRows(count)

    def distinct(self, split: SplitName, count: int) -> int:
        """Return how many of the first `count` samples of a split are different samples."""
        return count

    def require_both(self, count: int) -> None:
        """Check that the first `count` training samples have one of each part; one part has all."""

    def describe_mixture(self, count: int) -> tuple[str, ...]:
        """Return a sentence about where the first `count` training samples come from; none of one part."""
        return ()

    def describe_owner(self) -> str:
        """Return the beginning of the messages of errors that the data set causes."""
        return f"{self.owner}: dataset {self.text!r}"

    def identity(self, split: SplitName, fingerprints: Sequence[str]) -> tuple[object, ...]:
        """Return everything that the pixels and texts of a split depend on, as values of JSON.

        `fingerprints` are those of the split in each part.
        """
        (fingerprint,) = fingerprints
        spec, name = self.source.image, self.text.partition(":")[0]
        form = ("variable",) if spec.variable else ()
        shape = (spec.channels, spec.height, spec.width)
        # Without the options: the fingerprint states which of them matter, so that two spellings share a set.
        return (self.owner, name, split, fingerprint, shape, self.source.alphabet.characters, *form)

    def size(self, split: SplitName) -> int | None:
        """Return the number of samples in a split, None if it is endless.

        Raises:
            UsageError: the split is empty.
            PluginError: the source failed, or returned something else.
        """
        size = self.count(split)
        if size == 0:
            used = [other for other in SPLITS if size_or_zero(self.source, other)]
            found = f" (it has {join_words(used)})" if used else ""
            raise UsageError(f"dataset {self.text}: its split {split!r} is empty{found}")
        return size

    def count(self, split: SplitName) -> int | None:
        """Return the number of samples in a split, which may be 0; None if it is endless.

        Raises:
            UsageError: the source refuses an empty split.
            PluginError: the source failed, or returned something else.
        """
        owner = self.describe_owner()
        with attribute_errors(f"{owner}: size of {split!r} failed"):
            size = self.source.size(split)
        require_size(owner, split, size)
        return size

    def fingerprint(self, split: SplitName) -> str:
        """Return the fingerprint of a split.

        Raises:
            PluginError: the source failed, or returned something else.
        """
        owner = self.describe_owner()
        with attribute_errors(f"{owner}: fingerprint of {split!r} failed"):
            fingerprint = self.source.fingerprint(split)
        require_fingerprint(owner, split, fingerprint)
        return fingerprint


def fit_of(source: Source) -> Fit:
    """Return how a recogniser that is trained on a source fits other pictures to its image size."""
    fit: Fit = getattr(source, "fit", "keep" if source.image.variable else "stretch")
    return fit


def size_or_zero(source: Source, split: SplitName) -> int:
    """Return the number of samples of a split; 0 if it is empty, unlimited or can't be made."""
    try:
        return source.size(split) or 0
    except CtcbenchError:
        return 0


def build_dataset(registry: Registry, text: str) -> BuiltDataset:
    """Build the data set that the component string `text` names.

    Raises:
        UsageError: there is no such data set, or an option of it is wrong.
        PluginError: the built object is not a `Source`; the message names the part of the contract that
            it breaks.
    """
    started = time.perf_counter()
    source = build_source(registry, text)
    seconds = time.perf_counter() - started
    component = registry.get("dataset", text.partition(":")[0].strip())
    return BuiltDataset(text, registry.owner(component).owner, source, seconds, component.reopen is not None)


def build_source(registry: Registry, text: str) -> Source:
    """Build a data set and return its source alone.

    Raises:
        UsageError, PluginError: as `build_dataset`.
    """
    source: Source = registry.build("dataset", text)
    require_source(registry.describe_owner("dataset", text), source)
    return source


def reopen_dataset(registry: Registry, text: str, folder: Path) -> BuiltDataset:
    """Return a data set that another process wrote into a folder by its method ``share``.

    Raises:
        PluginError: the component can't, or it returned something else than a `Source`.
        CtcbenchError: a file in the folder is damaged.
    """
    owner = registry.describe_owner("dataset", text)
    component = registry.get("dataset", ComponentString.parse(text).name)
    if component.reopen is None:
        raise PluginError(f"{owner}: has no function that opens a shared source")
    with attribute_errors(f"{owner} could not be opened"):
        source: Source = component.reopen(folder)
    require_source(owner, source)
    return BuiltDataset(text, registry.owner(component).owner, source, is_shared=True)
