"""`--graph`: refused on a CPU; a run by graphs, where a recording of a CPU's operators stands in for CUDA."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ctcbench.config.budget import make_budget
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import UsageError
from ctcbench.pipeline import run_context, runner
from ctcbench.processes.signals import Interrupted
from ctcbench.results.run_folder import RunFolder
from ctcbench.training import device, loop
from ctcbench.training.cuda.step_graph import StepGraph
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener, interrupt_at
from tests.tiny_config import tiny
from tests.training.cuda.recording_capture import RecordingCapture

# Torch's CTC on a CPU reads lengths on the host; this loss does not.
SLOTS = {
    "amp": False, "device": "cpu", "loss": "slots", "decoder": "slots", "shortcut": "none",
    "head": "slots:count=2", "epochs": 3,
}  # fmt: skip


@pytest.fixture
def on_cpu(monkeypatch):
    """Let runs on a CPU use a graph."""

    def graph(state, split, config, notice, search):
        whole = replace(split, images_NCHW=torch.from_numpy(np.array(split.images_NCHW)))
        return StepGraph(state, whole, config, notice, RecordingCapture(), search)

    monkeypatch.setattr(loop, "StepGraph", graph)
    monkeypatch.setattr(run_context, "choose_device", lambda config, *_: device.choose_compute(config))


def start(registry, out, graph, resume=False, **settings):
    listener = Listener()
    runtime = Runtime(out, graph=graph, resume=resume, listener=listener)
    return runner.run(resolve(registry, tiny(**SLOTS, **settings)), runtime), listener


def epochs(result):
    rows = RunFolder(result.folder).read_metrics()
    return [(row["loss"], row["val_loss"], row["lr"]) for row in rows if row["kind"] == "epoch"]


def test_a_graph_on_a_cpu_is_an_error_before_anything_is_drawn(registry, tmp_path):
    with pytest.raises(UsageError, match=r"--graph: .* on a CUDA device only, and this run is on cpu"):
        start(registry, tmp_path, True)
    assert not list(tmp_path.iterdir())


def test_a_graph_on_a_cpu_is_an_error_before_a_budget_is_spent(registry, tmp_path, monkeypatch):
    monkeypatch.setattr(run_context, "fit_to_budget", None)
    runtime = Runtime(tmp_path, graph=True, budget=make_budget("60s", []))
    with pytest.raises(UsageError, match=r"--graph: .* on a CUDA device only"):
        runner.run(resolve(registry, tiny(device="cpu")), runtime)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("graph", [None, False])
def test_a_run_on_a_cpu_uses_no_graph(registry, tmp_path, graph):
    result, listener = start(registry, tmp_path, graph)
    assert result.provenance["training"]["step_graph"] is False
    assert listener.notices == []


def test_a_run_by_graphs_learns_the_same(registry, tmp_path, on_cpu):
    plain, _ = start(registry, tmp_path / "plain", False)
    by_graph, listener = start(registry, tmp_path / "graph", True)
    assert listener.notices == []
    training = by_graph.provenance["training"]
    assert training["step_graph"] is True
    assert training["capture_seconds"] > 0
    assert plain.provenance["training"]["capture_seconds"] == 0
    assert np.allclose(epochs(by_graph), epochs(plain), rtol=1e-3)
    # The key of a run does not depend on how it is carried out.
    assert by_graph.folder.name == plain.folder.name


def test_a_run_that_is_resumed_without_its_graph_says_so(registry, tmp_path, on_cpu, monkeypatch):
    for graph, notices in ((True, 1), (False, 2)):
        with monkeypatch.context() as patch:
            interrupt_at(patch, 5)  # a batch that is smaller than the others
            with pytest.raises(Interrupted):
                start(registry, tmp_path / str(graph), True)
        _, listener = start(registry, tmp_path / str(graph), graph, resume=True)
        assert len(listener.notices) == notices
    assert listener.notices[0].startswith(
        "started on cpu in float32, the step as a CUDA graph, resumed on cpu in float32: "
    )


def test_a_step_that_cannot_be_captured_is_one_notice(registry, tmp_path, on_cpu):
    result, listener = start(registry, tmp_path, True)
    ctc = tiny(amp=False, device="cpu")
    result = runner.run(resolve(registry, ctc), Runtime(tmp_path, graph=True, listener=listener))
    assert result.provenance["training"]["step_graph"] is False
    (notice,) = listener.notices
    assert notice.startswith("the training step is not captured as a CUDA graph")
    assert notice.endswith("has no kernel here: there is none for cpu")
