"""Description of a trained recogniser: image size, alphabet and fit; ``recognizer.json`` of a run folder."""

from __future__ import annotations

import json
from typing import Annotated, Any, NamedTuple

from pydantic import Field, model_validator

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.contract.specs import Alphabet, Direction, Ground, ImageSpec, alphabet_characters
from ctcbench.contract.word_lists import join_words
from ctcbench.files.json_files import format_json, parse_json
from ctcbench.files.json_records import Record, read_record
from ctcbench.files.manifest import digest
from ctcbench.files.pictures import MOST_CROPPED, Fit
from ctcbench.results.run_folder import RunFolder

# Bounds of a file from a stranger: a model of this size is built, and probed with an image of zeros. The
# data set `folder` makes images of up to as many pixels.
_MOST_PIXELS = 2**26
_MOST_CHARACTERS = 2**16
_LONGEST_CHARACTER = 64  # code points of a cluster
_Size = Annotated[int, Field(gt=0, le=_MOST_PIXELS)]


class RecognizerDescription(NamedTuple):
    """Input and output of a recogniser.

    Attributes:
        image: size of its images.
        alphabet: characters of its texts.
        fit: how a picture of another size is fitted to `image`.
    """

    image: ImageSpec
    alphabet: Alphabet
    fit: Fit

    def to_json(self) -> dict[str, Any]:
        """Return the document in ``recognizer.json``."""
        image = self.image
        size: dict[str, Any] = {"height": image.height, "width": image.width, "channels": image.channels}
        # Only where it is set, so that runs of earlier versions keep their digest.
        size |= {"variable": True} if image.variable else {}
        size |= {"crop": image.crop} if image.crop else {}
        size |= {"ground": image.ground} if image.ground != "white" else {}
        return {
            "alphabet": self.alphabet.characters,
            "direction": self.alphabet.direction,
            "fit": self.fit,
            "image": size,
        }

    def digest(self) -> str:
        """Return a digest, which the file of the weights holds as well."""
        return digest(json.dumps(self.to_json(), sort_keys=True).encode())


class ImageRecord(Record):
    """JSON document of an image size, in pixels."""

    height: _Size
    width: _Size
    channels: Annotated[int, Field(gt=0, le=4)]
    variable: bool = False
    crop: Annotated[float, Field(ge=0, le=MOST_CROPPED)] = 0.0
    ground: Ground = "white"

    @model_validator(mode="after")
    def _bounded(self) -> ImageRecord:
        if self.height * self.width > _MOST_PIXELS:
            raise ValueError(f"{self.height}×{self.width}: more than {_MOST_PIXELS:,} pixels")
        return self


class RecognizerRecord(Record):
    """JSON document ``recognizer.json`` of a run folder."""

    image: ImageRecord
    # A list where a character is a cluster of several code points.
    alphabet: (
        Annotated[str, Field(max_length=_MOST_CHARACTERS)]
        | Annotated[
            list[Annotated[str, Field(max_length=_LONGEST_CHARACTER)]], Field(max_length=_MOST_CHARACTERS)
        ]
    )
    direction: Direction = "ltr"
    fit: Fit

    def description(self) -> RecognizerDescription:
        """Return the description that the document holds.

        Raises:
            UsageError: the alphabet is empty or has a character twice.
        """
        alphabet = Alphabet(alphabet_characters(self.alphabet), self.direction)
        return RecognizerDescription(ImageSpec(**self.image.model_dump()), alphabet, self.fit)


def read_description(folder: RunFolder) -> RecognizerDescription:
    """Return the description of a run's recogniser.

    Raises:
        CtcbenchError: the file does not exist or is damaged.
    """
    path = folder.recognizer_path
    record = read_record(RecognizerRecord, parse_json(folder.read(path), path), path)
    try:
        return record.description()
    except UsageError as error:
        raise CtcbenchError(f"{path}: alphabet: {error}") from error


def write_description(folder: RunFolder, description: RecognizerDescription) -> None:
    """Write the description of a run's recogniser at the start of its training.

    Raises:
        UsageError: the run was started with another one, or the folder can't be written.
        CtcbenchError: the stored one is damaged.
    """
    require_same_description(folder, description)
    folder.write(folder.recognizer_path, format_json(description.to_json()))


def require_same_description(folder: RunFolder, now: RecognizerDescription) -> None:
    """Compare the recogniser that the data set of now makes with the one that a run was started with.

    The characters of labels can differ although the images of the training are the same: those of pictures
    that are not read, or as another version of a package divides texts.

    Raises:
        UsageError: they differ; the message names what does.
        CtcbenchError: the stored description is damaged.
    """
    if not folder.has(folder.recognizer_path):
        return
    then = read_description(folder)
    if changed := [name for name in now._fields if getattr(then, name) != getattr(now, name)]:
        named = join_words({"image": "image size"}.get(name, name) for name in changed)
        raise UsageError(
            f"{folder.path}: the data set has not the {named} any more that this run started with; --fresh "
            f"trains again with what it has now, another --out keeps both"
        )
