"""Record: the pydantic base of stored JSON documents, and how an error names a file, a field and a fault."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ctcbench.contract.data import LONGEST_TEXT
from ctcbench.contract.errors import CtcbenchError

R = TypeVar("R", bound=BaseModel)

STRICT = ConfigDict(strict=True, allow_inf_nan=False, extra="ignore", frozen=True, protected_namespaces=())
_SHOWN = 40  # characters of a wrong value


def _at_most(length: int) -> AfterValidator:
    # Not Field(max_length=…), which refuses the lone surrogates of file names that are not Unicode.
    def check(text: str) -> str:
        if len(text) > length:
            raise ValueError(f"{len(text):,} characters; at most {length:,} are allowed")
        return text

    return AfterValidator(check)


# Bounds of the values in stored documents.
Name = Annotated[str, _at_most(1_000)]
Text = Annotated[str, _at_most(LONGEST_TEXT)]
Share = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0, le=2**53)]

# Words for pydantic's error types; other types keep pydantic's own sentence.
_EXPECTED = {
    "list_type": "a list",
    "tuple_type": "a list",
    "string_type": "text",
    "float_type": "a number",
    "finite_number": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
}


class Record(BaseModel):
    """A stored document: types are checked strictly, numbers must be finite, unknown keys are ignored.

    A field that is added in a later version needs a default, so that earlier documents stay readable.
    """

    model_config = STRICT


def read_record(model: type[R], document: Any, path: Path, *, field: str = "") -> R:
    """Return a parsed JSON document as a record; `path`, and `field` in it, say in errors where it is.

    Raises:
        CtcbenchError: the document is not such a record; the message names the file and the first field
            that is wrong.
    """
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise CtcbenchError(f"{path}: {describe_fault(error, field)}") from None


def describe_fault(error: ValidationError, field: str = "") -> str:
    """Return the first fault of a document, as ``score.cer: expected a number, not 'high'``.

    `field` is the name of the object that was validated, empty for a whole document.
    """
    first = error.errors(include_url=False)[0]
    place = ".".join([*([field] if field else []), *map(str, first["loc"])])
    kind, given = first["type"], str(first["input"])[:_SHOWN]
    if kind == "missing":
        what = "missing"
    elif kind == "value_error":  # raised by a validator of the model
        what = first["msg"].removeprefix("Value error, ")
    elif kind in ("dict_type", "model_type"):
        what = "expected an object"
    else:
        what = (
            f"expected {_EXPECTED.get(kind) or first['msg'].removeprefix('Input should be ')}, not {given!r}"
        )
    return f"{place}: {what}" if place else what
