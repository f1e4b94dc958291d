"""OnnxReader: the network of an exported ONNX file, computed by onnxruntime on the CPU."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.contract.specs import Alignment, Alphabet, ImageSpec
from ctcbench.files.text import one_line
from ctcbench.processes.cores import computing_cores
from ctcbench.recognition.onnx_document import OnnxDocument
from ctcbench.recognition.onnx_graph import read_graph
from ctcbench.recognition.picture_batch import most_columns
from ctcbench.recognition.time_limit import TookTooLong, call_within
from ctcbench.recognition.width_groups import read_by_width
from ctcbench.results.recognizer_description import RecognizerDescription

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_ROUNDING = 1e-3  # of log-probabilities close to 0
_SHOWN = 300  # characters of an error of onnxruntime
# For a batch of pictures, and for loading a graph. The networks that ship take a second at most for a batch.
_MOST_SECONDS = 600.0
_thread_local = threading.local()  # has the session of each thread of OnnxReader.shared_by()


@dataclass(frozen=True)
class OnnxReader:
    """A `Reader` that onnxruntime computes; `load_onnx_reader` returns one.

    Attributes:
        path: the file, for errors.
        document: the file's metadata.
        data: the content of the file.
        session: the graph in onnxruntime, computed on all cores.
    """

    path: Path
    document: OnnxDocument
    data: bytes = field(repr=False)
    session: InferenceSession

    # Once: making an alphabet of many characters takes a while.
    @functools.cached_property
    def _description(self) -> RecognizerDescription:
        return self.document.description()

    @property
    def image(self) -> ImageSpec:
        """Size of the images."""
        return self._description.image

    @property
    def widest(self) -> int:
        """Columns of the widest image that is read; the export has tried wider ones than the training's."""
        return most_columns(self.image) if self.document.any_width else self.image.width

    @property
    def alphabet(self) -> Alphabet:
        """Characters of the texts."""
        return self._description.alphabet

    @property
    def alignment(self) -> Alignment:
        """How frames are aligned with characters."""
        return self.document.alignment

    @property
    def has_positions(self) -> bool:
        """Whether frame t of T is of the columns t · W / T to (t + 1) · W / T."""
        return self.document.has_positions

    @contextlib.contextmanager
    def shared_by(self, threads: int) -> Iterator[Callable[[], None]]:
        """Return a context in which several threads read at once; see `Reader.shared_by`."""
        # The threads of a session are chosen when it starts, and several for each of these would wait for
        # each other in turn.
        session = start_session(self.data, self.path, threads=max(1, computing_cores() // threads))

        def start_thread() -> None:
            _thread_local.session = session

        yield start_thread

    def read(
        self, images_NCHW: NDArray[np.uint8], widths_N: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return values_NTK and lengths_N; see `Reader.read`.

        Raises:
            CtcbenchError: onnxruntime failed, or the graph computes no log-probabilities.
        """
        if self.image.variable and not self.document.masks_padding and len({*widths_N.tolist()}) > 1:
            return read_by_width(self, images_NCHW, widths_N)
        session: InferenceSession = getattr(_thread_local, "session", self.session)
        try:
            values_NTK, lengths_N = _run(session, {"images": images_NCHW, "widths": widths_N})
        except TookTooLong:
            raise CtcbenchError(
                f"{self.path}: the graph was stopped after {_MOST_SECONDS:g} s for {len(images_NCHW)} images"
            ) from None
        # onnxruntime raises classes of its own, which derive from Exception directly.
        except Exception as error:
            raise CtcbenchError(f"{self.path}: onnxruntime failed: {_reason(error)}") from error
        self._require_log_probs(values_NTK, lengths_N, len(images_NCHW))
        return values_NTK, lengths_N

    def _require_log_probs(
        self, values_NTK: NDArray[np.float32], lengths_N: NDArray[np.int64], images: int
    ) -> None:
        """Raise CtcbenchError unless the outputs are log-probabilities and lengths of so many images."""
        classes = self.alphabet.num_classes
        frames = values_NTK.shape[1] if values_NTK.ndim == 3 else 0
        is_right = values_NTK.shape == (images, frames, classes) and lengths_N.shape == (images,)
        if not is_right or frames < 1:
            raise CtcbenchError(
                f"{self.path}: the graph returns log-probabilities of shape {values_NTK.shape} and lengths "
                f"of shape {lengths_N.shape} for {images} images and {classes} classes"
            )
        # NaN compares as false, so it fails this comparison too.
        if images and not values_NTK.max() <= _ROUNDING:
            raise CtcbenchError(f"{self.path}: the graph returns NaN, or a log-probability above 0")
        if images and not (lengths_N.min() >= 0 and lengths_N.max() <= frames):
            raise CtcbenchError(f"{self.path}: the graph returns lengths beyond 0 to {frames} frames")


def load_onnx_reader(path: Path) -> OnnxReader:
    """Return the network of an ONNX file that ``ctcbench export`` wrote.

    Raises:
        UsageError: the file can't be read, is damaged or comes from elsewhere, or onnxruntime can't load it;
            or a package is missing.
    """
    data, document = read_graph(path)
    return OnnxReader(path, document, data, start_session(data, path))


def start_session(data: bytes, path: Path, threads: int | None = None) -> InferenceSession:
    """Load a graph into onnxruntime, on the CPU.

    Args:
        data: the content of the file.
        path: the file, for errors.
        threads: number of threads that compute; None: one for each core.

    Raises:
        UsageError: onnxruntime can't load it.
    """
    import onnxruntime

    _limit_memory()
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    # The default is a thread for each core of the machine, even if this process may use only some of them.
    options.intra_op_num_threads = threads or computing_cores()
    options.log_severity_level = 4  # fatal errors; others are raised as exceptions as well
    try:
        return call_within(
            _MOST_SECONDS,
            lambda: onnxruntime.InferenceSession(
                data,
                options,
                providers=["CPUExecutionProvider"],
                # Constant folding computes parts of the graph without the limit of memory. An exported graph
                # has no constants left to fold.
                disabled_optimizers=["ConstantFolding"],
            ),
        )
    except TookTooLong:
        raise UsageError(f"{path}: onnxruntime did not load it within {_MOST_SECONDS:g} s") from None
    except Exception as error:
        raise UsageError(f"{path}: onnxruntime can't load it: {_reason(error)}") from error


def _run(
    session: InferenceSession, feeds: dict[str, NDArray[Any]]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the outputs of a graph.

    Raises:
        TookTooLong: the graph, which may be a stranger's, computes for too long.
    """
    import onnxruntime

    options = onnxruntime.RunOptions()

    def stop() -> None:
        options.terminate = True

    values_NTK, lengths_N = call_within(
        _MOST_SECONDS,
        lambda: session.run(["log_probs", "lengths"], feeds, options),
        # Takes effect between two operators: one that takes long computes until the process ends.
        give_up=stop,
    )
    return values_NTK, lengths_N


@functools.cache
def _limit_memory() -> None:
    """Limit the memory of all graphs of this process to half of the machine's.

    A few operators in a file from a stranger can make tensors of any size.
    """
    import onnxruntime as ort

    limit = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    place = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    defaults = ("arena_extend_strategy", "initial_chunk_size_bytes", "max_dead_bytes_per_chunk")
    settings = {"max_mem": limit} | dict.fromkeys(defaults, -1)
    # onnxruntime 1.22 refuses a second allocator. Then the one that the calling program registered is used.
    with contextlib.suppress(RuntimeError):
        ort.create_and_register_allocator(place, ort.OrtArenaCfg(settings))


def _reason(error: Exception) -> str:
    # The cause is at the end, after the name of the operator.
    return one_line(str(error).rpartition("Status Message: ")[2])[:_SHOWN]
