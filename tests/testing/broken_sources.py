"""Data sets that break one rule each; importable, so that this is not what fails in a worker."""

import hashlib
import os
import random
from dataclasses import dataclass, field

import numpy as np

from ctcbench import Alphabet, BadSample, ImageSpec, Sample
from tests.testing.broken_parts import breaks


@dataclass(frozen=True)
class Good:
    """A sound data set: noise with a text."""

    image: ImageSpec = ImageSpec(8, 16)  # noqa: RUF009 (frozen)
    alphabet: Alphabet = Alphabet("ab")  # noqa: RUF009 (frozen)

    def size(self, split):
        return None

    def fingerprint(self, split):
        return f"good {split}"

    def describe(self, split, index):
        return f"{split}/{index}"

    def seed(self, split, index):
        return hashlib.sha256(f"{split} {index}".encode()).digest()

    def draw(self, split, index):
        pixels = np.random.default_rng(list(self.seed(split, index)))
        return Sample(pixels.integers(0, 256, (8, 16), dtype=np.uint8), "ab" + "a" * (index % 2))


@dataclass(frozen=True)
class WithTextForAnAlphabet(Good):
    alphabet: str = "ab"


class SizedByText(Good):
    def size(self, split):
        return "many"


class OfNegativeSize(Good):
    def size(self, split):
        return -1


class FittedInAnotherWay(Good):
    fit = "crop"


class WithoutNames(Good):
    describe = None


class AllNamedAlike(Good):
    def describe(self, split, index):
        return split


class Floating(Good):
    def draw(self, split, index):
        return Sample(np.zeros((8, 16)), "ab")


class OfAnotherSize(Good):
    def draw(self, split, index):
        return Sample(np.zeros((8, 8), np.uint8), "ab")


class WithoutSamples(Good):
    def draw(self, split, index):
        return np.zeros((8, 16), np.uint8), "ab"


class TooWide(Good):
    def draw(self, split, index):
        return Sample(np.zeros((8, 16), np.uint8), "ab", width=17)


class WideAsText(Good):
    def draw(self, split, index):
        return Sample(np.zeros((8, 16), np.uint8), "ab", width="16")


class OfNumbers(Good):
    def draw(self, split, index):
        return Sample(np.zeros((8, 16), np.uint8), 12)


class Undrawable(Good):
    def draw(self, split, index):
        assert index < 0, "no such sample"


class OutsideTheAlphabet(Good):
    def draw(self, split, index):
        return Sample(np.zeros((8, 16), np.uint8), "abc")


@dataclass(frozen=True)
class WithTextsThatLookTheSame(Good):
    alphabet: Alphabet = Alphabet("אab1 ", "rtl")  # noqa: RUF009 (frozen)

    def draw(self, split, index):
        return Sample(np.zeros((8, 16), np.uint8), "א ab 1")


class OfOtherTextsThanItKnows(Good):
    def text_of(self, split, index):
        return "ab"[index % 2]

    def draw(self, split, index):
        return Sample(super().draw(split, index).image, "a")


class OfKnownTextsAndPadding(Good):
    def text_of(self, split, index):
        return "a"

    def draw(self, split, index):
        return Sample(super().draw(split, index).image, "a", 9)


class OfKnownTextsAndBadSamples(Good):
    def text_of(self, split, index):
        return self.draw(split, 0).text

    def draw(self, split, index):
        if index == 3:
            raise BadSample("the third is never good")
        return Sample(super().draw(split, index).image, "a")


class FromAGlobalGenerator(Good):
    def seed(self, split, index):
        return random.randbytes(8)


class ByPythonsHash(Good):
    def seed(self, split, index):
        return (hash(split) % 2**32).to_bytes(8, "big") + bytes([index])


@dataclass(frozen=True)
class HoldingALambda(Good):
    """Sound: a worker builds its source anew, so that nothing of it is sent."""

    paint: object = field(default_factory=lambda: lambda text: text)


class OnlyHere(Good):
    process = os.getpid()

    def draw(self, split, index):
        if os.getpid() != OnlyHere.process or os.environ.get("PYTHONHASHSEED") == "271":
            raise RuntimeError("this process is another one")
        return super().draw(split, index)


class TheSameInAllSplits(Good):
    def seed(self, split, index):
        return bytes([index])


class WithoutSplitsInItsFingerprint(Good):
    def fingerprint(self, split):
        return "good"


class WithAListForAFingerprint(Good):
    def fingerprint(self, split):
        return [split]


class WithAChangingFingerprint(Good):
    def fingerprint(self, split):
        return f"{split} {random.random()}"


_PURE = "seed a generator of its own"
SOURCES = {
    "WithTextForAnAlphabet": ("has_valid_attributes_and_descriptions", "alphabet an Alphabet"),
    "SizedByText": ("has_valid_attributes_and_descriptions", "must be a count"),
    "OfNegativeSize": (
        "has_valid_attributes_and_descriptions",
        "must be a count, or None if it is unlimited; got -1",
    ),
    "FittedInAnotherWay": (
        "has_valid_attributes_and_descriptions",
        "be 'stretch', 'pad' or 'keep'; got 'crop'",
    ),
    "WithoutNames": ("has_valid_attributes_and_descriptions", "can't describe samples: TypeError"),
    "AllNamedAlike": ("has_valid_attributes_and_descriptions", "a text of its own for each sample"),
    "Floating": ("draws_images_of_its_size", "got float64 (8, 16)"),
    "OfAnotherSize": ("draws_images_of_its_size", "got uint8 (8, 8)"),
    "WithoutSamples": ("draws_images_of_its_size", "must return a Sample; got tuple"),
    "TooWide": ("draws_images_of_its_size", "width must be None or 1 to 16"),
    "WideAsText": ("draws_images_of_its_size", "width must be None or 1 to 16; got '16'"),
    "OfNumbers": ("draws_texts_of_its_alphabet", "must be a str; got 12"),
    "Undrawable": ("draws_the_same_samples_again", "can't draw train/0: AssertionError: no such sample"),
    "OutsideTheAlphabet": ("draws_texts_of_its_alphabet", "'abc'"),
    "WithTextsThatLookTheSame": ("draws_texts_of_its_alphabet", "the one that decoding its labelling"),
    "OfOtherTextsThanItKnows": ("knows_the_texts_that_it_draws", "got 'b' and 'a'"),
    "OfKnownTextsAndPadding": ("knows_the_texts_that_it_draws", "without padding; got 9"),
    "OfKnownTextsAndBadSamples": ("knows_the_texts_that_it_draws", "got BadSample for train/3"),
    "FromAGlobalGenerator": ("draws_the_same_samples_again", _PURE),
    "ByPythonsHash": ("draws_the_same_samples_in_a_worker", _PURE),
    "OnlyHere": ("draws_the_same_samples_in_a_worker", "a worker process must be able to draw"),
    "TheSameInAllSplits": ("draws_different_samples_in_each_split", "must not share samples"),
    "WithoutSplitsInItsFingerprint": ("has_fingerprints", "a fingerprint of its own"),
    "WithAListForAFingerprint": ("has_fingerprints", "a fingerprint must be a str; got ['train']"),
    "WithAChangingFingerprint": ("has_fingerprints", "must have the same fingerprint"),
}


def builder_of(source):
    def build():
        """A data set."""
        return globals()[source]()

    # At the top of this module, where a worker process finds it.
    build.__name__, build.__qualname__ = source, f"build_{source}"
    globals()[build.__qualname__] = build
    return build


for sound in ("Good", "HoldingALambda"):
    builder_of(sound)
for source_name, (broken_rule, sentence) in SOURCES.items():
    breaks("dataset", broken_rule, sentence)(builder_of(source_name))
