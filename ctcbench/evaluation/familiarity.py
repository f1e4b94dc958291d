"""Familiarity: how far the statistics of a picture are from those of the training images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ctcbench.contract.errors import CtcbenchError
from ctcbench.evaluation.image_statistics import images_statistics, number_of_statistics
from ctcbench.files.json_records import Record

LEAST_IMAGES, MOST_IMAGES = 20, 1_000
_FOLDS = 5
_QUANTILE = 0.99
# Standard deviation of a statistic, at least: by one that is the same in all training images, such as the
# share of black pixels where none has any, every other picture would be infinitely far.
_LEAST_SCALE = 0.05
_DIGITS = 6  # of the stored numbers


@dataclass(frozen=True)
class Familiarity:
    """The distribution of the statistics of a recogniser's training images.

    Attributes:
        means_D: mean of each statistic.
        scales_D: standard deviation of each statistic.
        whitening_DD: factor of the inverse correlation matrix: standardised statistics times this are
            uncorrelated, each with variance 1.
        limit: distance beyond which a picture is not familiar, which one in a hundred images like the
            training images exceeds.
    """

    means_D: NDArray[np.float64]
    scales_D: NDArray[np.float64]
    whitening_DD: NDArray[np.float64]
    limit: float

    def distances(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Return the Mahalanobis distance of each image from the training images, relative to the limit.

        Args:
            images: uint8 of shape (H, W) or (C, H, W), at the size that the network takes, without padding.

        Returns:
            Array of shape (N,); above 1 an image is not familiar.
        """
        return self._distances(images_statistics(images)) / self.limit

    def _distances(self, statistics_ND: NDArray[np.float64]) -> NDArray[np.float64]:
        standard_ND = (statistics_ND - self.means_D) / self.scales_D
        distances_N: NDArray[np.float64] = np.sqrt(((standard_ND @ self.whitening_DD) ** 2).mean(1))
        return distances_N

    def to_json(self) -> dict[str, Any]:
        """Return the document of a run folder, or of the metadata of an ONNX file."""
        return {
            "means": _rounded(self.means_D),
            "scales": _rounded(self.scales_D),
            "whitening": [_rounded(row_D) for row_D in self.whitening_DD],
            "limit": _rounded(np.array([self.limit]))[0],
        }


# Bounds of a file from a stranger, far beyond those of any images: distances stay finite.
_LEAST, _LARGEST = 1e-6, 1e6
_Number = Annotated[float, Field(ge=-_LARGEST, le=_LARGEST)]
_Positive = Annotated[float, Field(ge=_LEAST, le=_LARGEST)]
_Numbers = Annotated[list[_Number], Field(min_length=1, max_length=100)]


class FamiliarityRecord(Record):
    """JSON document of a `Familiarity`."""

    means: _Numbers
    scales: Annotated[list[_Positive], Field(min_length=1, max_length=100)]
    whitening: Annotated[list[_Numbers], Field(min_length=1, max_length=100)]
    limit: _Positive

    @model_validator(mode="after")
    def _same_size(self) -> FamiliarityRecord:
        size = len(self.means)
        if {len(self.scales), len(self.whitening), *map(len, self.whitening)} != {size}:
            raise ValueError(f"scales and whitening must have the size of means, {size}")
        return self

    def familiarity(self, channels: int) -> Familiarity:
        """Return the distribution of the document, for images with so many channels.

        Raises:
            CtcbenchError: it is that of images with another number of channels.
        """
        if len(self.means) != number_of_statistics(channels):
            raise CtcbenchError(
                f"{len(self.means)} statistics, but images with {channels} channels have "
                f"{number_of_statistics(channels)}"
            )
        return Familiarity(np.array(self.means), np.array(self.scales), np.array(self.whitening), self.limit)


def fit_familiarity(images: Sequence[NDArray[np.uint8]]) -> Familiarity | None:
    """Return the distribution of the statistics of training images; None of fewer than 20 images.

    The limit is the 0.99 quantile of their distances, those of each fifth measured with the distribution of
    the others.

    Args:
        images: uint8 of shape (H, W) or (C, H, W), without padding; a thousand are enough.
    """
    if len(images) < LEAST_IMAGES:
        return None
    statistics_ND = images_statistics(images)
    distances = []
    for fold in range(_FOLDS):
        is_held_out_N = np.arange(len(images)) % _FOLDS == fold
        distances.append(_fit(statistics_ND[~is_held_out_N])._distances(statistics_ND[is_held_out_N]))
    whole = _fit(statistics_ND)
    limit = float(np.quantile(np.concatenate(distances), _QUANTILE))
    return Familiarity(whole.means_D, whole.scales_D, whole.whitening_DD, max(limit, _LEAST_SCALE))


def _fit(statistics_ND: NDArray[np.float64]) -> Familiarity:
    count, size = statistics_ND.shape
    means_D = statistics_ND.mean(0)
    scales_D = np.maximum(statistics_ND.std(0), _LEAST_SCALE)
    standard_ND = (statistics_ND - means_D) / scales_D
    # Shrunk towards the identity, since the correlations of few images are partly chance.
    share = size / (size + count)
    correlation_DD = (1 - share) * (standard_ND.T @ standard_ND) / count + share * np.eye(size)
    return Familiarity(means_D, scales_D, np.linalg.inv(np.linalg.cholesky(correlation_DD)).T, 1.0)


def _rounded(numbers: NDArray[np.float64]) -> list[float]:
    return [float(f"{number:.{_DIGITS}g}") for number in numbers]
