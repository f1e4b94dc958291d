"""TorchReader: the network of a run folder, computed by torch."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.specs import Alignment, Alphabet, ImageSpec
from ctcbench.files.pixel_levels import WHITE
from ctcbench.recognition.picture_batch import most_columns
from ctcbench.recognition.width_groups import read_by_width
from ctcbench.registry.component_registry import Registry
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config

# Functions that need torch import it themselves, as everywhere outside of `training`.
if TYPE_CHECKING:
    from ctcbench.training.device import Compute
    from ctcbench.training.recognizer.network import Recognizer


@dataclass(frozen=True)
class TorchReader:
    """A `Reader` that torch computes.

    Attributes:
        model: the network, on the device of `compute`, in evaluation mode.
        compute: device and precision.
    """

    model: Recognizer
    compute: Compute

    @property
    def image(self) -> ImageSpec:
        """Size of the images."""
        return self.model.image

    @functools.cached_property
    def widest(self) -> int:
        """Columns of the widest image that is read.

        A component of a plugin may have a part for each frame of the training images alone, so it is tried.
        """
        width = most_columns(self.image)
        if width > self.image.width:
            white_NCHW = np.full((1, self.image.channels, self.image.height, width), WHITE, np.uint8)
            try:
                self.read(white_NCHW, np.array([width]))
            except Exception:  # of any type; what is wrong with narrower images too is reported when read
                return self.image.width
        return width

    @property
    def alphabet(self) -> Alphabet:
        """Characters of the texts."""
        return self.model.alphabet

    @property
    def alignment(self) -> Alignment:
        """How frames are aligned with characters."""
        return self.model.alignment

    @property
    def has_positions(self) -> bool:
        """Whether frame t of T is of the columns t · W / T to (t + 1) · W / T."""
        from ctcbench.training.recognizer.module_probe import makes_own_frames

        return not makes_own_frames(self.model.head)

    @contextlib.contextmanager
    def shared_by(self, threads: int) -> Iterator[Callable[[], None]]:
        """Return a context in which several threads read at once; see `Reader.shared_by`."""
        import torch

        # The number is that of the calling thread, and the default of threads that are started later. With
        # several for each of these, they would wait for each other in turn, and take twice the time.
        before = torch.get_num_threads()
        try:
            yield lambda: torch.set_num_threads(max(1, before // threads))
        finally:
            torch.set_num_threads(before)

    def read(
        self, images_NCHW: NDArray[np.uint8], widths_N: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return values_NTK and lengths_N; see `Reader.read`.

        Raises:
            CtcbenchError: the network computes NaN: its weights are NaN, infinite or far too large.
        """
        import torch

        if self.image.variable and self.model.unmasked and len({*widths_N.tolist()}) > 1:
            return read_by_width(self, images_NCHW, widths_N)
        with torch.inference_mode(), self.compute.autocast():
            batch_NCHW = torch.from_numpy(images_NCHW).to(self.compute.device)
            # Networks for images of one size have learned to read the padding.
            widths = (torch.from_numpy(widths_N).to(batch_NCHW.device),) if self.image.variable else ()
            logits_TNK = self.model(batch_NCHW, *widths).logits_TNK
            values_NTK = logits_TNK.float().log_softmax(-1).transpose(0, 1).cpu().numpy()
        # A decoder would refuse it, and the error would be one of the decoder.
        if np.isnan(values_NTK.max(initial=-np.inf)):
            raise CtcbenchError(
                "the network computes NaN: the weights of the run are unusable; train it again"
            )
        return values_NTK, self.model.frames(torch.from_numpy(widths_N)).numpy()


def load_torch_reader(registry: Registry, folder: RunFolder, device: str = "auto") -> TorchReader:
    """Return the network of a run with its best weights.

    It computes in mixed precision where the device is faster with it, unless the run was without.

    Args:
        registry: where the components of the run come from.
        folder: the run folder.
        device: ``auto`` (a CUDA device if there is one), ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        UsageError: a component of the run is not installed, or there is no such device.
        CtcbenchError: a file of the run does not exist, is damaged, or does not match the others.
    """
    import torch

    from ctcbench.training.device import choose_compute
    from ctcbench.training.recognizer.weights import load_recognizer

    config = stored_config(folder)
    # The number format of the training may be one that this device does not support.
    amp = False if config.amp is False else None
    compute = choose_compute(config.replace(device=device, amp=amp, amp_dtype="auto"))
    model = load_recognizer(registry, folder).to(compute.device)
    if config.channels_last:
        # As in training: on a CPU, convolutions take little more than half the time.
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TorchReader(model, compute)
