"""The body of a graph on torch's ``meta`` device, which has no memory: it needs no value and no CPU."""

import dataclasses
import importlib

import pytest
import torch
from torch import nn

from ctcbench import ImageSpec
from ctcbench.config.recipe import Recipe
from ctcbench.contract.components import Component
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin
from ctcbench.training import split, step
from ctcbench.training.cuda.step_graph import StepGraph
from ctcbench.training.device import Compute
from ctcbench.training.ragged_tensor import RaggedTensor
from ctcbench.training.recognizer.network import build_recognizer
from tests.tiny_config import tiny
from tests.training.cuda.plain_ctc import plain_ctc_losses
from tests.training.step_cases import ALPHABET, VARIED_SETTINGS, ragged_samples, some_samples

META = torch.device("meta")
# torch computes the shapes of this device in Python, for a recurrent head frame by frame.
IMAGE = ImageSpec(24, 20)


@pytest.fixture(autouse=True)
def operators(monkeypatch):
    """Let optimizers and clipping take meta tensors for those of a GPU."""
    # torch removes the names of these modules from their package.
    for name in ("torch.optim.adam", "torch.optim.adamw"):
        module = importlib.import_module(name)
        monkeypatch.setattr(module, "_device_dtype_check_for_fused", lambda *_: None, raising=False)
    for name in ("get_total_norm", "clip_grads_with_norm_"):
        plain = getattr(torch.nn.utils, name)
        monkeypatch.setattr(torch.nn.utils, name, lambda *args, plain=plain, foreach: plain(*args))
    library = torch.library.Library("aten", "IMPL", "Meta")
    library.impl("_fused_adamw_.tensor_lr", lambda *args, **keywords: None)
    yield
    library._destroy()


def make_graph(registry, notices, *, samples=None, image=IMAGE, **settings):
    config = tiny(amp=False, **settings)
    recipe = Recipe(registry, config)
    model = build_recognizer(recipe, image, ALPHABET)
    samples = samples or some_samples(image=image)
    images = samples.images_NCHW
    part = dataclasses.replace(
        split.make_split(samples, ALPHABET, META),
        images_NCHW=RaggedTensor(images, META) if image.variable else torch.from_numpy(images).to(META),
    ).with_buckets(config.batch_size, exact=bool(model.unmasked))
    state = step.new_state(recipe, model.train(), Compute(META, None), steps=10)
    if recipe.alignment == "ctc":
        state.objective = dataclasses.replace(state.objective, obstacle="", ctc_losses=plain_ctc_losses)
    graph = StepGraph(state, part, config, notices.append, lambda body: body)
    if not graph.obstacle:
        # The first step, which creates the state of the optimizer.
        graph._compute(state, graph._width(0), False)
    state.step = 2  # a full batch
    return graph


@pytest.mark.parametrize("settings", VARIED_SETTINGS, ids=str)
def test_the_body_of_a_graph_needs_no_value_and_no_tensor_of_the_host(registry, settings):
    notices = []
    metrics = make_graph(registry, notices, **settings).step()
    assert notices == []
    assert {metrics.loss.device, metrics.all_blank.device, metrics.grad_norm.device} == {META}


def test_a_tensor_on_the_cpu_is_noticed(registry):
    notices = []
    graph = make_graph(registry, notices)
    factor = torch.tensor(2.0)
    graph._state.model.head.register_forward_hook(lambda module, x, y: y * factor)
    assert graph.step() is None
    (notice,) = notices
    assert "head 'bigru1:width=8,dropout=0.1' computes with a tensor on the CPU" in notice


def unmasked(image):
    """Return a backbone that does not take widths."""
    return nn.Sequential(nn.Conv2d(image.channels, 4, 5, stride=2), nn.ReLU())


@pytest.mark.parametrize("backbone", ["unmasked", "cnn2:width=4"])
@pytest.mark.parametrize("head", ["none", "bigru1:width=4"])
def test_images_of_several_widths_need_no_value_of_the_host(registry, backbone, head):
    mine = Plugin("mine", "ctcbench-mine", "1", "mine", components=(Component("backbone", unmasked),))
    notices, given = [], {"samples": ragged_samples([20] * 6 + [12] * 6), "batch_size": 3}
    graph = make_graph(
        Registry((*registry.plugins, mine)),
        notices,
        image=ImageSpec(24, 20, variable=True),
        backbone=backbone,
        head=head,
        **given,
    )
    assert graph.step().loss.device == META
    assert notices == []
