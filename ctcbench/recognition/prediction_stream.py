"""predict_pictures(): the predictions of pictures, in order, each read at one crop or at several."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from ctcbench.contract.data import Sample
from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import ImageSpec
from ctcbench.files.pictures import Fit, decode_crops, decode_picture
from ctcbench.recognition.crop_interpretation import CropInterpretation
from ctcbench.recognition.interpretation import Interpretation
from ctcbench.recognition.picture_stream import Group, process_groups
from ctcbench.recognition.prediction import Prediction

T = TypeVar("T")


def predict_pictures(
    images: Iterable[Any],
    interpretation: Interpretation,
    image: ImageSpec,
    fit: Fit,
    crops: tuple[float, ...],
) -> Iterator[Prediction | BadSample]:
    """Yield the prediction of each picture, or the BadSample that is why it can't be read.

    Args:
        images: pictures of any kind, samples, and errors that are yielded as they are.
        interpretation: what is made of a reading.
        image: the images of the network, with the crop and the ground of pictures.
        fit: how pictures are resized.
        crops: the crops at which each picture is read; none: that of `image`.
    """
    reader = interpretation.reader
    several = CropInterpretation(interpretation)

    def prepare_one(picture: Any) -> Sample:
        return prepare(picture, image, fit, *crops)

    def predict_one(group: Group[Sample]) -> list[Prediction | BadSample]:
        return list(group.arranged(interpretation.predict(group.samples)))

    def prepare_each(picture: Any) -> tuple[Sample, ...]:
        _require_picture(picture)
        return decode_crops(picture, image, fit, crops)

    def predict_each(group: Group[tuple[Sample, ...]]) -> list[Prediction | BadSample]:
        return list(group.arranged(several.predict(group.samples)))

    if len(crops) > 1:
        return _flat(process_groups(images, prepare_each, predict_each, reader, len(crops)))
    return _flat(process_groups(images, prepare_one, predict_one, reader))


def prepare(picture: Any, image: ImageSpec, fit: Fit, crop: float | None = None) -> Sample:
    """Return a picture as the network takes it; several threads may call it.

    Args:
        picture: a picture of any kind, a sample, which is returned as it is, or a BadSample.
        image: the images of the network.
        fit: how the picture is resized.
        crop: replaces that of `image`.

    Raises:
        BadSample: the picture is one or can't be read, or a sample would need another crop.
    """
    if crop is not None and crop != image.crop:
        _require_picture(picture)
        image = dataclasses.replace(image, crop=crop)
    if isinstance(picture, BadSample):
        raise picture
    return picture if isinstance(picture, Sample) else decode_picture(picture, image, fit)


def _require_picture(picture: Any) -> None:
    """Raise BadSample for a BadSample, and for a sample, which is scaled already."""
    if isinstance(picture, BadSample):
        raise picture
    if isinstance(picture, Sample):
        raise BadSample(
            "it is prepared already, so that it can't be read at other crops; pass the picture itself"
        )


def _flat(groups: Iterable[Iterable[T]]) -> Iterator[T]:
    # Not itertools.chain, which has no close(): this generator's ends the threads.
    for group in groups:
        yield from group
