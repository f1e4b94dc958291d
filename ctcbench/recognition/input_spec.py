"""InputSpec: what a recogniser reads, and data sets that fit it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.data.built_dataset import BuiltDataset, build_dataset, fit_of
from ctcbench.files.pictures import Fit
from ctcbench.registry.component_registry import Registry


@dataclass(frozen=True)
class InputSpec:
    """What a recogniser reads.

    Attributes:
        image: the size of its images.
        fit: how pictures are resized to that size.
        alphabet: the characters of texts.
        crops: the crops at which pictures are read; none: that of its images.
    """

    image: ImageSpec
    fit: Fit
    alphabet: Alphabet
    crops: tuple[float, ...] = ()

    def options(self) -> dict[str, object]:
        """Return the options of data sets of pictures that a recogniser fixes, with their values."""
        image = dataclasses.asdict(self.image)
        # No option: it follows from `fit`.
        del image["variable"]
        return {**image, "fit": self.fit, "direction": self.alphabet.direction}


def build_fitting_dataset(registry: Registry, text: str, wanted: InputSpec) -> BuiltDataset:
    """Build a data set whose pictures a recogniser reads.

    Raises:
        UsageError: there is no such data set, an option of it is wrong or contradicts the recogniser, or it
            draws images of another size, or images that should be read at other crops.
    """
    resolved = ComponentString.parse(registry.resolve("dataset", text))
    typed, options = ComponentString.parse(text).options, dict(resolved.options)
    direction = wanted.alphabet.direction
    # The data set reports labels that do not fit the direction in which pictures are read.
    if "direction" in registry.get("dataset", resolved.name).options and "direction" not in typed:
        options["direction"] = direction
    built = build_dataset(registry, registry.resolve("dataset", str(ComponentString(resolved.name, options))))
    if hasattr(built.source, "labelled_picture"):
        source = built.source
        own = InputSpec(source.image, fit_of(source), source.alphabet).options()
        for name, value in wanted.options().items():
            if name in typed and own[name] != value:
                raise UsageError(
                    f"dataset {text}: {name}={own[name]} contradicts the recogniser, which has "
                    f"{name}={value}; leave it out: pictures are read as `ctcbench predict` reads them"
                )
    else:
        if wanted.crops:
            raise UsageError(f"dataset {built.text}: its images are drawn, and can't be read at other crops")
        _require_size(registry, built, wanted.image)
    return built


def _require_size(registry: Registry, built: BuiltDataset, wanted: ImageSpec) -> None:
    """Check that a recogniser of images of a size reads the images that a data set draws."""
    image = built.source.image
    if wanted.variable:
        fits = image.width <= wanted.width
    else:
        fits = image.width == wanted.width and not image.variable
    if fits and (image.channels, image.height) == (wanted.channels, wanted.height):
        return
    known = registry.get("dataset", ComponentString.parse(built.text).name).options
    needed = {"width": wanted.width, "height": wanted.height, "channels": wanted.channels}
    typed = ",".join(f"{name}={value}" for name, value in needed.items() if name in known)
    remedy = f"; give it {typed}" if typed else ""
    raise UsageError(
        f"dataset {built.text}: it draws images of {_size(image)}, but the recogniser reads {_size(wanted)}, "
        f"and drawn images are not scaled{remedy}"
    )


def _size(image: ImageSpec) -> str:
    widths = f"up to {image.width}" if image.variable else f"{image.width}"
    return f"{widths}×{image.height} pixels in {'grey' if image.channels == 1 else 'colour'}"
