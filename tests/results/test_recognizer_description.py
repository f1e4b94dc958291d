"""The description of a recogniser keeps every field of its image size and its alphabet."""

import dataclasses
import json

import pytest

from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.results.recognizer_description import RecognizerDescription, RecognizerRecord

# No field is at its default, so that one that is not stored is found.
IMAGE = ImageSpec(height=24, width=90, channels=3, variable=True, crop=0.2, ground="auto")
ALPHABET = Alphabet(("a", "bc"), "rtl")
DESCRIPTION = RecognizerDescription(IMAGE, ALPHABET, "keep")


def test_every_field_is_stored():
    for part in (IMAGE, ALPHABET):
        assert all(getattr(part, field.name) != field.default for field in dataclasses.fields(part))
    document = json.loads(json.dumps(DESCRIPTION.to_json()))
    assert RecognizerRecord.model_validate(document).description() == DESCRIPTION


@pytest.mark.parametrize("field", dataclasses.fields(ImageSpec), ids=lambda field: field.name)
def test_every_field_of_the_image_size_is_in_the_digest_of_the_weights(field):
    default = 1 if field.default is dataclasses.MISSING else field.default
    other = dataclasses.replace(IMAGE, **{field.name: default})
    assert DESCRIPTION._replace(image=other).digest() != DESCRIPTION.digest()


@pytest.mark.parametrize(
    "other", [Alphabet(("a", "bc")), Alphabet(("bc", "a"), "rtl"), Alphabet("abc", "rtl")]
)
def test_the_alphabet_is_in_the_digest_of_the_weights(other):
    assert DESCRIPTION._replace(alphabet=other).digest() != DESCRIPTION.digest()
