"""OnnxDocument: the description of an exported recogniser, JSON in the metadata of its ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alignment
from ctcbench.evaluation.familiarity import FamiliarityRecord
from ctcbench.files.json_files import loads
from ctcbench.files.json_records import Name, describe_fault
from ctcbench.results.recognizer_description import RecognizerRecord

KEY = "ctcbench"  # of the document in the metadata of the file
FORMAT: Final = "ctcbench onnx 1"
_SHOWN = 60  # characters of another format
Precision = Literal["float32", "int8"]


class OnnxDocument(RecognizerRecord):
    """JSON document of an exported recogniser.

    Attributes:
        format: name and number of this format.
        alignment: how frames are aligned with characters.
        decoder: component string of the run's decoder.
        decoder_files: the files of the decoder by digest, as `attached_files.packed` writes them.
        sharpness: exponent of the probabilities that calibrates confidences; 1 if they are not calibrated.
        familiarity: the statistics of the training images, None if they are not known.
        masks_padding: whether images of different widths may be in a batch; if not, those of a batch that are
            narrower than it are read alone.
        has_positions: whether frame t of T is of the columns t · W / T to (t + 1) · W / T.
        any_width: whether the graph takes images of another width.
        precision: of the weights and the arithmetic.
        train_key: name of the run folder.
        versions: version of each package by its name.
    """

    format: Literal["ctcbench onnx 1"]
    alignment: Alignment
    decoder: Name
    decoder_files: dict[Name, str] = Field(default={}, max_length=10)
    sharpness: Annotated[float, Field(gt=0, le=1_000)] = 1.0
    familiarity: FamiliarityRecord | None = None
    masks_padding: bool
    has_positions: bool
    any_width: bool
    precision: Precision
    train_key: Name
    versions: dict[Name, Name | None] = Field(max_length=100)


def parse_document(metadata: Mapping[str, str], path: object) -> OnnxDocument:
    """Return the document in the metadata of an ONNX file; `path` names the file in errors.

    Raises:
        UsageError: the file is not from ``ctcbench export``, of another version, or has a damaged document.
    """
    text = metadata.get(KEY)
    if text is None:
        raise UsageError(
            f"{path}: an ONNX file, but not one that `ctcbench export` wrote (its metadata has no "
            f"{KEY!r}: no alphabet, no image size)"
        )
    try:
        found = loads(text.encode())
        stored = found.get("format") if isinstance(found, dict) else None
        if isinstance(stored, str) and stored != FORMAT:
            raise UsageError(
                f"{path}: its format is {stored[:_SHOWN]!r}, and this version of ctcbench reads {FORMAT!r}; "
                "export the run again"
            )
        document = OnnxDocument.model_validate(found)
    except ValidationError as error:
        raise UsageError(f"{path}: its metadata is damaged ({describe_fault(error)})") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: its metadata is damaged ({error})") from None
    try:
        document.description()
    except UsageError as error:
        raise UsageError(f"{path}: its metadata is damaged (alphabet: {error})") from None
    return document
