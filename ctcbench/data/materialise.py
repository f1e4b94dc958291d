"""From a component string to samples mapped into memory: drawn once, found in the cache ever after."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path

from ctcbench.contract.data import Samples, Source, SplitName
from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.data import cache as caching
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.draw_range import draw_range
from ctcbench.data.drawn_set import Bad, DamagedError, Drawn, Stored, create_images, finish, open_set
from ctcbench.data.parallel_drawing import draw_in_workers
from ctcbench.processes.cores import available_cores
from ctcbench.registry.attribution import attribute_errors

_FEW = 200  # drawn in this process: a worker's start takes as long
_LISTED = 10

Progress = Callable[[int, int], None]
Notice = Callable[[str], None]


@dataclass(frozen=True)
class _Job:
    """A split of a source to be drawn, and all that decides its place in the cache."""

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
        """The source's key in the cache; what is given for the count comes to the folder's name."""
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
    progress: Progress | None = None,
    cache: Path | None = None,
    notice: Notice | None = None,
) -> Samples:
    """Return the first `num_samples` samples of a data set's split (None: all), mapped into memory.

    They are drawn at most once: the set is kept in `cache` (None: `cache_folder()`), and a set that
    is there serves any request for as many samples or fewer, so smaller ones give way to it. A set of
    fewer samples than asked for is returned whole. Drawing uses `workers` subprocesses (None: one a
    core; 1, or few samples: this process); they build the component themselves, by `load_registry()`.
    Two processes that want one set draw it once. `progress` hears ``(done, total)`` while drawing;
    `notice` hears sentences for the user: a damaged set drawn anew, bad samples left out (None:
    `warnings.warn`).

    Raises:
        UsageError: samples are bad (all are named, the first ten with reasons; `skip_bad` goes on
            without them), there are none, `num_samples` is missing or below 1, or the cache folder
            can't be written.
        PluginError: the data set broke its contract.
        CtcbenchError: a worker died.
    """
    notice = notice or _warn
    job = _job(dataset, split, num_samples, notice)
    folder = cache or caching.cache_folder()
    stored = _find(folder, job, skip_bad, notice)
    if stored is None:
        caching.sweep(folder)
        with caching.locked(folder, job.key, notice):
            # Another process may have drawn it while this one waited.
            stored = _find(folder, job, skip_bad, lambda text: None)
            if stored is None:
                with caching.draft(folder, job.key, job.count) as draft:
                    _fill(draft, job, skip_bad, workers or available_cores(), progress)
                caching.drop_smaller_sets(folder, job.key, job.count)
                stored = open_set(
                    caching.set_folder(folder, job.key, job.count), job.shape, job.count, job.count
                )
    if stored.bad:
        notice(_bad_message(job, stored.bad, "left out"))
    if not len(stored.samples):
        raise UsageError(
            f"dataset {dataset.text}: not one good sample among the first {job.count} of {split!r}"
        )
    return stored.samples


def _job(dataset: BuiltDataset, split: SplitName, wanted: int | None, notice: Notice) -> _Job:
    if wanted is not None and wanted < 1:
        raise UsageError(f"{split}-samples={wanted}: at least 1 is needed")
    source, text = dataset.source, dataset.text
    blame = f"{dataset.owner}: dataset {text!r}"
    with attribute_errors(f"{blame}: the split {split!r} can't be looked at"):
        size, fingerprint = source.size(split), source.fingerprint(split)
    if size is not None and (not isinstance(size, Integral) or size < 0):
        raise PluginError(f"{blame}: the size of {split!r} is {size!r}, not a whole number or None")
    if not isinstance(fingerprint, str):
        raise PluginError(f"{blame}: the fingerprint of {split!r} is {fingerprint!r}, not a text")
    if size is None and wanted is None:
        raise UsageError(f"dataset {text} has no end: say how many samples of {split!r} to draw")
    if size == 0:
        raise UsageError(f"dataset {text}: its split {split!r} is empty")
    if size is not None and wanted is not None and wanted > size:
        notice(f"{split}: all {size} samples are used ({wanted} asked for)")
    count = min(n for n in (size, wanted) if n is not None)
    return _Job(text, dataset.owner, source, split, count, fingerprint)


def _find(folder: Path, job: _Job, skip_bad: bool, notice: Notice) -> Stored | None:
    """Return the set from the cache, or None where it is to be drawn."""
    for found in caching.larger_sets(folder, job.key, job.count):
        drawn = int(found.name.rpartition("-")[2])
        try:
            stored = open_set(found, job.shape, drawn, job.count)
        except DamagedError as error:
            notice(f"{found}: {error}; the images are drawn anew")
            continue
        if skip_bad or not stored.bad:  # bad samples may have been mended: they are tried once more
            return stored
    return None


def _fill(draft: Path, job: _Job, skip_bad: bool, workers: int, progress: Progress | None) -> None:
    """Draw every sample into a draft.

    Raises:
        UsageError: there are bad samples, and `skip_bad` is False.
    """
    drawn: list[Drawn] = []
    bad: list[Bad] = []

    def report(new_drawn: list[Drawn], new_bad: list[Bad]) -> None:
        drawn.extend(new_drawn)
        bad.extend(new_bad)
        if progress:
            progress(len(drawn) + len(bad), job.count)

    images = draft / "images.npy"
    offset = create_images(images, job.count, job.shape)
    try:
        if workers == 1 or job.count < _FEW or not sys.executable:
            draw_range(job.source, job.split, 0, job.count, images, offset, report)
        else:
            order = {
                "dataset": job.dataset,
                "split": job.split,
                "fingerprint": job.fingerprint,
                "shape": job.shape,
                "file": str(images),
                "offset": offset,
            }
            draw_in_workers(order, job.count, min(workers, job.count), report)
    except PluginError as error:
        raise PluginError(f"{job.owner}: dataset {job.dataset}: {error}") from error
    if len(drawn) + len(bad) != job.count:
        raise CtcbenchError(
            f"dataset {job.dataset}: {len(drawn)} of {job.count} samples came; the rest is missing"
        )
    if bad and not skip_bad:
        raise UsageError(
            _bad_message(job, sorted(bad), "can't be used") + "\n--skip-bad goes on without them"
        )
    finish(draft, offset, job.shape, sorted(drawn), sorted(bad))


def _bad_message(job: _Job, bad: Sequence[Bad], verdict: str) -> str:
    listed = "".join(f"\n  {entry.name}: {entry.reason}" for entry in bad[:_LISTED])
    more = f"\n  and {len(bad) - _LISTED} more" if len(bad) > _LISTED else ""
    return (
        f"dataset {job.dataset}: {len(bad)} of {job.count} samples of {job.split!r} {verdict}:{listed}{more}"
    )


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=3)
