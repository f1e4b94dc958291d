"""materialise(): the samples of a data set, drawn once, kept in the cache and mapped into memory."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ctcbench.contract.data import Samples, Source, SplitName
from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.data import cache as caching
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.drawing import draw_range
from ctcbench.data.parallel_drawing import draw_in_workers
from ctcbench.data.rejected_samples import RejectedSample, list_rejected
from ctcbench.data.stored_set import (
    DamagedSet,
    DrawnSample,
    StoredSet,
    create_images,
    finish_set,
    open_set,
)
from ctcbench.processes.cores import available_cores
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_checks import require_split

_FEW = 200  # so few samples are drawn in this process, because starting workers takes longer

OnProgress = Callable[[int, int], None]
Notice = Callable[[str], None]


@dataclass(frozen=True)
class _Request:
    """The first ``count`` samples of a split, and everything that their place in the cache depends on."""

    dataset: str
    owner: str
    source: Source
    split: SplitName
    count: int
    fingerprint: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        spec = self.source.image
        return spec.channels, spec.height, spec.width

    @property
    def key(self) -> str:
        """The key of the source and split in the cache; the folder's name adds the count."""
        # Without the options: the fingerprint states which of them matter, so that two spellings share a set.
        name = self.dataset.partition(":")[0]
        return caching.key_of(
            self.owner, name, self.split, self.fingerprint, self.shape, self.source.alphabet.characters
        )


def materialise(
    dataset: BuiltDataset,
    split: SplitName,
    num_samples: int | None,
    *,
    skip_bad: bool = False,
    workers: int | None = None,
    progress: OnProgress | None = None,
    cache: Path | None = None,
    notice: Notice | None = None,
) -> Samples:
    """Return the first `num_samples` samples of a data set's split (None: all), memory-mapped.

    Samples are drawn once and stored in the cache. A stored set also serves requests for fewer samples. If
    the split has fewer samples than requested, all of them are returned.

    Args:
        dataset: the data set.
        split: name of the split.
        num_samples: number of samples, None for the whole split.
        skip_bad: whether samples that can't be used are left out; by default they are an error.
        workers: number of processes that draw, None for one per core. Few samples are drawn in this process.
        progress: called with ``(done, total)`` while samples are drawn.
        cache: folder of the cache, None for `cache_folder()`.
        notice: called with a sentence for the user, for example about rejected samples or a damaged set that
            is drawn again; None for `warnings.warn`.

    Raises:
        UsageError: samples can't be used, and `skip_bad` is False (the message counts them, and names ten
            with their reasons); there are none; `num_samples` is below 1, or None for an endless data set;
            the cache can't be written.
        PluginError: the data set broke its contract.
        CtcbenchError: a worker died.
    """
    notice = notice or _warn
    request = _request(dataset, split, num_samples, notice)
    folder = cache or caching.cache_folder()
    stored = _find(folder, request, skip_bad, notice)
    if stored is None:
        caching.remove_stale_drafts(folder)
        with caching.locked(folder, request.key, notice):
            # Another process may have drawn it while this one waited for the lock.
            stored = _find(folder, request, skip_bad, lambda text: None)
            if stored is None:
                with caching.draft(folder, request.key, request.count) as draft:
                    _fill(draft, request, skip_bad, workers or available_cores(), progress)
                # The new set serves every request for fewer samples.
                caching.drop_smaller_sets(folder, request.key, request.count)
                stored = open_set(
                    caching.set_folder(folder, request.key, request.count),
                    request.shape,
                    request.count,
                    request.count,
                )
    if stored.rejected:
        notice(_rejected_message(request, stored.rejected, "left out"))
    if not len(stored.samples):
        raise UsageError(
            f"dataset {dataset.text}: no valid sample among the first {request.count} of {split!r}"
        )
    return stored.samples


def cached_samples(
    dataset: BuiltDataset,
    split: SplitName,
    num_samples: int,
    *,
    skip_bad: bool = False,
    cache: Path | None = None,
) -> Samples | None:
    """Return the samples that `materialise` would return, if they are in the cache; nothing is drawn.

    Raises:
        UsageError: `num_samples` is below 1, or the split is empty.
        PluginError: the data set broke its contract.
    """
    request = _request(dataset, split, num_samples, lambda text: None)
    stored = _find(cache or caching.cache_folder(), request, skip_bad, lambda text: None)
    return stored.samples if stored and len(stored.samples) else None


def is_cached(dataset: BuiltDataset, split: SplitName, num_samples: int) -> bool:
    """Return whether `materialise` will most likely draw nothing; the cached files are not read.

    Raises:
        UsageError: `num_samples` is below 1, or the split is empty.
        PluginError: the data set broke its contract.
    """
    request = _request(dataset, split, num_samples, lambda text: None)
    return bool(caching.larger_sets(caching.cache_folder(), request.key, request.count))


def _request(dataset: BuiltDataset, split: SplitName, wanted: int | None, notice: Notice) -> _Request:
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
        notice(f"{split}: all {size} samples are used ({wanted} requested)")
    count = min(n for n in (size, wanted) if n is not None)
    return _Request(text, dataset.owner, source, split, count, fingerprint)


def _find(folder: Path, request: _Request, skip_bad: bool, notice: Notice) -> StoredSet | None:
    """Return the set from the cache, or None if it has to be drawn."""
    for found in caching.larger_sets(folder, request.key, request.count):
        drawn = int(found.name.rpartition("-")[2])
        try:
            stored = open_set(found, request.shape, drawn, request.count)
        except DamagedSet as error:
            notice(f"{found}: {error}; the images are drawn again")
            continue
        if skip_bad or not stored.rejected:  # otherwise they are tried again: their files may have changed
            return stored
    return None


def _fill(draft: Path, request: _Request, skip_bad: bool, workers: int, progress: OnProgress | None) -> None:
    """Draw the samples of a request into the folder `draft`.

    Raises:
        UsageError: samples can't be used, and `skip_bad` is False.
    """
    drawn: list[DrawnSample] = []
    rejected: list[RejectedSample] = []

    def report(new_drawn: list[DrawnSample], new_rejected: list[RejectedSample]) -> None:
        drawn.extend(new_drawn)
        rejected.extend(new_rejected)
        if progress:
            progress(len(drawn) + len(rejected), request.count)

    images = draft / "images.npy"
    offset = create_images(images, request.count, request.shape)
    try:
        # An interpreter that is embedded in another program has no executable to start workers with.
        if workers == 1 or request.count < _FEW or not sys.executable:
            draw_range(request.source, request.split, 0, request.count, images, offset, report)
        else:
            order = {
                "dataset": request.dataset,
                "split": request.split,
                "fingerprint": request.fingerprint,
                "shape": request.shape,
                "file": str(images),
                "offset": offset,
            }
            draw_in_workers(order, request.count, min(workers, request.count), report)
    except PluginError as error:
        raise PluginError(f"{request.owner}: dataset {request.dataset}: {error}") from error
    if len(drawn) + len(rejected) != request.count:
        raise CtcbenchError(
            f"dataset {request.dataset}: {len(drawn)} of {request.count} samples were drawn; "
            f"the rest is missing"
        )
    # After all were drawn, so that one error names every sample that can't be used.
    if rejected and not skip_bad:
        raise UsageError(
            _rejected_message(request, sorted(rejected), "can't be used") + "\n--skip-bad leaves them out"
        )
    # Workers report in any order.
    finish_set(draft, offset, request.shape, sorted(drawn), sorted(rejected))


def _rejected_message(request: _Request, rejected: Sequence[RejectedSample], verdict: str) -> str:
    counted = f"{len(rejected)} of {request.count} samples of {request.split!r}"
    return f"dataset {request.dataset}: {counted} {verdict}:{list_rejected(rejected)}"


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=3)
