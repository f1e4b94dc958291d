"""Pictures of the training's kind are familiar but for one in a hundred; pictures of other kinds are not."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from ctcbench import CtcbenchError
from ctcbench.data.built_dataset import build_source
from ctcbench.evaluation.familiarity import LEAST_IMAGES, FamiliarityRecord, fit_familiarity


@pytest.fixture(scope="module")
def captchas(registry):
    source = build_source(registry, "captcha")
    return [source.draw("train", index).image for index in range(300)]


@pytest.fixture(scope="module")
def familiarity(captchas):
    return fit_familiarity(captchas[:200])


def share_of_unfamiliar(familiarity, images):
    return float((familiarity.distances(images) > 1).mean())


def test_few_pictures_of_the_training_kind_are_unfamiliar(familiarity, captchas):
    assert share_of_unfamiliar(familiarity, captchas[200:]) <= 0.05


def test_pictures_of_other_kinds_are_unfamiliar(familiarity, captchas, registry):
    generator = np.random.default_rng(0)
    lettering = build_source(registry, "lettering:width=150,height=40")
    others = {
        "noise": list(generator.integers(0, 256, (20, 40, 150), np.uint8)),
        "white": [np.full((40, 150), 255, np.uint8)],
        "inverted": [255 - image for image in captchas[:20]],
        "enlarged": [image[10:30, 40:115].repeat(2, 0).repeat(2, 1) for image in captchas[:20]],
        "lettering": [lettering.draw("train", index).image for index in range(20)],
    }
    assert {
        kind: share_of_unfamiliar(familiarity, images) for kind, images in others.items()
    } == dict.fromkeys(others, 1.0)


def test_the_stored_distribution_has_the_same_distances(familiarity, captchas):
    document = json.loads(json.dumps(familiarity.to_json()))
    again = FamiliarityRecord(**document).familiarity(channels=1)
    assert np.allclose(again.distances(captchas), familiarity.distances(captchas), rtol=1e-3)


def test_images_without_variation_are_familiar_with_themselves_alone():
    white = [np.full((8, 16), 255, np.uint8)] * LEAST_IMAGES
    found = fit_familiarity(white)
    assert found.distances(white[:1])[0] <= 1 < found.distances([np.zeros((8, 16), np.uint8)])[0]


def test_too_few_images_have_no_distribution(captchas):
    assert fit_familiarity(captchas[: LEAST_IMAGES - 1]) is None
    assert fit_familiarity(captchas[:LEAST_IMAGES]) is not None


def test_a_damaged_document_is_an_error(familiarity):
    document = familiarity.to_json()
    for change in (
        {"means": document["means"][1:]},
        {"means": [1e308, *document["means"][1:]]},
        {"scales": [0.0, *document["scales"][1:]]},
        {"scales": [1e-300, *document["scales"][1:]]},
        {"whitening": [[-1e308] * len(document["means"])] * len(document["means"])},
        {"whitening": document["whitening"][:-1]},
        {"limit": float("nan")},
        {"limit": 0},
    ):
        with pytest.raises(ValidationError):
            FamiliarityRecord(**document | change)
    with pytest.raises(CtcbenchError, match="26 statistics, but images with 3 channels have 28"):
        FamiliarityRecord(**document).familiarity(channels=3)
