"""materialise(): the samples of a data set, drawn once, kept in the cache and mapped into memory."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ctcbench.contract.data import Samples, SplitName
from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.data import cache as caching
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.drawing import draw_samples
from ctcbench.data.drawing_watch import DrawingWatch
from ctcbench.data.drawn_columns import DrawnColumns, DrawnSample
from ctcbench.data.image_file import create_images
from ctcbench.data.parallel_drawing import draw_in_workers
from ctcbench.data.part_sharing import shared_parts
from ctcbench.data.rejected_samples import NoValidSampleError, RejectedSample, list_rejected, rejected_message
from ctcbench.data.sample_request import SampleRequest, make_request
from ctcbench.data.stored_set import DamagedSet, StoredSet, finish_set, open_set
from ctcbench.processes.cores import available_cores

# So few samples, and those that take less time than building the data set, are drawn in this process, because
# starting workers would take longer.
_FEW = 200
_SAMPLE_SECONDS = 0.001  # about what a captcha, or a picture of a line, takes to be drawn

OnProgress = Callable[[int, int], None]
Notice = Callable[[str], None]


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
    request = make_request(dataset, split, num_samples, notice)
    return load_or_draw(
        request, skip_bad=skip_bad, workers=workers, progress=progress, cache=cache, notice=notice
    )


def load_or_draw(
    request: SampleRequest,
    *,
    notice: Notice,
    skip_bad: bool = False,
    workers: int | None = None,
    progress: OnProgress | None = None,
    cache: Path | None = None,
    watch: DrawingWatch | None = None,
) -> Samples:
    """Return the samples of a request; arguments and errors are those of `materialise`.

    With `watch` the samples are drawn in processes of the lowest priority.
    """
    folder = cache or caching.cache_folder()
    stored = _find(folder, request, skip_bad, notice)
    if stored is None:
        caching.remove_stale_drafts(folder)
        check = () if watch is None else (watch.check,)
        with caching.locked(folder, request.key, notice, *check):
            # Another process may have drawn it while this one waited for the lock.
            stored = _find(folder, request, skip_bad, lambda text: None)
            if stored is None:
                with caching.draft(folder, request.key, request.count) as draft:
                    _fill(draft, request, skip_bad, workers or available_cores(), progress, watch)
                # The new set serves every request for fewer samples.
                caching.drop_smaller_sets(folder, request.key, request.count)
                stored = _open_drawn(caching.set_folder(folder, request.key, request.count), request)
    if stored.rejected:
        notice(_message(request, stored.rejected, skipped=True))
    if not len(stored.samples):
        among = f"the first {request.count} of {request.split!r}"
        raise NoValidSampleError(f"dataset {request.dataset.text}: no valid sample among {among}")
    # A sample that is repeated counts once.
    left_out = len(_distinct(request, stored.rejected))
    return replace(stored.samples, left_out=left_out, origin=request.origin)


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
    request = make_request(dataset, split, num_samples, lambda text: None)
    stored = _find(cache or caching.cache_folder(), request, skip_bad, lambda text: None)
    return stored.samples if stored and len(stored.samples) else None


def is_cached(dataset: BuiltDataset, split: SplitName, num_samples: int) -> bool:
    """Return whether `materialise` will most likely draw nothing; the cached files are not read.

    Raises:
        UsageError: `num_samples` is below 1, or the split is empty.
        PluginError: the data set broke its contract.
    """
    request = make_request(dataset, split, num_samples, lambda text: None)
    return bool(caching.larger_sets(caching.cache_folder(), request.key, request.count))


def _find(folder: Path, request: SampleRequest, skip_bad: bool, notice: Notice) -> StoredSet | None:
    """Return the set from the cache; None if it has to be drawn, as where rejected files may have changed."""
    for found in caching.larger_sets(folder, request.key, request.count):
        drawn = int(found.name.rpartition("-")[2])
        try:
            stored = open_set(found, request.shape, drawn, request.count)
        except DamagedSet as error:
            notice(f"{found}: {error}; the images are drawn again")
            continue
        if not stored.rejected or (skip_bad and not stored.rejects_foreign_texts(request.split)):
            return stored
    return None


def _open_drawn(folder: Path, request: SampleRequest) -> StoredSet:
    """Return the set that was just drawn into a folder.

    Raises:
        UsageError: another program removed or changed it.
    """
    try:
        return open_set(folder, request.shape, request.count, request.count)
    except DamagedSet as error:
        raise UsageError(
            f"{folder}: removed or changed by another program as soon as it was drawn ({error}); try again"
        ) from error


def _fill(
    draft: Path,
    request: SampleRequest,
    skip_bad: bool,
    workers: int,
    progress: OnProgress | None,
    watch: DrawingWatch | None,
) -> None:
    """Draw the samples of a request into the folder `draft`.

    Raises:
        UsageError: samples can't be used, and `skip_bad` is False.
        PluginError: the data set broke its contract.
    """
    drawn = DrawnColumns()
    rejected: list[RejectedSample] = []

    def report(new_drawn: list[DrawnSample], new_rejected: list[RejectedSample]) -> None:
        drawn.extend(new_drawn)
        rejected.extend(new_rejected)
        if watch is not None:
            # To leave them out would move the rows that a training reads already.
            if rejected:
                owner = f"{request.dataset.owner}: dataset {request.dataset.text}"
                listed = list_rejected(rejected)
                raise PluginError(f"{owner}: it has bad samples, but the method text_of:{listed}")
            watch.drawn(new_drawn)
        if progress:
            progress(len(drawn) + len(rejected), len(request.rows))

    images = draft / "images.npy"
    variable = request.source.image.variable
    in_workers = watch is not None or (workers > 1 and worth_workers(request))
    count = len(request.rows)
    workers = min(workers, count) if in_workers else 1
    files = [draft / f"images{i}.part" if variable else images for i in range(workers)]
    offset = None if variable else create_images(images, count, request.shape)
    if watch is not None:
        watch.started(np.load(images, mmap_mode="r", allow_pickle=False))
    if not in_workers:
        places = request.rows.places(range(count))
        draw_samples(request.dataset, request.split, places, files[0], offset, report)
    else:
        with shared_parts(draft, request) as parts:
            order = {
                "dataset": request.dataset.text,
                "split": request.split,
                "count": request.count,
                "parts": parts,
                "extra_share": request.dataset.extra_share,
                "shape": request.shape,
                "offset": offset,
            }
            draw_in_workers(order, files, count, report, watch)
    if len(drawn) + len(rejected) != count:
        raise CtcbenchError(
            f"dataset {request.dataset.text}: {len(drawn)} of {count} samples were drawn; the rest is missing"
        )
    # After all were drawn, so that one error names every sample that can't be used.
    if rejected and not skip_bad:
        raise UsageError(_message(request, rejected, skipped=False))
    finish_set(draft, offset, request.shape, request.rows, drawn, rejected, files)


def worth_workers(request: SampleRequest) -> bool:
    """Return whether worker processes can be started, and take less time to start than they save."""
    # An interpreter that is embedded in another program has no executable to start them with.
    seconds = len(request.rows) * _SAMPLE_SECONDS
    return len(request.rows) >= _FEW and seconds > request.build_seconds and bool(sys.executable)


def _message(request: SampleRequest, rejected: Sequence[RejectedSample], *, skipped: bool) -> str:
    dataset, split = request.dataset, request.split
    total = dataset.distinct(split, request.count)
    return rejected_message(dataset.text, split, total, _distinct(request, rejected), skipped=skipped)


def _distinct(request: SampleRequest, rejected: Sequence[RejectedSample]) -> list[RejectedSample]:
    """Return the rejected samples without repeats of a sample."""
    # Worker processes report them in any order.
    rejected = sorted(rejected)
    numbers_N = np.array([entry.number for entry in rejected], np.int64)
    return [rejected[position] for position in request.dataset.first_uses(request.split, numbers_N)]


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=3)
