"""The benchmarks measure what they say; that they are fast enough is not for a test to say."""

import functools
import json

import numpy as np
import pytest
import torch

from ctcbench.__main__ import main
from ctcbench.benchmarks import data_memory, floor, seeds_at_once, train_step
from ctcbench.config.recipe import resolve
from ctcbench.data.built_dataset import build_dataset
from ctcbench.pipeline.run_context import draw
from ctcbench.training import device
from ctcbench.training.recognizer.spec_sheet import spec_sheet
from ctcbench.training.runtime import Runtime
from tests import forked_python
from tests.study.study_cases import in_process
from tests.tiny_config import TINY, tiny

# The rates of this machine are measured once: that takes longer than the steps of these tests.
RATES = {
    name: functools.cache(getattr(floor, name)) for name in ("matrix_rate", "memory_rate", "launch_seconds")
}


@pytest.fixture(autouse=True)
def rates(monkeypatch):
    for name, measured_once in RATES.items():
        monkeypatch.setattr(floor, name, measured_once)


def test_the_parts_of_a_step_add_up(registry, own_cache):
    times = train_step.measure(registry, tiny(), Runtime(), steps=4, warm_up=1)
    assert len(times.total_ms) == 4
    for number, total in enumerate(times.total_ms):
        parts = {name: times.parts_ms[name][number] for name in train_step.PARTS}
        assert all(parts[name] > 0 for name in (*train_step.WORK, "data"))
        assert parts["other"] >= 0, "a part was counted twice"
        assert sum(parts.values()) == pytest.approx(total)


@pytest.mark.parametrize(
    ("batch_size", "images"), [(64, 64), (100, 70)]
)  # 70 images: the last batch of an epoch is smaller, or there is no full one
def test_each_measured_step_has_the_reported_number_of_images(
    registry, own_cache, monkeypatch, batch_size, images
):
    seen = []

    def spy(state, batch, config):
        seen.append(len(batch.images_NCHW))
        return real(state, batch, config)

    real = train_step.step.train_step
    monkeypatch.setattr(train_step.step, "train_step", spy)
    times = train_step.measure(registry, tiny(batch_size=batch_size), Runtime(), steps=5, warm_up=1)
    assert times.batch_size == images
    assert set(seen) == {images}
    assert times.floor.flops == 3 * images * spec_sheet(resolve(registry, tiny())).flops


def test_the_share_of_the_peak_is_of_this_devices_products(registry, own_cache):
    times = train_step.measure(registry, tiny(), Runtime(), steps=3, warm_up=1)
    sheet = spec_sheet(resolve(registry, tiny()))
    assert times.floor.flops == 3 * 16 * sheet.flops
    assert times.floor.flops_per_second > 1e8
    assert 0 < times.share_of_peak(min(times.total_ms)) < 1
    assert times.share_of_peak(10.0) == pytest.approx(2 * times.share_of_peak(20.0))


def test_the_floor_counts_traffic_launches_and_saved_bytes():
    left = torch.ones(8, 4, requires_grad=True)
    right = torch.ones(4, 2)
    other = torch.ones(1, 2).expand(8, 2)

    def step():
        product = left @ right  # 128 + 32 + 64 bytes; keeps right, 32 bytes, for the gradient of left
        (product + other).T.sum().backward()  # 64 + 8 + 64, 64 + 4; backward: 4 + 4, 4 + 32 + 128

    compute = device.choose_compute(tiny(device="cpu", amp=False))
    found = floor.find_floor(step, [left], 3 * 128, compute)
    assert found.saved_bytes == 32
    assert found.operators == 5
    assert found.traffic_bytes == 224 + 136 + 68 + 8 + 164
    longest = found.milliseconds()
    assert longest["arithmetic"] == pytest.approx(1000 * 384 / found.flops_per_second)
    assert longest["launches"] == pytest.approx(1000 * 5 * found.launch_seconds)


def test_operators_of_a_function_that_is_uncounted_are_not_counted():
    def double(values):
        assert torch.utils._python_dispatch._get_current_dispatch_mode() is None
        return values * 2

    compute, one = device.Compute(torch.device("cpu"), None), torch.ones(3)
    found = floor.find_floor(lambda: floor.uncounted(double)(one + 1), [], 0, compute)
    assert found.operators == 1


def test_mapped_images_are_no_private_memory(registry, own_cache):
    samples = draw(build_dataset(registry, tiny().dataset), tiny(), Runtime(), "train")
    cost = data_memory.measure(samples)
    assert cost.images == 70
    assert cost.file_mib == pytest.approx(70 * 24 * 60 / 2**20)
    assert len(cost.batch_us) == 3


def test_images_copied_into_memory_are_detected(registry, own_cache):
    """The benchmark must be able to say no: a source that copies on reading does show."""
    samples = draw(build_dataset(registry, tiny().dataset), tiny(), Runtime(), "train")
    kept = []

    class Copying:
        nbytes = 64 * 2**20

        def __getitem__(self, key):
            kept.append(np.ones(40 * 2**20, np.uint8))  # too large for memory that was freed before

    object.__setattr__(samples, "images_NCHW", Copying())
    assert data_memory.measure(samples).private_mib > 20


@pytest.mark.parametrize("command", [["train", "--steps", "3"], ["data"]])
def test_the_commands_print_json(own_cache, capsys, command):
    flags = [
        part
        for name, value in TINY.items()
        if name != "decoder"
        for part in (f"--{name.replace('_', '-')}", str(value))
    ]
    assert main(["bench", *command, *flags, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["batch_size"] in (16, 32)


def test_several_seeds_are_trained_by_each_executor_in_turns(own_cache, capsys, tmp_path):
    settings = {**TINY, "max_steps": 2}
    flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    executors = ["here:workers=1", "here:workers=2"]
    options = [part for text in executors for part in ("--executor", text)]
    with in_process(tmp_path):
        assert main(["bench", "seeds", "--seeds", "2", "--rounds", "1", *options, *flags, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)["executors"]
    assert list(figures) == executors
    assert figures["here:workers=1"]["gain"] == 1
    for figure in figures.values():
        assert figure["seconds"] == figure["lowest"] == figure["highest"]
        assert figure["of_one_seed"] == pytest.approx(figure["seconds"] / figure["alone_seconds"])
        ratio = figure["training_seconds"] / figure["alone_training_seconds"]
        assert figure["training_of_one_seed"] == pytest.approx(ratio)
        assert figure["capture_seconds"] == 0


def test_seeds_at_once_are_compared_where_they_save_time(monkeypatch):
    assert seeds_at_once.default_executors(tiny(device="cpu"), 4) == ["local:workers=1", "local:workers=2"]
    on_gpu = device.Compute(torch.device("cuda"), None)
    monkeypatch.setattr(seeds_at_once, "choose_compute", lambda config: on_gpu)
    for seeds, together in ((4, 4), (50, 32)):
        expected = ["local:workers=1", f"local:workers=1,together={together}"]
        assert seeds_at_once.default_executors(tiny(), seeds) == expected


@pytest.mark.parametrize(
    ("settings", "code", "printed"),
    [
        pytest.param({"max_steps": 2}, 0, '"executors"', marks=pytest.mark.landing),
        ({"lr": 1e9, "clip": 0}, 1, "a training failed: "),
    ],
)
def test_seeds_are_trained_by_worker_processes(own_cache, settings, code, printed):
    settings = {**TINY, "device": "cpu", **settings}
    flags = [part for name, value in settings.items() for part in (f"--{name.replace('_', '-')}", str(value))]
    words = ("--seeds", "2", "--rounds", "1", "--executor", "local:workers=2,threads=1", *flags, "--json")
    ended = forked_python.run("ctcbench", "bench", "seeds", *words)
    assert ended.returncode == code, ended.stderr
    assert printed in (ended.stderr if code else ended.stdout)
