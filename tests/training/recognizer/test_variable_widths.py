"""Images of variable width: a padded image has the log-probabilities that it has alone."""

import itertools

import pytest
import torch
from torch import nn

from ctcbench import Alphabet, ImageSpec, RunConfig, SequenceSpec, UsageError
from ctcbench.config.recipe import Recipe
from ctcbench.contract.errors import PluginError
from ctcbench.training.recognizer.module_probe import probe_backbone
from ctcbench.training.recognizer.network import Recognizer, build_recognizer

IMAGE = ImageSpec(16, 64, variable=True)
ALPHABET = Alphabet("0123456789")
WIDTHS, PADDED = (61, 24, 40, 9), 64
BACKBONES = ["cnn2:width=4", "cnn3:width=4,norm=group", "cnn5:width=4", "cnn7:width=4", "columns:stride=3"]
MORE_BACKBONES = [
    "cnn2:width=4,norm=none,activation=gelu", "cnn3:width=4,norm=batch", "cnn5:width=4,step=8,norm=group",
    "cnn7:width=4,norm=group", "cnn7:width=4,norm=none,activation=leaky", "columns:stride=1",
]  # fmt: skip
HEADS = [f"{bi}{cell}{layers}:width=5" for bi in ("", "bi") for cell in ("lstm", "gru") for layers in (1, 2)]
PAIRS = [
    *itertools.product(BACKBONES, ["none", *HEADS]),
    *((backbone, "bilstm1:width=5") for backbone in MORE_BACKBONES),
]


def build(registry, backbone, head, image=IMAGE, **settings):
    torch.manual_seed(0)
    config = RunConfig(backbone=backbone, head=head, dataset="captcha", **settings)
    return build_recognizer(Recipe(registry, config), image, ALPHABET)


def pictures(image=IMAGE, widths=WIDTHS):
    """Return images_NCHW with black padding, which the network must not see, and the images alone."""
    chance = torch.Generator().manual_seed(1)
    alone = [
        torch.randint(0, 256, (1, image.channels, image.height, width), generator=chance, dtype=torch.uint8)
        for width in widths
    ]
    images_NCHW = torch.zeros(len(widths), image.channels, image.height, PADDED, dtype=torch.uint8)
    for row, picture in enumerate(alone):
        images_NCHW[row, :, :, : picture.shape[3]] = picture[0]
    return images_NCHW, alone


def require_equal(model, images_NCHW, alone):
    widths_N = torch.tensor([picture.shape[3] for picture in alone])
    logits_TNK = model(images_NCHW, widths_N).logits_TNK.log_softmax(-1)
    frames = model.frames(widths_N).tolist()
    for row, picture in enumerate(alone):
        expected_TK = model(picture).logits_TNK.log_softmax(-1)[:, 0]
        assert frames[row] == len(expected_TK)
        assert torch.allclose(logits_TNK[: frames[row], row], expected_TK, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize(("backbone", "head"), PAIRS)
def test_a_padded_image_is_read_as_it_is_alone(registry, backbone, head):
    model = build(registry, backbone, head)
    assert not model.unmasked
    images_NCHW, alone = pictures()
    # One training pass, so that batch norm's running statistics are not 0 and 1.
    model.train()(images_NCHW, torch.tensor(WIDTHS))
    require_equal(model.eval(), images_NCHW, alone)


@torch.no_grad()
def test_images_in_colour_are_masked_too(registry):
    image = ImageSpec(16, 64, 3, variable=True)
    require_equal(build(registry, "cnn5:width=4", "bigru1:width=5", image).eval(), *pictures(image))


def trained(model, images_NCHW, widths_N):
    """Return the gradients of a loss over the valid frames, and the running statistics after the pass."""
    model.train().zero_grad()
    logits_TNK = model(images_NCHW, widths_N).logits_TNK
    lengths_N = torch.tensor(len(logits_TNK)) if widths_N is None else model.frames(widths_N)
    frame_T1 = torch.arange(len(logits_TNK))[:, None]
    # Other weights in each frame: a loss of equal weights would not notice frames in another order.
    weighted_TNK = logits_TNK.log_softmax(-1) * (1 + frame_T1 % 5)[:, :, None]
    weighted_TNK.square().masked_fill((frame_T1 >= lengths_N)[:, :, None], 0).sum().backward()
    return {name: p.grad for name, p in model.named_parameters()} | dict(model.named_buffers())


TRAINED = [
    ("cnn2:width=4,norm=none,activation=gelu", "gru1:width=5"),
    ("cnn3:width=4,norm=group", "bilstm2:width=5"),
    ("cnn5:width=4", "bigru1:width=5"),
    ("cnn7:width=4", "bigru2:width=5"),
    ("columns:stride=3", "bilstm1:width=5"),
]


@pytest.mark.parametrize(("backbone", "head"), TRAINED)
def test_a_training_step_does_not_depend_on_the_padding(registry, backbone, head):
    """Images of one width, unpadded, are computed by torch's own layers: the reference."""
    images_NCHW = torch.randint(0, 256, (3, 1, 16, 40), generator=torch.Generator().manual_seed(3)).byte()
    padded_NCHW = torch.cat([images_NCHW, torch.zeros(3, 1, 16, 24, dtype=torch.uint8)], 3)
    expected = trained(build(registry, backbone, head), images_NCHW, None)
    got = trained(build(registry, backbone, head), padded_NCHW, torch.full((3,), 40))
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        # Relative to the largest of a tensor: sums in another order round differently.
        scale = value.abs().max().clamp(min=1e-3)
        assert torch.allclose(value / scale, got[name] / scale, atol=1e-3), name


def test_images_narrower_than_a_frame_are_padded_to_one(registry):
    model = build(registry, "cnn5:width=4,step=8", "bilstm1:width=5").eval()
    assert (model.least_width, model.frames(torch.tensor([1, 8, 17])).tolist()) == (7, [1, 1, 2])
    narrow_NCHW = torch.zeros(1, 1, 16, 3, dtype=torch.uint8)
    wide_NCHW = torch.cat([narrow_NCHW, torch.full((1, 1, 16, 29), 255, dtype=torch.uint8)], 3)
    one, other = (model(images, torch.tensor([3])).logits_TNK[0] for images in (narrow_NCHW, wide_NCHW))
    assert torch.allclose(one, other, atol=1e-5)


def test_slots_needs_images_of_one_width(registry):
    with pytest.raises(UsageError, match=r"--head slots:count=2 needs the same number of frames .*fit=pad"):
        build(registry, "cnn2:width=4", "slots:count=2", loss="slots", decoder="slots")


class Plain(nn.Module):
    """A backbone without masks: its frames have the columns of its images, less two."""

    def forward(self, images_NCHW):
        return nn.functional.avg_pool2d(images_NCHW, 3, stride=1)


class Miscounting(Plain):
    takes_widths = True

    def frames(self, widths_N):
        return widths_N


def test_the_frames_of_a_backbone_without_masks_are_measured():
    model = Recognizer(
        Plain(), nn.Identity(), IMAGE, SequenceSpec(62, 14), SequenceSpec(62, 14), ALPHABET, "none"
    )
    assert model.unmasked == ("backbone",)
    assert model.least_width == 3
    assert model.frames(torch.tensor([64, 3, 1, 20])).tolist() == [62, 1, 1, 18]
    # In training each batch has images of one width, and nothing is measured.
    model._measured.clear()
    for width, frames in ((64, 62), (3, 1), (1, 1), (20, 18)):
        widths_N = torch.tensor([width] * 2)
        logits_TNK = model(torch.zeros(2, 1, 16, width, dtype=torch.uint8), widths_N).logits_TNK
        assert model.batch_frames(widths_N, logits_TNK).tolist() == [frames] * 2
    assert not model._measured


def test_the_frames_of_a_batch_with_masks_are_those_of_each_image(registry):
    model, widths_N = build(registry, "cnn3:width=4", "bilstm1:width=5").eval(), torch.tensor(WIDTHS)
    logits_TNK = model(pictures()[0], widths_N).logits_TNK
    assert torch.equal(model.batch_frames(widths_N, logits_TNK), model.frames(widths_N))
    assert len({*model.frames(widths_N).tolist()}) > 1


def test_a_backbone_that_counts_other_frames_than_it_makes_breaks_its_contract():
    with pytest.raises(PluginError, match=r"^someone: frames\(64\) returned \[64\].* have 62 columns"):
        probe_backbone(Miscounting(), IMAGE, "someone")
