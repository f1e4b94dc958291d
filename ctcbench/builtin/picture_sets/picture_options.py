"""PictureOptions: the options that all data sets of labelled pictures have."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from ctcbench.builtin.alphabets import AlphabetText
from ctcbench.builtin.grapheme_clusters import Characters
from ctcbench.builtin.picture_sets.label_forms import LetterCase, NormalForm
from ctcbench.contract.options import AddedLater
from ctcbench.contract.specs import Direction, Ground, ImageSpec
from ctcbench.files.picture_sizes import MOST_SIDE
from ctcbench.files.pictures import MOST_CROPPED, Fit

Share = Annotated[float, Field(ge=0, lt=1, description="share of the pictures, where the split has no own")]
_PARAMETER = "pictures"  # of a builder, for which the options below stand


@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """What a user chooses for a data set of labelled pictures, whatever format they are in.

    Attributes:
        owner: the data set in error messages: ``dataset folder``.
    """

    owner: str
    alphabet: Annotated[
        AlphabetText,
        Field(
            description="auto: the characters of the training labels; auto+[xyz]: these as well; else as for "
            "captcha"
        ),
    ] = "auto"
    direction: Annotated[
        Direction, Field(description="of reading: rtl for right-to-left labels in logical order")
    ] = "ltr"
    unicode: Annotated[NormalForm, Field(description="normal form of the labels")] = "NFC"
    case: Annotated[LetterCase, Field(description="of the letters in labels; fold: ß becomes ss")] = "keep"
    characters: Annotated[
        Characters,
        Field(
            description="what a class is: a code point, or a grapheme cluster (a letter with its marks, an "
            "Indic syllable)"
        ),
    ] = "points"
    width: Annotated[int, Field(ge=1, le=MOST_SIDE, description="columns of an image")] = 150
    height: Annotated[int, Field(ge=1, le=MOST_SIDE, description="rows of an image")] = 40
    channels: Annotated[Literal[1, 3], Field(description="1: grey, 3: colour (RGB)")] = 1
    fit: Annotated[
        Fit,
        Field(
            description="stretch to the size; pad: keep the aspect and pad on the right; keep: only the "
            "height is fixed, the width follows from the aspect and is at most width"
        ),
    ] = "stretch"
    crop: Annotated[
        float,
        Field(
            ge=0,
            le=MOST_CROPPED,
            description="share of the rows that is left out at the top, and at the bottom, of every picture",
        ),
    ] = 0.0
    ground: Annotated[
        Ground,
        Field(
            description="colour that transparent pixels become; auto: black in pictures of which less than "
            "half is visible and that part is light, else white"
        ),
        AddedLater(),
    ] = "white"
    val: Share = 0.1
    test: Share = 0.1
    train_names: Annotated[
        str, Field(description="file with the names of the training pictures; no others are used then")
    ] = ""
    val_names: Annotated[
        str, Field(description="file with the names of the validation pictures, one a line")
    ] = ""
    test_names: Annotated[str, Field(description="file with the names of the test pictures")] = ""
    group: Annotated[
        str,
        Field(
            description="what stays in one split: a column, or a regular expression whose group is found in "
            "the name, as '^([^-]+)'"
        ),
    ] = ""
    seed: Annotated[int, Field(ge=0, description="of the split by shares, and of the order")] = 0

    @property
    def image(self) -> ImageSpec:
        """The size of the images."""
        variable = self.fit == "keep"
        return ImageSpec(self.height, self.width, self.channels, variable, self.crop, self.ground)


def with_picture_options(builder: Callable[..., Any]) -> Callable[..., Any]:
    """Return a builder with the options of `PictureOptions` in place of its parameter `pictures`."""
    hints = typing.get_type_hints(builder, include_extras=True)
    own = [
        parameter.replace(annotation=hints[parameter.name])
        for parameter in inspect.signature(builder).parameters.values()
        if parameter.name != _PARAMETER
    ]
    types = typing.get_type_hints(PictureOptions, include_extras=True)
    shared = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=types[field.name]
        )
        for field in dataclasses.fields(PictureOptions)
        if field.name != "owner"
    ]
    names = {parameter.name for parameter in own}

    @functools.wraps(builder)
    def build(**options: Any) -> Any:
        pictures = {name: value for name, value in options.items() if name not in names}
        own_options = {name: value for name, value in options.items() if name in names}
        owner = f"dataset {builder.__name__}"
        return builder(**own_options, pictures=PictureOptions(owner=owner, **pictures))

    # Components read their options from the signature.
    build.__signature__ = inspect.Signature([*own, *shared])  # type: ignore[attr-defined]
    return build
