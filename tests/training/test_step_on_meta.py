"""A step on torch's device without memory, ``meta``, in place of a GPU: what asks it for a value raises.

So does mixing its tensors with the host's. It has neither CTC nor fused kernels; those are stood in for.
"""

import dataclasses

import pytest
import torch

from ctcbench import ImageSpec
from ctcbench.config.recipe import Recipe
from ctcbench.training import split, step
from ctcbench.training.device import Compute
from ctcbench.training.recognizer.network import build_recognizer
from tests.tiny_config import tiny
from tests.training.step_cases import ALPHABET, VARIED_SETTINGS, some_samples

META = torch.device("meta")
# torch computes the shapes of this device in Python, for a recurrent head frame by frame.
IMAGE = ImageSpec(24, 20)


@pytest.fixture(autouse=True)
def kernels(monkeypatch):
    """What ``meta`` lacks. CTC's asks, as that of CUDA does, for the lengths on the host."""

    def ctc(log_probs, targets, input_lengths, target_lengths, blank=0, zero_infinity=False):
        assert targets.device == log_probs.device == META
        assert input_lengths.device.type == target_lengths.device.type == "cpu"
        frames, images, _ = log_probs.shape
        return log_probs.new_empty(images), log_probs.new_empty(images, frames, 2 * targets.shape[1] + 1)

    library = torch.library.Library("aten", "IMPL", "Meta")
    library.impl("_ctc_loss.Tensor", ctc)
    library.impl("_ctc_loss_backward.Tensor", lambda grad, log_probs, *rest: torch.empty_like(log_probs))
    adamw = torch.optim.AdamW
    monkeypatch.setattr(torch.optim, "AdamW", lambda groups, lr, fused: adamw(groups, lr=lr))
    for name in ("get_total_norm", "clip_grads_with_norm_"):
        plain = getattr(torch.nn.utils, name)
        monkeypatch.setattr(torch.nn.utils, name, lambda *args, plain=plain, foreach: plain(*args))
    yield
    library._destroy()


def a_step(registry, **settings):
    config = tiny(amp=False, **settings)
    recipe = Recipe(registry, config)
    model = build_recognizer(recipe, IMAGE, ALPHABET)
    samples = some_samples(image=IMAGE)
    part = dataclasses.replace(
        split.make_split(samples, ALPHABET, META),
        images_NCHW=torch.from_numpy(samples.images_NCHW).to(META),
    )
    state = step.new_state(recipe, model, Compute(META, None), steps=10)
    return step.train_step(state, split.batch_at(part, 0, config), config)


@pytest.mark.parametrize("settings", VARIED_SETTINGS, ids=str)
def test_a_step_neither_waits_for_the_device_nor_leaves_it(registry, settings):
    metrics = a_step(registry, **settings)
    assert {metrics.loss.device, metrics.all_blank.device, metrics.grad_norm.device} == {META}


def test_a_step_that_waits_is_detected(registry, monkeypatch):
    monkeypatch.setattr(step, "penalised", lambda logits, penalty: logits / logits.max().item())
    with pytest.raises(RuntimeError, match="meta"):
        a_step(registry)
