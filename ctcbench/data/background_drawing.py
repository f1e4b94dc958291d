"""BackgroundDrawing: draws the training images into the cache while the training reads them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import Samples, SplitName
from ctcbench.contract.errors import PluginError
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.drawn_columns import DrawnSample
from ctcbench.data.materialise import is_cached, load_or_draw, worth_workers
from ctcbench.data.sample_request import SampleRequest, make_request
from ctcbench.files.text_column import TextColumn
from ctcbench.registry.attribution import attribute_errors

_POLL_SECONDS = 0.1  # after which a wait looks for notices and errors again

Notice = Callable[[str], None]


def start_drawing(
    dataset: BuiltDataset,
    split: SplitName,
    num_samples: int,
    *,
    seed: int,
    workers: int | None,
    notice: Notice,
) -> BackgroundDrawing | None:
    """Start to draw the samples that ``materialise`` would return.

    Returns:
        The drawing, which the caller closes. None if the samples have to be drawn first, or need no drawing:
        the source has no method ``text_of`` or images of variable width, a text can't be used, there are too
        few samples for worker processes, or the cache has them.

    Raises:
        UsageError: `num_samples` is below 1, or the split is empty; the cache can't be written.
        PluginError: the data set broke its contract.
    """
    source = dataset.source
    text_of: Callable[[SplitName, int], str] | None = getattr(source, "text_of", None)
    # Where the pixels of an image of variable width begin depends on the widths of those before it.
    if text_of is None or source.image.variable or is_cached(dataset, split, num_samples):
        return None
    request = make_request(dataset, split, num_samples, notice)
    if not worth_workers(request):
        return None
    drawing = BackgroundDrawing(request, seed, workers, notice)
    try:
        # While the workers start, as many texts take a second.
        with attribute_errors(f"{request.dataset.describe_owner()}: text_of failed"):
            texts = TextColumn.of(text_of(split, index) for index in range(request.count))
            usable = not any(
                dataset.parts[dataset.locate(split, index)[0]].source.alphabet.missing(text)
                for index, text in enumerate(texts)
            )
            names = TextColumn.of(source.describe(split, index) for index in range(request.count))
        if usable:
            drawing.open(texts, names)
            return drawing
    except BaseException:
        drawing.close()
        raise
    drawing.close()
    return None


class _Closed(Exception):
    """Ends a drawing that is not needed any more."""


class BackgroundDrawing:
    """A drawing by worker processes of the lowest priority, and the thread that receives their messages.

    The thread of the training calls `open`, `wait_for`, `finish` and `close`, and receives there the errors
    and the notices of the drawing.

    Attributes:
        seed: seed of the training, whose first epoch decides the order in which the samples are drawn.
    """

    def __init__(self, request: SampleRequest, seed: int, workers: int | None, notice: Notice) -> None:
        self.seed = seed
        self._samples: Samples | None = None
        self._request, self._workers, self._notice = request, workers, notice
        self._notices: queue.SimpleQueue[str] = queue.SimpleQueue()
        # The condition guards what follows; the drawing thread writes it.
        self._changed = threading.Condition()
        self._images_NCHW: NDArray[np.uint8] | None = None
        self._is_drawn_M = np.zeros(len(request.rows), dtype=np.bool_)  # by row
        self._stored: Samples | None = None  # before they are compared
        self._result: Samples | None = None
        self._error: BaseException | None = None
        self._is_closed = False
        self._thread = threading.Thread(target=self._draw, daemon=True)
        self._thread.start()

    def open(self, texts: Sequence[str], names: Sequence[str]) -> None:
        """Wait until the drawing has begun, and set `samples`; `texts` and `names` are those of all samples.

        Raises:
            UsageError: the cache can't be written.
            PluginError, CtcbenchError: as `materialise`.
        """
        self._wait_until(lambda: self._images_NCHW is not None or self._stored is not None)
        if self._images_NCHW is not None:
            images_NCHW = self._request.rows.images(self._images_NCHW)
        else:  # the thread has found the set that another process has drawn meanwhile
            assert self._stored is not None
            images_NCHW = self._stored.images_NCHW
        widths_N = np.full(len(texts), self._request.source.image.width, dtype=np.int32)
        with self._changed:
            self._samples = Samples(images_NCHW, widths_N, texts, names, "", origin=self._request.origin)
            self._changed.notify_all()

    @property
    def samples(self) -> Samples:
        """The samples, without a fingerprint; an image is valid once `wait_for` has returned for it."""
        assert self._samples is not None, "open() comes first"
        return self._samples

    def wait_for(self, indices_N: NDArray[np.int64]) -> None:
        """Wait until the images of these samples are drawn.

        Raises:
            UsageError: the cache can't be written.
            PluginError, CtcbenchError: as `materialise`.
        """
        self._wait_until(lambda: bool(self.drawn_among(indices_N).all()))

    def drawn_among(self, indices_N: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return of which of these samples the images are drawn."""
        is_drawn_N: NDArray[np.bool_] = self._is_drawn_M[self._request.rows.of(indices_N)]
        return is_drawn_N

    def finish(self, progress: Callable[[int, int], None]) -> Samples:
        """Wait until all samples are drawn and stored in the cache; return them with their fingerprint.

        `progress` is called with ``(done, total)`` during the wait.

        Raises:
            UsageError: the cache can't be written.
            PluginError, CtcbenchError: as `materialise`; also, `samples` has other texts than were drawn.
        """

        def is_finished() -> bool:
            progress(int(self._is_drawn_M.sum()), len(self._is_drawn_M))
            return self._result is not None

        self._wait_until(is_finished)
        assert self._result is not None
        return self._result

    def close(self) -> None:
        """End the drawing; one that is not finished leaves nothing in the cache."""
        self._is_closed = True
        self._thread.join()

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            while True:
                while not self._notices.empty():
                    self._notice(self._notices.get())
                if self._error is not None:
                    raise self._error
                if condition():
                    return
                self._changed.wait(_POLL_SECONDS)

    # ------------------------------------------------------------------ called by the drawing thread

    def started(self, images_NCHW: NDArray[np.uint8]) -> None:
        """Receive the images, uint8, mapped from the file that they are being drawn into."""
        with self._changed:
            self._images_NCHW = images_NCHW
            self._changed.notify_all()

    def drawn(self, samples: Sequence[DrawnSample]) -> None:
        """Receive samples whose rows in the images are written."""
        with self._changed:
            numbers_N = np.array([sample.number for sample in samples], np.int64)
            self._is_drawn_M[self._request.rows.of(numbers_N)] = True
            self._changed.notify_all()

    def check(self) -> None:
        """Raise an exception if the drawing should stop."""
        if self._is_closed:
            raise _Closed

    def _draw(self) -> None:
        result, error = None, None
        try:
            result = load_or_draw(self._request, workers=self._workers, notice=self._notices.put, watch=self)
            with self._changed:
                self._stored = result
                self._changed.notify_all()
            self._compare(result)
        except _Closed:
            pass
        except BaseException as raised:  # the thread of the training raises it
            error = raised
        with self._changed:
            self._result, self._error = result, error
            self._is_drawn_M[:] = result is not None
            self._changed.notify_all()

    def _compare(self, drawn: Samples) -> None:
        """Compare the samples that were drawn with those that the training was given.

        Raises:
            PluginError: they have other texts or widths.
        """
        with self._changed:
            while self._samples is None:
                self.check()
                self._changed.wait(_POLL_SECONDS)
        given = self._samples
        for index, name in enumerate(drawn.names):
            if (drawn.texts[index], drawn.widths_N[index]) != (given.texts[index], given.widths_N[index]):
                dataset = self._request.dataset
                raise PluginError(
                    f"{dataset.owner}: dataset {dataset.text}: {name} is drawn with the text "
                    f"{drawn.texts[index]!r} and the width {drawn.widths_N[index]}, but text_of returned "
                    f"{given.texts[index]!r}, and such a source draws images without padding"
                )
