"""Modules and data sets that break one rule each; importable, so that pickling is not what fails."""

import hashlib
import os
import random
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from ctcbench import Alphabet, ImageSpec, Sample, SequenceSpec
from ctcbench.testing.case import Case

MODULES: list[tuple[str, object, str, str]] = []


def small(component):
    return Case(component, image=ImageSpec(8, 16), sequence=SequenceSpec(frames=6, features=5))


def breaks(kind, rule, says):
    def note(module):
        def build(spec):
            """A module that breaks a rule."""
            return module(spec)

        build.__name__ = module.__name__
        MODULES.append((kind, build, rule, says))
        return module

    return note


class Backbone(nn.Module):
    """A sound backbone: one convolution."""

    def __init__(self, image):
        super().__init__()
        self.layer = nn.Conv2d(image.channels, 3, 3, padding=1)

    def forward(self, images):
        return self.layer(images)


class Head(nn.Module):
    """A sound head: one linear layer."""

    def __init__(self, sequence):
        super().__init__()
        self.layer = nn.Linear(sequence.features, 4)

    def forward(self, feats):
        return self.layer(feats)


@breaks("backbone", "has_the_right_shape", "expected features (2, F, H, W), got (2, 384)")
class Flat(Backbone):
    def forward(self, images):
        return super().forward(images).flatten(1)


@breaks("backbone", "has_the_right_shape", "can't be probed: UsageError")
class TooLarge(Backbone):
    def forward(self, images):
        return nn.functional.max_pool2d(super().forward(images), 99)


@breaks("head", "has_the_right_shape", "expected (6, 2, D), got (2, 6, 4)")
class BatchFirst(Head):
    def forward(self, feats):
        return super().forward(feats).transpose(0, 1)


@breaks("head", "is_deterministic_in_evaluation", "must return a torch.nn.Module; got Tensor")
def no_module(spec):
    return torch.zeros(1)


@breaks("head", "gives_the_same_for_the_same_seed", "draw all randomness from torch's generator")
class SeededByNumpy(Head):
    def __init__(self, sequence):
        super().__init__(sequence)
        self.scale = float(np.random.random())

    def forward(self, feats):
        return super().forward(feats) * self.scale


@breaks("backbone", "leaves_the_seed_alone", "remove torch.manual_seed")
class Seeding(Backbone):
    def __init__(self, image):
        torch.manual_seed(0)
        super().__init__(image)


@breaks("head", "is_deterministic_in_evaluation", "let dropout and noise depend on self.training")
class AlwaysDropping(Head):
    def forward(self, feats):
        return nn.functional.dropout(super().forward(feats), 0.5)


@breaks("backbone", "is_deterministic_in_evaluation", "changes of calls")
class Counting(Backbone):
    def __init__(self, image):
        super().__init__(image)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, images):
        self.calls += 1
        return super().forward(images)


@breaks("backbone", "takes_single_and_empty_batches", "squeeze no axis")
class Squeezing(Backbone):
    def forward(self, images):
        return super().forward(images).squeeze(0)


@breaks("head", "takes_single_and_empty_batches", "can't take a batch of 0")
class Emptyphobic(Head):
    def forward(self, feats):
        feats.max()
        return super().forward(feats)


@breaks("head", "keeps_images_apart", "no batch_first")
class AttendingToTheBatch(Head):
    def forward(self, feats):
        return super().forward(feats + feats.mean(1, keepdim=True))


@breaks("backbone", "lets_gradients_reach_every_parameter", "none for unused.weight, unused.bias")
class WithUnused(Backbone):
    def __init__(self, image):
        super().__init__(image)
        self.unused = nn.Linear(2, 2)


@breaks("head", "lets_gradients_reach_every_parameter", "must reach a head's input")
class Detaching(Head):
    def forward(self, feats):
        return super().forward(feats.detach())


@breaks("head", "lets_gradients_reach_every_parameter", "the output must have a gradient")
class WithoutGradient(Head):
    def forward(self, feats):
        with torch.no_grad():
            return super().forward(feats)


@breaks("head", "lets_gradients_reach_every_parameter", "NaN or infinity in layer")
class RootOfZero(Head):
    def forward(self, feats):
        return (super().forward(feats) * 0).sqrt()


@breaks("backbone", "is_finite_in_bfloat16", "compute exponentials, sums and norms in float32")
class Overflowing(Backbone):
    def forward(self, images):
        feats = super().forward(images)
        return feats / (feats.dtype == torch.float32)


@breaks("backbone", "comes_back_from_its_state_dict", "register what belongs to it")
class WithAPlainTensor(Backbone):
    def __init__(self, image):
        super().__init__(image)
        self.shift = torch.randn(3, 1, 1)

    def forward(self, images):
        return super().forward(images) + self.shift


@breaks("backbone", "can_be_sent_to_a_worker", "can't be pickled")
class WithALambda(Backbone):
    def __init__(self, image):
        super().__init__(image)
        self.activate = lambda feats: feats.relu()

    def forward(self, images):
        return self.activate(super().forward(images))


@breaks("head", "can_be_sent_to_a_worker", "a pickled copy must give the same output")
class Forgetful(Head):
    def __getstate__(self):
        return {**self.__dict__, "gone": True}

    def forward(self, feats):
        return super().forward(feats) + hasattr(self, "gone")


@breaks("head", "follows_its_input_to_another_device", "device=x.device")
class OnTheCpu(Head):
    def forward(self, feats):
        return super().forward(feats) + torch.arange(len(feats))[:, None, None]


@breaks("backbone", "takes_channels_last", "memory order must not change the output")
class ByMemoryOrder(Backbone):
    def forward(self, images):
        feats = super().forward(images)
        return feats + torch.as_strided(feats, feats.shape, torch.empty(feats.shape).stride())


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


class OutsideTheAlphabet(Good):
    def draw(self, split, index):
        return Sample(np.zeros((8, 16), np.uint8), "abc")


class FromAGlobalGenerator(Good):
    def seed(self, split, index):
        return random.randbytes(8)


class ByPythonsHash(Good):
    def seed(self, split, index):
        return (hash(split) % 2**32).to_bytes(8, "big") + bytes([index])


@dataclass(frozen=True)
class HoldingALambda(Good):
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


class WithAChangingFingerprint(Good):
    def fingerprint(self, split):
        return f"{split} {random.random()}"


_PURE = "seed a generator of its own"
SOURCES = {
    "WithTextForAnAlphabet": ("says_what_it_holds", "alphabet an Alphabet"),
    "SizedByText": ("says_what_it_holds", "must be a count"),
    "AllNamedAlike": ("says_what_it_holds", "a text of its own for each sample"),
    "Floating": ("draws_images_as_agreed", "got float64 (8, 16)"),
    "OfAnotherSize": ("draws_images_as_agreed", "got uint8 (8, 8)"),
    "WithoutSamples": ("draws_images_as_agreed", "must return a Sample; got tuple"),
    "TooWide": ("draws_images_as_agreed", "width must be None or 1 to 16"),
    "OutsideTheAlphabet": ("draws_texts_of_its_alphabet", "'abc'"),
    "FromAGlobalGenerator": ("draws_the_same_again", _PURE),
    "ByPythonsHash": ("draws_the_same_in_a_worker", _PURE),
    "HoldingALambda": ("draws_the_same_in_a_worker", "can't be pickled to a worker"),
    "OnlyHere": ("draws_the_same_in_a_worker", "a worker process must be able to draw"),
    "TheSameInAllSplits": ("keeps_splits_apart", "must not share samples"),
    "WithoutSplitsInItsFingerprint": ("has_fingerprints", "a fingerprint of its own"),
    "WithAChangingFingerprint": ("has_fingerprints", "must give the same fingerprint"),
}


def builder_of(source):
    def build():
        """A data set."""
        return globals()[source]()

    build.__name__ = source
    return build
