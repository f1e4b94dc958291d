"""Backbones and heads that break one rule each."""

import threading

import numpy as np
import torch
from torch import nn

from tests.testing.broken_parts import breaks


def module_that_breaks(kind, rule, words):
    """Note a class of modules as a component that breaks a rule."""

    def note(module):
        def build(spec):
            return module(spec)

        build.__name__ = module.__name__
        breaks(kind, rule, words)(build)
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


@module_that_breaks("backbone", "has_the_right_shape", "expected features (2, F, H, W), got (2, 384)")
class Flat(Backbone):
    def forward(self, images):
        return super().forward(images).flatten(1)


@module_that_breaks("backbone", "has_the_right_shape", "can't be probed: UsageError")
class TooLarge(Backbone):
    def forward(self, images):
        return nn.functional.max_pool2d(super().forward(images), 99)


@module_that_breaks("head", "has_the_right_shape", "expected (6, 2, D), got (2, 6, 4)")
class BatchFirst(Head):
    def forward(self, feats):
        return super().forward(feats).transpose(0, 1)


@module_that_breaks("backbone", "has_the_right_shape", "in training the shape must be that of evaluation")
class NarrowerInTraining(Backbone):
    def forward(self, images):
        feats = super().forward(images)
        return feats[..., ::2] if self.training else feats


@module_that_breaks("head", "has_the_right_shape", "got (6, 1, 4); let no shape depend on self.training")
class DroppingImages(Head):
    def forward(self, feats):
        return super().forward(feats[:, :1] if self.training else feats)


@module_that_breaks("backbone", "does_not_modify_its_input", "in evaluation its input must not be changed")
class Inverting(Backbone):
    def forward(self, images):
        return super().forward(images.neg_())


@module_that_breaks("head", "does_not_modify_its_input", "in training its input must not be changed in place")
class AddingNoiseInPlace(Head):
    def forward(self, feats):
        if self.training:
            feats += torch.randn_like(feats)
        return super().forward(feats)


@module_that_breaks("backbone", "returns_float32", "must be float32; got torch.float64")
class Doubling(Backbone):
    def forward(self, images):
        return super().forward(images).double()


@module_that_breaks("head", "returns_float32", "the output in training must be float32")
class DoublingInTraining(Head):
    def forward(self, feats):
        feats = super().forward(feats)
        return feats * torch.ones((), dtype=torch.float64) if not self.training else feats.double()


@module_that_breaks("head", "computes_each_image_independently", "must return a tensor; got tuple")
class WithItsState(Head):
    def forward(self, feats):
        return super().forward(feats), feats[-1]


@module_that_breaks("head", "is_deterministic_in_evaluation", "must return a torch.nn.Module; got Tensor")
def no_module(spec):
    return torch.zeros(1)


@module_that_breaks("head", "depends_on_the_seed_alone", "draw all randomness from torch's generator")
class SeededByNumpy(Head):
    def __init__(self, sequence):
        super().__init__(sequence)
        self.scale = float(np.random.random())

    def forward(self, feats):
        return super().forward(feats) * self.scale


@module_that_breaks("backbone", "does_not_seed_torch", "remove torch.manual_seed")
class Seeding(Backbone):
    def __init__(self, image):
        torch.manual_seed(0)
        super().__init__(image)


@module_that_breaks("head", "is_deterministic_in_evaluation", "let dropout and noise depend on self.training")
class AlwaysDropping(Head):
    def forward(self, feats):
        return nn.functional.dropout(super().forward(feats), 0.5)


@module_that_breaks("backbone", "is_deterministic_in_evaluation", "changes of calls")
class Counting(Backbone):
    def __init__(self, image):
        super().__init__(image)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, images):
        self.calls += 1
        return super().forward(images)


@module_that_breaks("backbone", "takes_single_and_empty_batches", "squeeze no axis")
class Squeezing(Backbone):
    def forward(self, images):
        return super().forward(images).squeeze(0)


@module_that_breaks("head", "takes_single_and_empty_batches", "can't take a batch of 0")
class Emptyphobic(Head):
    def forward(self, feats):
        feats.max()
        return super().forward(feats)


@module_that_breaks("head", "computes_each_image_independently", "no batch_first")
class AttendingToTheBatch(Head):
    def forward(self, feats):
        return super().forward(feats + feats.mean(1, keepdim=True))


@module_that_breaks("backbone", "has_gradients_for_every_parameter", "none for unused.weight, unused.bias")
class WithUnused(Backbone):
    def __init__(self, image):
        super().__init__(image)
        self.unused = nn.Linear(2, 2)


@module_that_breaks("head", "has_gradients_for_every_parameter", "must reach a head's input")
class Detaching(Head):
    def forward(self, feats):
        return super().forward(feats.detach())


@module_that_breaks("head", "has_gradients_for_every_parameter", "the output must have a gradient")
class WithoutGradient(Head):
    def forward(self, feats):
        with torch.no_grad():
            return super().forward(feats)


@module_that_breaks("head", "has_gradients_for_every_parameter", "NaN or infinity in layer")
class RootOfZero(Head):
    def forward(self, feats):
        return (super().forward(feats) * 0).sqrt()


@module_that_breaks(
    "backbone", "is_finite_in_mixed_precision", "compute exponentials, sums and norms in float32"
)
class Overflowing(Backbone):
    def forward(self, images):
        feats = super().forward(images)
        return feats / (feats.dtype == torch.float32)


@module_that_breaks("backbone", "is_restored_from_its_state_dict", "register what belongs to it")
class WithAPlainTensor(Backbone):
    def __init__(self, image):
        super().__init__(image)
        self.shift = torch.randn(3, 1, 1)

    def forward(self, images):
        return super().forward(images) + self.shift


@module_that_breaks("backbone", "can_be_copied", "can't be copied by copy.deepcopy")
class WithALock(Backbone):
    def __init__(self, image):
        super().__init__(image)
        self.lock = threading.Lock()


@module_that_breaks("head", "can_be_copied", "a copy must return the same output")
class Forgetful(Head):
    def __getstate__(self):
        return {**self.__dict__, "gone": True}

    def forward(self, feats):
        return super().forward(feats) + hasattr(self, "gone")


@module_that_breaks("head", "stays_on_the_device_of_its_input", "device=x.device")
class OnTheCpu(Head):
    def forward(self, feats):
        return super().forward(feats) + torch.arange(len(feats))[:, None, None]


@module_that_breaks("backbone", "takes_channels_last", "memory order must not change the output")
class ByMemoryOrder(Backbone):
    def forward(self, images):
        feats = super().forward(images)
        return feats + torch.as_strided(feats, feats.shape, torch.empty(feats.shape).stride())


class Unmasking(Backbone):
    """Says that it masks padding, and does not."""

    takes_widths = True

    def forward(self, images, widths=None):
        return super().forward(images)

    def frames(self, widths):
        return widths


module_that_breaks("backbone", "masks_padding_if_it_says_so", "the output of a padded input must be")(
    Unmasking
)


@module_that_breaks("backbone", "has_the_right_shape", "frames(16) returned [8]")
class Miscounting(Unmasking):
    def frames(self, widths):
        return widths // 2


@module_that_breaks("head", "masks_padding_if_it_says_so", "outputs of 4 frames that differ")
class BackwardFromThePadding(Head):
    takes_widths = True

    def forward(self, feats, lengths=None):
        return super().forward(feats.flip(0).cumsum(0).flip(0))


@module_that_breaks(
    "backbone", "trains_on_padding_if_it_says_so", "padding must not change the output and the"
)
class StatisticsOfPadding(nn.Module):
    takes_widths = True

    def __init__(self, image):
        super().__init__()
        self.norm = nn.BatchNorm2d(image.channels)

    def forward(self, images, widths=None):
        return self.norm(images)

    def frames(self, widths):
        return widths


@module_that_breaks("head", "reads_no_width_on_the_host", "reads the value of a tensor on the host")
class ReadingLengths(Head):
    takes_widths = True

    def forward(self, feats, lengths=None):
        if lengths is not None and lengths.max().item() > len(feats):
            raise ValueError
        return super().forward(feats)
