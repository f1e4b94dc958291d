"""Test images as data URIs, from the cache of drawn images if it has those that the results are of."""

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
from ctcbench.data.materialise import cached_samples
from ctcbench.data.run_dataset import build_run_dataset
from ctcbench.files.shell_words import quote_word
from ctcbench.files.text import printable
from ctcbench.registry.component_registry import Registry
from ctcbench.results.stored_config import require_stored_alphabet

_LARGEST = (480, 96)
# The settings that decide the test images.
_DECIDING = ("dataset", "extra_dataset", "extra_share", "test_samples", "skip_bad")
_CHANGED = "no image: the data set has changed since this run"
_COLOURS = 16  # hardly visible, and half the bytes of all levels


class CachedImages:
    """Test images by index as data URIs, each stored once for all configurations that misread it.

    ``uris`` has them by key; in total they stay below `most_bytes`. Nothing is drawn: images that are not
    in the cache are missing, with a reason that names the command that draws them.
    """

    def __init__(self, registry: Registry, most_bytes: int) -> None:
        self.uris: dict[str, str] = {}
        self._registry = registry
        self._room = most_bytes
        self._sets: dict[tuple[object, ...], Samples | str] = {}

    def key(self, config: RunConfig, fingerprint: str, index: int) -> tuple[str, str]:
        """Return the key of a test image in ``uris``, or "" and the reason why it is missing."""
        name = f"{fingerprint[:12]}/{index}"
        if name in self.uris:
            return name, ""
        samples = self.samples(config, fingerprint)
        if isinstance(samples, str):
            return "", samples
        if index >= len(samples):
            return "", _CHANGED
        uri = data_uri(samples.images_NCHW[index], int(samples.widths_N[index]))
        if len(uri) > self._room:
            return "", "image left out to limit the size of this file"
        self._room -= len(uri)
        self.uris[name] = uri
        return name, ""

    def name_of(self, config: RunConfig, fingerprint: str, index: int) -> str:
        """Return the name of a test image, such as the path of a picture; "" if the images are missing."""
        samples = self.samples(config, fingerprint)
        return "" if isinstance(samples, str) or index >= len(samples) else printable(samples.names[index])

    def samples(self, config: RunConfig, fingerprint: str) -> Samples | str:
        """Return the test images of a run, or the reason why they are missing."""
        # Many runs share a data set, and building one may read thousands of files.
        wanted = (*(getattr(config, name) for name in _DECIDING),)
        if wanted not in self._sets:
            self._sets[wanted] = self._cached(config)
        samples = self._sets[wanted]
        # The options name the same data set, but its files or generator may have changed since.
        if isinstance(samples, Samples) and samples.fingerprint != fingerprint:
            return _CHANGED
        return samples

    def _cached(self, config: RunConfig) -> Samples | str:
        try:
            # The plugin of the data set may be missing here, or its files moved: the report is complete
            # without images.
            for name in ("dataset", "extra_dataset"):
                require_stored_alphabet(getattr(config, name), "settings of the run", name)
            built = build_run_dataset(self._registry, config)
            samples = cached_samples(
                built.of_split("test"), "test", config.test_samples, skip_bad=config.skip_bad
            )
        except (CtcbenchError, OSError) as error:
            first = (str(error).splitlines() or [type(error).__name__])[0]
            return f"no image: {first[:160]}"
        if samples is None:
            if config.extra_dataset:  # its characters may be those of test images too
                return "no image in the cache; a run with the same data sets draws it"
            dataset, number = quote_word(config.dataset), config.test_samples
            command = f"ctcbench data generate {dataset} --split test --samples {number}"
            return f"no image in the cache; `{command}` draws it"
        return samples


def data_uri(image_CHW: NDArray[np.uint8], width: int) -> str:
    """Return the first `width` columns of an image (the rest is padding) as a small PNG of few colours."""
    shown: NDArray[Any] = image_CHW[:, :, : max(1, width)]
    buffer = io.BytesIO()
    if shown.shape[0] == 1:
        picture = Image.fromarray(np.ascontiguousarray(shown[0]))
        picture.thumbnail(_LARGEST)
        top = _COLOURS - 1
        # Even levels, which differ less from image to image than those that quantize() would choose.
        picture = picture.point([round(round(i / 255 * top) * 255 / top) for i in range(256)])
    else:
        picture = Image.fromarray(np.ascontiguousarray(shown[:3].transpose(1, 2, 0)))
        picture.thumbnail(_LARGEST)
    # Without dithering, which would add noise and defeat the compression.
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
