"""choose_length(): the numbers of images and epochs with which a training takes a given time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ctcbench.config.budget import Budget
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import MOST_SAMPLES
from ctcbench.contract.errors import UsageError

FEWEST_STEPS = 10  # with fewer, the schedule of the learning rate has no shape
LARGEST_DEVIATION = 0.15  # of a training's time from its budget, as a share, before a notice mentions it
_CACHE_BYTES = 2**31  # of images that a budget asks an endless data set for
_DIGITS = 2
_BUSY_SHARE = 0.8


@dataclass(frozen=True)
class MeasuredRates:
    """How fast this machine trains and draws, with a run's own settings.

    Attributes:
        step_seconds: mean time of a training step of `step_images` images.
        step_images: number of images in a full step.
        draw_seconds: time to draw an image with all worker processes.
        compute: what trains, such as ``cpu in bfloat16, 2 threads``.
        cpu_share: share of the time in which the thread that trains had a CPU core; None: not known.
    """

    step_seconds: float
    step_images: int
    draw_seconds: float
    compute: str
    cpu_share: float | None = None

    @property
    def machine_is_busy(self) -> bool:
        """Whether other programs took so much of the time that an idle machine would train much faster."""
        return self.cpu_share is not None and self.cpu_share < _BUSY_SHARE

    def training_seconds(self, length: RunLength, size: int | None) -> float:
        """Return the expected time of a training, without validation.

        Args:
            length: its numbers of images and epochs.
            size: number of training images in the data set, which may be fewer; None: endless.
        """
        images = min(length.train_samples, size or length.train_samples)
        return images * length.epochs * self.step_seconds / self.step_images

    def most_images(self, seconds: float, image_bytes: int) -> int:
        """Return how many images an endless data set should draw for a training of `seconds`.

        Drawing them takes no longer than the training, and storing them at most 2 GiB.
        """
        drawn = seconds / self.draw_seconds if self.draw_seconds else MOST_SAMPLES
        return max(self.step_images, int(min(drawn, _CACHE_BYTES / image_bytes, MOST_SAMPLES)))


@dataclass(frozen=True)
class RunLength:
    """The settings that decide how long a training takes."""

    train_samples: int
    epochs: int

    def flags(self) -> str:
        """Return the settings as on the command line."""
        return f"--train-samples {self.train_samples} --epochs {self.epochs}"


def choose_length(
    budget: Budget, config: RunConfig, rates: MeasuredRates, *, size: int | None, image_bytes: int
) -> RunLength:
    """Return the numbers of images and epochs with which training takes the time of a budget.

    Numbers have two significant digits, so that measurements that differ a little lead to the same ones.
    An image that is new teaches more than one that was seen before. An endless data set therefore draws new
    images for a single epoch, up to `MeasuredRates.most_images`; beyond that, there are more epochs. A data
    set with a fixed number of images is used whole, unless less than one epoch fits.

    Args:
        budget: the time, and the number that is fixed.
        config: the settings, of which the fixed number is used.
        rates: measured times.
        size: number of training images in the data set; None: endless.
        image_bytes: size of an image in the cache.

    Raises:
        UsageError: the budget is shorter than `FEWEST_STEPS` steps, or one epoch of the fixed number of
            images, or it leaves less than a batch for each of the fixed number of epochs.
    """
    if budget.seconds < FEWEST_STEPS * rates.step_seconds:
        needed = FEWEST_STEPS * rates.step_seconds
        raise UsageError(
            f"--budget {budget.text}: {FEWEST_STEPS} steps of {rates.step_images} images take "
            f"{_shown(needed)} here ({rates.compute}); give {_rounded_up(needed)} or more, or a smaller "
            f"--batch-size"
        )
    limit = size or MOST_SAMPLES
    # Over all epochs.
    images = budget.seconds / rates.step_seconds * rates.step_images
    if budget.fixed == "train_samples":
        return RunLength(
            config.train_samples, _epochs(budget, rates, images, min(config.train_samples, limit))
        )
    if budget.fixed == "epochs":
        return RunLength(_images_of_epoch(budget, config, rates, images, limit), config.epochs)
    if size is None:
        epochs = max(1, math.ceil(images / rates.most_images(budget.seconds, image_bytes)))
        return RunLength(_rounded(images / epochs), epochs)
    if images * (1 + LARGEST_DEVIATION) < size:
        return RunLength(_rounded(images), 1)
    return RunLength(size, max(1, _rounded(images / size)))


def _epochs(budget: Budget, rates: MeasuredRates, images: float, of_epoch: int) -> int:
    if images * (1 + LARGEST_DEVIATION) < of_epoch:
        needed = of_epoch * rates.step_seconds / rates.step_images
        raise UsageError(
            f"--budget {budget.text}: one epoch of {of_epoch} images takes {_shown(needed)} here "
            f"({rates.compute}); drop --train-samples, give {_rounded(images)} of them, or --budget "
            f"{_rounded_up(needed)}"
        )
    return max(1, _rounded(images / of_epoch))


def _images_of_epoch(
    budget: Budget, config: RunConfig, rates: MeasuredRates, images: float, limit: int
) -> int:
    of_epoch = images / config.epochs
    if of_epoch < rates.step_images:
        raise UsageError(
            f"--budget {budget.text}: {config.epochs} epochs leave {int(of_epoch)} images for each, less "
            f"than a batch of {rates.step_images} ({rates.compute}); drop --epochs, or give "
            f"{max(1, int(images / rates.step_images))} or fewer"
        )
    return min(_rounded(of_epoch), limit)


def _rounded(number: float) -> int:
    """Return a number, rounded to a whole one of two significant digits."""
    digits = max(0, math.floor(math.log10(max(number, 1))) + 1 - _DIGITS)
    unit: int = 10**digits
    return round(number / unit) * unit


def _shown(seconds: float) -> str:
    return f"{seconds:.2g} s" if seconds < 100 else f"{seconds:.0f} s"


def _rounded_up(seconds: float) -> str:
    """Return a duration as `read_duration` reads it, which is not shorter than `seconds`."""
    return f"{math.ceil(seconds * 10) / 10:g}s" if seconds < 10 else f"{math.ceil(seconds)}s"
