"""Options as text: what a user types becomes a value of the option's own type."""

from typing import Annotated, Literal

import pytest
from pydantic import Field

from ctcbench import UsageError
from ctcbench.contract.options import options_of


def builder(
    *,
    step: Annotated[Literal[4, 8], Field(description="a number of a list")] = 4,
    mode: Annotated[Literal["4", "fast"], Field(description="a word of a list")] = "fast",
    mixed: Annotated[Literal["auto", 2, True], Field(description="one of several types")] = "auto",
):
    """Options that are lists of choices."""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("step", "8", 8), ("step", 8, 8), ("mode", "4", "4"), ("mixed", "2", 2), ("mixed", "true", True)],
)
def test_a_choice_keeps_its_type(name, text, value):
    read = options_of(builder)[name].read(text)
    assert read == value and type(read) is type(value)


def test_the_error_of_an_invalid_choice_lists_the_choices():
    with pytest.raises(UsageError, match=r"step=5: not one of the choices \(allowed: one of 4, 8\)"):
        options_of(builder)["step"].read("5")
