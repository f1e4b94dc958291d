"""Exported networks compute what torch computes, also for other numbers of images and frames than traced."""

import numpy as np
import pytest
import torch
from torch import nn

from ctcbench import Alphabet, ImageSpec, SequenceSpec
from ctcbench.builtin.heads import HEADS
from ctcbench.config.recipe import resolve
from ctcbench.contract.components import Component
from ctcbench.contract.errors import UsageError
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin
from ctcbench.training.recognizer.network import build_recognizer
from ctcbench.training.recognizer.onnx_export import export_network
from ctcbench.training.recognizer.onnx_recurrence import NotExportable, OnnxRecurrence
from tests.tiny_config import tiny

onnxruntime = pytest.importorskip("onnxruntime", reason="the package onnxruntime is not installed")
pytest.importorskip("onnxscript", reason="the package onnxscript is not installed")
pytestmark = pytest.mark.skipif(not hasattr(torch.onnx, "ops"), reason="exporting needs torch 2.8")

RECURRENT = [head for head in HEADS if "lstm" in head.name or "gru" in head.name]


class All(nn.Module):
    """The outputs of all recurrent heads side by side."""

    takes_widths = True

    def __init__(self, sequence: SequenceSpec) -> None:
        super().__init__()
        self.heads = nn.ModuleList([head(sequence, width=4) for head in RECURRENT])

    def forward(self, feats_TNF, lengths_N=None):
        return torch.cat([head(feats_TNF, lengths_N) for head in self.heads], -1)


def every(sequence: SequenceSpec):
    """All recurrent heads side by side."""
    return All(sequence)


def by_value(sequence: SequenceSpec):
    """A head whose graph depends on the values of the features."""

    class ByValue(nn.Module):
        def forward(self, feats_TNF):
            return feats_TNF * 2 if float(feats_TNF.sum()) > 1 else feats_TNF

    return ByValue()


@pytest.fixture(scope="module")
def with_plugin(registry):
    heads = tuple(Component("head", build) for build in (every, by_value))
    return Registry((*registry.plugins, Plugin("more", "ctcbench-more", "1.2", "more", components=heads)))


def built(registry, variable=False, **settings):
    recipe = resolve(registry, tiny(**settings))
    torch.manual_seed(1)
    image = ImageSpec(24, 60, variable=variable)
    return build_recognizer(recipe, image, Alphabet("0123456789")).eval(), recipe


def assert_equal(model, session, images, width, narrowest):
    random = np.random.default_rng(width)
    images_NCHW = random.integers(0, 256, (images, 1, 24, width), np.uint8)
    widths_N = random.integers(narrowest, width + 1, images)
    values_NTK, lengths_N = session.run(None, {"images": images_NCHW, "widths": widths_N})
    with torch.no_grad():
        widths = (torch.from_numpy(widths_N),) if model.image.variable else ()
        logits_TNK = model(torch.from_numpy(images_NCHW), *widths).logits_TNK
    expected_NTK = logits_TNK.log_softmax(-1).transpose(0, 1).numpy()
    assert values_NTK.shape == expected_NTK.shape
    # The recogniser counts the frames of such images alone.
    if width == model.image.width or (model.image.variable and width < model.image.width):
        assert lengths_N.tolist() == model.frames(torch.from_numpy(widths_N)).tolist()
    valid_NT = np.arange(values_NTK.shape[1]) < lengths_N[:, None]
    assert np.abs(values_NTK - expected_NTK)[valid_NT].max() < 1e-4


def case(marker, variable, backbone, head):
    return pytest.param(variable, {"backbone": backbone, "head": head}, marks=marker)


@pytest.mark.parametrize(
    ("variable", "settings"),
    [
        case(pytest.mark.landing, False, "cnn2:width=4", "every"),
        case(pytest.mark.landing, True, "columns:stride=7", "bilstm1:width=4"),
        case(pytest.mark.slow, False, "cnn5:width=4,norm=group,activation=gelu", "none"),
        case(pytest.mark.slow, True, "cnn3:width=4,norm=group", "every"),
        case(pytest.mark.slow, True, "cnn7:width=4", "none"),
    ],
)
def test_any_number_of_images_of_any_width(with_plugin, variable, settings):
    model, recipe = built(with_plugin, variable, **settings)
    exported = export_network(model, recipe)
    assert exported.any_width
    session = onnxruntime.InferenceSession(exported.model.SerializeToString())
    for images, width in ((1, 60), (2, 60), (5, 60), (1, 41), (4, 23), (3, 131)):
        assert_equal(model, session, images, width, width // 3)


@pytest.mark.landing
def test_a_head_that_sees_the_whole_image_fixes_the_width(registry):
    head = "slots:count=3,width=4,slot_width=4,after=bigru1"
    model, recipe = built(registry, backbone="columns:stride=4", head=head, loss="slots", decoder="slots",
                          shortcut="none")  # fmt: skip
    exported = export_network(model, recipe)
    assert not exported.any_width
    session = onnxruntime.InferenceSession(exported.model.SerializeToString())
    for images in (1, 4):
        assert_equal(model, session, images, 60, 30)


@pytest.mark.slow
def test_a_component_that_can_not_be_exported_is_named(with_plugin):
    model, recipe = built(with_plugin, backbone="columns", head="by_value")
    with pytest.raises(
        UsageError, match=r"^ctcbench-more .*: head 'by_value': can't be exported to ONNX: \S"
    ):
        export_network(model, recipe)


def test_recurrent_layers_without_a_counterpart_are_refused():
    with pytest.raises(NotExportable, match="projections"):
        OnnxRecurrence(nn.LSTM(3, 4, proj_size=2))
    layer = OnnxRecurrence(nn.GRU(3, 4))
    feats_TNF = torch.zeros(5, 2, 3)
    with pytest.raises(NotExportable, match="packed"):
        layer(nn.utils.rnn.pack_sequence([torch.zeros(5, 3)]))
    with pytest.raises(NotExportable, match="initial states"):
        layer(feats_TNF, torch.zeros(1, 2, 4))
    with pytest.raises(NotExportable, match="without a batch"):
        layer(feats_TNF[:, 0])
