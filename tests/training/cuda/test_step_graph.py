"""The step as a graph trains as the step itself does; the graph is a recording of a CPU's operators."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from ctcbench import Alphabet, ImageSpec
from ctcbench.training import step
from ctcbench.training.checkpoint import format_checkpoint, restore_checkpoint
from ctcbench.training.cuda.step_graph import StepGraph
from ctcbench.training.schedule import learning_rate
from tests.training.cuda.graph_cases import make_graph, make_training, train, weights
from tests.training.step_cases import ragged_samples, some_samples

CASES = [
    {},
    {"backbone": "cnn5:width=8", "head": "none", "blank_penalty": 2.0, "clip": 0.05},
    {"backbone": "cnn7:width=4,dropout=0.1", "head": "none", "optimizer": "adamw", "ema": 0.9},
    {"augmentation": "distort", "augment_until": 0.5, "head": "bigru1:width=8", "shortcut": "aux"},
    {"head": "slots:count=3", "shortcut": "none", "loss": "slots:label_smoothing=0.1", "decoder": "slots"},
    {"loss": "ctc:label_smoothing=0.3,entropy=0.1", "clip": 0.0, "scaler": True},
    {"accumulate": 3, "ema": 0.7, "scaler": True, "blank_penalty": 2.0, "augmentation": "distort"},
]
# Combinations of the settings above, and of backbones and heads that the tests on the meta device cover.
MORE_CASES = [
    {"backbone": "cnn3:width=4,dropout=0.2", "head": "bilstm2:width=8,dropout=0.1", "ema": 0.7},
    {"optimizer": "adamw", "scaler": True, "deterministic": True},
]
LANDING = [pytest.param(case, marks=pytest.mark.landing) for case in MORE_CASES]


def require_close(one, other, tolerance=2e-4):
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=tolerance, atol=tolerance, msg=name)


@pytest.mark.parametrize("settings", [*CASES, *LANDING], ids=str)
def test_the_graph_trains_as_the_step_does(registry, monkeypatch, settings):
    # Rates that float32, in which a graph reads them, holds exactly: training amplifies any rounding.
    monkeypatch.setattr(step, "learning_rate", lambda *given: float(np.float16(learning_rate(*given))))
    plain, called, graphed = (make_training(registry, **settings) for _ in range(3))
    notices = []
    expected, _ = train(*plain)
    # The same inputs as tensors, but the body is called again in each step.
    by_call, _ = train(*called, graph=StepGraph(*called, notices.append, lambda body: body))
    metrics, by_graph = train(*graphed, graph=make_graph(*graphed, notices))
    assert notices == []
    # Batches of 16 and of 4 images in turn; the first step is computed without the graph.
    assert by_graph == [2, 4, 6]
    assert metrics == by_call
    for one, other in zip(weights(graphed[0]).values(), weights(called[0]).values(), strict=True):
        assert torch.equal(one, other)
    assert metrics == expected


def test_a_value_that_is_baked_in_would_be_noticed(registry, monkeypatch):
    """The control of the tests above: with a rate of Python, weights differ."""
    plain, graphed, notices = make_training(registry), make_training(registry), []
    train(*plain)
    graph = make_graph(*graphed, notices)
    for group in graphed[0].optimizer.param_groups:
        group["lr"] = 1e-4
    train(*graphed, graph=graph)
    with pytest.raises(AssertionError):
        require_close(weights(graphed[0]), weights(plain[0]))


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("padded", [False, True])
def test_mirrored_and_padded_images_are_those_of_the_step(registry, direction, padded):
    samples = some_samples()
    if padded:
        samples = replace(samples, widths_N=np.arange(40, 60, dtype=np.int32))
    cases = [
        make_training(registry, samples=samples, alphabet=Alphabet("0123456789", direction)) for _ in "ab"
    ]
    expected, _ = train(*cases[0])
    losses, by_graph = train(*cases[1], graph=make_graph(*cases[1], []))
    assert by_graph
    assert np.allclose(losses, expected, rtol=2e-3, atol=2e-4)


VARIABLE = ImageSpec(24, 60, variable=True)
WIDTHS = [12, 14, 13, 30, 31, 29, 50, 60, 58, 55, 20, 21] * 2


@pytest.mark.parametrize(
    "settings",
    [
        {"head": "none", "shortcut": "none"},
        pytest.param({"backbone": "cnn5:width=8", "head": "bilstm1:width=8"}, marks=pytest.mark.landing),
    ],
    ids=str,
)
def test_images_of_different_widths_have_a_graph_for_each_width_of_a_batch(registry, settings):
    given = {**settings, "samples": ragged_samples(WIDTHS), "image": VARIABLE, "batch_size": 3, "steps": 12}
    plain, graphed = (make_training(registry, **given) for _ in "ab")
    assert len(plain[1].buckets.widths) == 2
    expected, _ = train(*plain)
    graph, notices = make_graph(*graphed, []), []
    losses, by_graph = train(*graphed, graph=graph)
    assert notices == []
    assert len(by_graph) > 8
    assert {width for width, _ in graph._replays} == set(plain[1].buckets.widths)
    assert np.allclose(losses[:6], expected[:6], rtol=2e-3, atol=2e-4)


def test_a_backbone_that_needs_batches_of_equal_width_has_no_graph_for_many_widths(registry):
    notices = []
    state, part, config = make_training(registry, samples=ragged_samples(WIDTHS), image=VARIABLE)
    state.model.unmasked = ("backbone",)
    make_graph(state, replace(part, buckets=None).with_buckets(2, exact=True), config, notices)
    (notice,) = notices
    assert (
        "backbone 'cnn3:width=4,dropout=0.1' needs batches of equal width, and the images have 12" in notice
    )


def test_a_capture_leaves_no_trace(registry):
    state, part, config = make_training(
        registry, ema=0.9, scaler=True, augmentation="distort", backbone="cnn3:width=4,dropout=0.2"
    )
    graph, waits = make_graph(state, part, config, []), []
    for number in range(4):  # two batches that are tried, a full one that is captured, one of a known size
        before, random = format_checkpoint(state, {}, {}), torch.get_rng_state()
        assert (graph.prepare(lambda: waits.append(1)) > 0) is (number < 3)
        assert format_checkpoint(state, {}, {}) == before
        assert torch.equal(torch.get_rng_state(), random)
        assert len(waits) == min(number + 1, 3)
        assert graph.prepare() == 0.0
        if graph.step() is None:
            train_step_once(state, part, config)


def test_a_step_whose_trial_fails_raises_the_error_itself(registry, monkeypatch):
    state, part, config = make_training(registry)
    before = format_checkpoint(state, {}, {})
    monkeypatch.setattr(step, "clip_gradients", lambda *_: 1 / 0)
    graph = make_graph(state, part, config, [])
    assert graph.step() is None
    assert format_checkpoint(state, {}, {}) == before
    assert graph.obstacle == ""
    with pytest.raises(ZeroDivisionError):
        train_step_once(state, part, config)


def train_step_once(state, part, config):
    from ctcbench.training.split import batch_at
    from ctcbench.training.step import train_step

    train_step(state, batch_at(part, state.step, config), config)


@pytest.mark.parametrize(
    "settings",
    [{"ema": 0.9, "augmentation": "distort"}, pytest.param({"scaler": True}, marks=pytest.mark.landing)],
    ids=str,
)
def test_a_resumed_training_ends_as_one_that_was_not_stopped(registry, tmp_path, settings):
    whole = make_training(registry, **settings)
    train(*whole, graph=make_graph(*whole, []))
    first = make_training(registry, **settings)
    graph = make_graph(*first, [])
    while first[0].step < 6:
        if graph.step() is None:
            train_step_once(*first)
    stored = format_checkpoint(first[0], {}, {})
    resumed = make_training(registry, **settings)
    graph = make_graph(*resumed, [])
    restore_checkpoint(stored, tmp_path, resumed[0])
    assert graph.prepare() > 0
    train(*resumed, graph=graph)
    require_close(weights(resumed[0]), weights(whole[0]), 1e-6)


def test_a_split_of_less_than_a_batch_is_captured_too(registry):
    cases = [make_training(registry, samples=some_samples(count=9)) for _ in "ab"]
    expected, _ = train(*cases[0])
    losses, by_graph = train(*cases[1], graph=make_graph(*cases[1], []))
    assert by_graph == list(range(1, 8))
    assert np.allclose(losses, expected, rtol=2e-3, atol=2e-4)


def test_without_augmentation_one_graph_is_enough(registry):
    state, part, config = make_training(registry, augmentation="none", augment_until=0.5)
    graph = make_graph(state, part, config, [])
    train(state, part, config, graph=graph)
    assert len({id(replay) for replay in graph._replays.values()}) == 1
    state, part, config = make_training(registry, augmentation="distort", augment_until=0.5)
    graph = make_graph(state, part, config, [])
    train(state, part, config, graph=graph)
    assert len({id(replay) for replay in graph._replays.values()}) == 2


def ended_after(error):
    """Return the error of a capture's end after `error`, as Python raises it."""
    end = RuntimeError("operation failed due to a previous error during capture")
    end.__context__ = error
    return end


FAILURES = [
    (ended_after(ValueError("no")), "the capture failed: ValueError: no"),
    (RuntimeError("not permitted\nmore"), "the capture failed: RuntimeError: not permitted"),
    (
        torch.OutOfMemoryError("CUDA out of memory"),
        "out of GPU memory with --batch-size 16; a smaller --batch-size leaves room for a graph, and "
        "--no-graph does without one",
    ),
]


@pytest.mark.parametrize(("error", "message"), FAILURES)
def test_a_capture_that_fails_leaves_no_trace_and_training_continues(registry, error, message):
    plain, graphed, notices = make_training(registry), make_training(registry), []
    expected, _ = train(*plain)
    graph = make_graph(*graphed, notices)

    def failing(body):
        body()
        raise error

    graph._capture_body = failing
    losses, by_graph = train(*graphed, graph=graph)
    assert notices == [f"the training step is not captured as a CUDA graph, and takes longer: {message}"]
    assert by_graph == []
    assert np.allclose(losses, expected, rtol=2e-3, atol=2e-4)
    require_close(weights(graphed[0]), weights(plain[0]))


def test_an_overflow_in_float16_is_skipped_within_the_graph(registry):
    state, part, config = make_training(registry, scaler=True)
    graph = make_graph(state, part, config, [])
    train_step_once(state, part, config)
    train_step_once(state, part, config)
    graph.prepare()
    before = copy.deepcopy(state.model.state_dict())
    state.scaler._scale.fill_(torch.finfo(torch.float32).max)
    assert graph.step() is not None
    for name, parameter in state.model.named_parameters():
        assert torch.equal(parameter, before[name]), name
    assert state.scaler.get_scale() == pytest.approx(torch.finfo(torch.float32).max / 2)
