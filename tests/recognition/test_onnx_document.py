"""Files from elsewhere and damaged metadata are errors that name the file and the fault."""

import json

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.recognition.onnx_document import KEY, parse_document
from tests.recognition.onnx_cases import DOCUMENT


def parse(document):
    return parse_document({KEY: document if isinstance(document, str) else json.dumps(document)}, "m.onnx")


def test_a_document_has_the_description_of_the_recogniser():
    image, alphabet, fit = parse(DOCUMENT).description()
    assert (image.height, image.width, image.channels, image.variable) == (24, 60, 1, False)
    assert (alphabet.characters, alphabet.direction, fit) == ("0123456789", "ltr", "stretch")


def test_characters_may_be_clusters_of_code_points():
    letters = ["a", "o\u0308", "\u0915\u094d"]
    assert parse(DOCUMENT | {"alphabet": letters}).description().alphabet.characters == tuple(letters)


def test_a_file_without_the_document_is_from_elsewhere():
    with pytest.raises(UsageError, match=r"^m\.onnx: an ONNX file, but not one that `ctcbench export` wrote"):
        parse_document({"author": "somebody"}, "m.onnx")


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ("{", "its metadata is damaged"),
        ("[" * 100_000, "its metadata is damaged"),
        ("[]", "its metadata is damaged"),
        (json.dumps(DOCUMENT).replace("24", "NaN"), "its metadata is damaged"),
        (DOCUMENT | {"format": "ctcbench onnx 2"}, "its format is 'ctcbench onnx 2'.*export the run again"),
        (DOCUMENT | {"alphabet": "aa"}, r"damaged \(alphabet: .*more than once"),
        (DOCUMENT | {"alphabet": ""}, r"damaged \(alphabet: "),
        (DOCUMENT | {"sharpness": 0}, "sharpness"),
        (DOCUMENT | {"sharpness": "2"}, "sharpness"),
        (DOCUMENT | {"direction": "up"}, "direction"),
        (DOCUMENT | {"image": {"height": 24, "width": 2**40, "channels": 1}}, r"image\.width"),
        (
            DOCUMENT | {"image": {"height": 2**14, "width": 2**14, "channels": 1}},
            "more than 67,108,864 pixels",
        ),
        (DOCUMENT | {"image": 3}, "image: expected an object"),
        ({key: value for key, value in DOCUMENT.items() if key != "decoder"}, "decoder: missing"),
    ],
)
def test_a_damaged_document_names_the_field(document, fault):
    with pytest.raises(UsageError, match=rf"^m\.onnx: .*{fault}"):
        parse(document)
