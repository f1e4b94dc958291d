"""Test images as data URIs: from the cache of drawn images, if they are still those that were read."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import Samples
from ctcbench.contract.errors import CtcbenchError
from ctcbench.data.built_dataset import build_dataset
from ctcbench.data.materialise import materialise
from ctcbench.registry.component_registry import Registry

_WIDEST, _HIGHEST = 480, 96
_GREYS = 16  # as many as the eye needs, in half the bytes


class Images:
    """Gives test images by index, each written once however many configurations misread it.

    ``uris`` holds them by key; together they stay under `most_bytes`.
    """

    def __init__(self, registry: Registry, most_bytes: int) -> None:
        self.uris: dict[str, str] = {}
        self._registry = registry
        self._room = most_bytes
        self._sets: dict[tuple[str, int, bool], Samples | str] = {}

    def key(self, config: RunConfig, fingerprint: str, index: int) -> tuple[str, str]:
        """Return the key in ``uris`` of a test image, or "" and why it is not to be had."""
        name = f"{fingerprint[:12]}/{index}"
        if name in self.uris:
            return name, ""
        samples = self._samples(config)
        if isinstance(samples, str):
            return "", samples
        if samples.fingerprint != fingerprint or index >= len(samples):
            return "", "the images have changed since this run"
        uri = data_uri(samples.images_NCHW[index], int(samples.widths_N[index]))
        if len(uri) > self._room:
            return "", "image left out to keep this file small"
        self._room -= len(uri)
        self.uris[name] = uri
        return name, ""

    def _samples(self, config: RunConfig) -> Samples | str:
        wanted = (config.dataset, config.test_samples, config.skip_bad)
        if wanted not in self._sets:
            self._sets[wanted] = self._drawn(*wanted)
        return self._sets[wanted]

    def _drawn(self, dataset: str, number: int, skip_bad: bool) -> Samples | str:
        def ignore(text: str) -> None:
            """What a run says of its data set, it has said by now."""

        try:
            built = build_dataset(self._registry, dataset)
            return materialise(built, "test", number, skip_bad=skip_bad, notice=ignore)
        except (CtcbenchError, OSError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            return f"no image: {first[:160]}"


def data_uri(image_CHW: NDArray[np.uint8], width: int) -> str:
    """Return an image, its padding cut off, as a small grey PNG in a ``data:`` URI."""
    shown: NDArray[Any] = image_CHW[:, :, : max(1, width)]
    if shown.shape[0] == 1:
        picture = Image.fromarray(np.ascontiguousarray(shown[0]))
    else:
        picture = Image.fromarray(np.ascontiguousarray(shown[:3].transpose(1, 2, 0))).convert("L")
    picture.thumbnail((_WIDEST, _HIGHEST))
    buffer = io.BytesIO()
    levels = picture.point([round(round(i / 255 * (_GREYS - 1)) * 255 / (_GREYS - 1)) for i in range(256)])
    levels.quantize(_GREYS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
