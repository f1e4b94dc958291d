"""What is counted on a GPU, from events as torch's profiler has them; on a GPU: tests/gpu."""

import functools
from types import SimpleNamespace

import pytest
import torch
from torch.autograd import DeviceType

from ctcbench.__main__ import main
from ctcbench.benchmarks import gpu_step
from ctcbench.benchmarks.floor import Floor
from ctcbench.benchmarks.gpu_step import GpuStep, busy_microseconds, count_launches, measure_on_gpu
from ctcbench.benchmarks.train_step import PARTS, StepTimes
from ctcbench.contract.specs import ImageSpec
from ctcbench.training import step
from ctcbench.training.cuda.step_graph import StepGraph
from tests.training.cuda.graph_cases import make_training
from tests.training.cuda.recording_capture import RecordingCapture
from tests.training.step_cases import ALPHABET, IMAGE, ragged_samples


def event(name, start=0, end=0, *, device=DeviceType.CUDA, annotation=False):
    return SimpleNamespace(
        name=name,
        device_type=device,
        time_range=SimpleNamespace(start=start, end=end),
        is_user_annotation=annotation,
    )


def test_time_in_which_kernels_overlap_counts_once():
    events = [
        event("gemm", 30, 40), event("conv", 0, 10), event("copy", 5, 12), event("inner", 6, 8),
        event("host", 12, 30, device=DeviceType.CPU), event("range", 0, 100, annotation=True),
        event("Optimizer.step#Muon.step", 0, 100),
    ]  # fmt: skip
    assert busy_microseconds(events) == 12 + 10
    assert busy_microseconds([]) == 0


def test_a_graph_is_one_launch():
    names = ["cudaLaunchKernel", "cudaLaunchKernel", "cudaGraphLaunch", "cudaMemcpyAsync"]
    names += [
        "cuLaunchKernelEx",
        "cudaLaunchKernelExC_v11060",
        "cudaMemset2DAsync",
        "cuLaunchCooperativeKernel",
    ]
    others = ["aten::add", "cudaStreamSynchronize", "cudaGraphInstantiate", "Memcpy HtoD", "cudaMemcpy"]
    assert count_launches([event(name, device=DeviceType.CPU) for name in names + others]) == len(names)


@pytest.mark.filterwarnings("ignore:CUDA is not available, disabling CUDA profiling")
@pytest.mark.parametrize("by_graph", [False, True])
def test_a_step_is_measured_with_and_without_its_graph(registry, monkeypatch, by_graph):
    """On a CPU, a recorder in place of the capture."""
    state, part, _ = make_training(registry)
    trained, new_state = [], step.new_state

    def with_own_loss(*arguments):
        trained.append(new_state(*arguments))
        trained[0].objective = state.objective  # without a length on the host
        return trained[0]

    monkeypatch.setattr(step, "new_state", with_own_loss)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    capture = RecordingCapture()
    monkeypatch.setattr(gpu_step, "StepGraph", functools.partial(StepGraph, capture=capture))
    found = measure_on_gpu(state.recipe, IMAGE, ALPHABET, part, state.compute, 3, by_graph=by_graph)
    assert found.obstacle == ""
    assert found.step_ms > 0
    assert (found.launches, found.busy_ms) == (0, 0)  # there is no GPU
    assert hasattr(capture, "operators") is by_graph
    # Of an epoch's two batches the second is incomplete, and skipped.
    assert trained[0].step == 2 * (10 + 3 + 10) - 1


@pytest.mark.filterwarnings("ignore:CUDA is not available, disabling CUDA profiling")
def test_of_different_widths_only_full_batches_are_measured(registry, monkeypatch):
    image = ImageSpec(24, 60, variable=True)
    samples = ragged_samples([24 + 6 * (index % 6) for index in range(75)])
    state, part, _ = make_training(registry, samples=samples, image=image, batch_size=8)
    assert len(part.buckets.widths) > 1 and any(size % 8 for size in part.buckets.sizes())
    sizes, train_step = [], step.train_step

    def observed(state, batch, config):
        sizes.append(len(batch.images_NCHW))
        return train_step(state, batch, config)

    monkeypatch.setattr(step, "train_step", observed)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    measure_on_gpu(state.recipe, image, ALPHABET, part, state.compute, 4, by_graph=False)
    # The first step of a training is done, whatever it has, and is not measured.
    assert len(sizes) > 4 and set(sizes[1:]) == {8}


def test_a_table_has_the_step_with_and_without_its_graph(monkeypatch, capsys):
    floor = Floor(64_500_000_000, 10**9, 900, 10**8, 8e14, 4e12, 4e-6)
    parts_ms = {name: [1.0, 2.0, 3.0] for name in PARTS}
    on_gpu = {"plain": GpuStep(14.0, 950.2, 1.3), "graph": GpuStep(12.0, 940.0, 1.2, "the loss of a plugin")}
    times = StepTimes([14.0, 15.0, 16.0], parts_ms, 32, 1000, "NVIDIA H200", "bfloat16", 16, floor, on_gpu)
    monkeypatch.setattr("ctcbench.benchmarks.train_step.measure", lambda *_: times)
    monkeypatch.setenv("COLUMNS", "150")
    assert main(["bench", "train", "--steps", "3"]) == 0
    out = capsys.readouterr().out
    assert "kernel by kernel" in out and "2,286" in out and "950" in out
    assert "as a CUDA graph: not possible, the loss of a plugin" in out
