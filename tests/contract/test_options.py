"""Options of a builder: help, conversion from text, and errors."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from ctcbench import backbone
from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.contract.options import Option


@backbone
def sample(
    image: "NotDefined",  # noqa: F821 - may be known to type checkers alone
    *,
    width: Annotated[int, Field(ge=8, le=512, description="channels")] = 64,
    rate: Annotated[float, Field(gt=0, description="how fast")] = 0.5,
    norm: Annotated[Literal["batch", "none"], Field(description="norm")] = "batch",
    sizes: Annotated[tuple[int, ...], Field(description="sizes")] = (1, 2),
    on: Annotated[bool, Field(description="switch")] = False,
):
    """First line.

    Second paragraph.
    """
    return width, rate, norm, sizes, on


def test_help_comes_from_the_signature():
    assert sample.summary == "First line."
    width = sample.options["width"]
    assert (width.type_name, width.bounds, width.default, width.description) == (
        "whole number", "8 to 512", 64, "channels",
    )  # fmt: skip
    assert sample.options["rate"].bounds == "above 0"
    assert sample.options["norm"].type_name == "one of batch, none"
    assert sample.options["sizes"].type_name == "list of whole numbers"


def test_text_becomes_values():
    given = {"width": "8", "rate": "0.25", "norm": "none", "sizes": "3, 4", "on": "true"}
    assert sample(None, **given) == (8, 0.25, "none", (3, 4), True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"width": "4"}, ["width=4", "8 to 512"]),
        ({"width": "x"}, ["width=x", "whole number"]),
        ({"width": "8.5"}, ["width=8.5", "whole number"]),
        ({"rate": "nan"}, ["rate=nan", "above 0"]),
        ({"rate": "inf"}, ["rate=inf"]),
        ({"norm": "bach"}, ["norm=bach", "batch, none"]),
        ({"sizes": "1,b"}, ["sizes=1,b"]),
        ({"widht": "8"}, ["no option 'widht'", "did you mean 'width'", "rate, norm"]),
    ],
)
def test_wrong_options_are_explained(given, words):
    with pytest.raises(UsageError) as error:
        sample(None, **given)
    for word in ["backbone sample", *words]:
        assert word in str(error.value)


def test_read_is_the_inverse_of_as_text():
    for option in sample.options.values():
        assert option.read(option.as_text(option.default)) == option.default


def test_an_option_without_a_type_is_a_plugin_error():
    @backbone
    def untyped(image, *, width=3):
        """Untyped."""

    with pytest.raises(PluginError, match="'width' has no type"):
        _ = untyped.options


def test_a_component_needs_a_docstring():
    with pytest.raises(PluginError, match="needs a docstring"):

        @backbone
        def silent(image):
            return image


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (tuple[int, ...] | None, "3,4", (3, 4)),
        (tuple[int, ...] | None, "none", None),
        (list[float] | None, "1", [1.0]),
        (Literal[4, 8] | None, "4", 4),
        (Literal[4, 8] | None, "none", None),
        (list[Literal[1, 2]], "1,2", [1, 2]),
        (tuple[Literal["a", 4], int], "4,5", (4, 5)),
        (list[Literal[1, 2]] | None, "2", [2]),
        (list[int] | str, "3,x", "3,x"),
        (int | Literal["auto"], "auto", "auto"),
        (int | Literal["auto"], "7", 7),
    ],
)
def test_lists_and_choices_are_read_within_other_types(annotation, text, value):
    option = Option("sizes", annotation, None)
    assert option.read(text) == value
    assert option.read(value) == value
    assert option.read(option.as_text(value)) == value


@pytest.mark.parametrize(
    ("annotation", "text", "says"),
    [
        (tuple[int, ...] | None, "3,x", r"sizes=3,x: .*allowed: list of whole numbers or none"),
        (Literal[4, 8] | None, "5", r"sizes=5: .*allowed: one of 4, 8 or none"),
        (list[Literal[1, 2]], "1,3", r"sizes=1,3: .*allowed: list of one of 1, 2"),
        (tuple[int, int], "1,2,3", r"sizes=1,2,3: .*allowed: 2 values"),
    ],
)
def test_what_is_not_allowed_in_them_is_an_error(annotation, text, says):
    with pytest.raises(UsageError, match=says):
        Option("sizes", annotation, None).read(text)


def test_optional_tuple_and_path_types():
    @backbone
    def odd(
        image,
        *,
        stop: Annotated[int | None, Field(ge=1, description="s")] = None,
        pair: Annotated[tuple[int, float], Field(description="p")] = (1, 0.5),
        file: Annotated[Path, Field(description="f")] = Path("x"),
    ):
        """A component with odd options."""

    assert odd.options["stop"].type_name == "whole number or none"
    assert odd.options["stop"].as_text(None) == "none"
    given = {"stop": "none", "pair": "3,2", "file": "a/b"}
    assert odd.read(given) == {"stop": None, "pair": (3, 2.0), "file": Path("a/b")}
    assert odd.read({"stop": "4"})["stop"] == 4
    with pytest.raises(UsageError, match=r"stop=0: .*\(allowed: whole number or none, at least 1\)"):
        odd.read({"stop": "0"})
    with pytest.raises(UsageError, match=r"allowed: 2 values: whole number, number"):
        odd.read({"pair": "3"})
