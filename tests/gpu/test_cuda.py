"""What only a CUDA device can show; `make test-gpu` runs these."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ctcbench import Alphabet, ImageSpec
from ctcbench.config.recipe import Recipe, resolve
from ctcbench.contract.repeated_images import RepeatedImages
from ctcbench.pipeline import runner
from ctcbench.results.run_folder import RunFolder
from ctcbench.training import device, monitor, split
from ctcbench.training.recognizer.network import build_recognizer
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny
from tests.training.step_cases import some_samples

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]


def values(result):
    return RunFolder(result.folder).read_log_probs("test").values_NTK


@pytest.mark.parametrize(
    ("settings", "precision"),
    [
        ({"amp": False}, "float32"),
        ({"amp": True, "amp_dtype": "bfloat16"}, "bfloat16"),
        ({"amp": True, "amp_dtype": "float16"}, "float16"),
    ],
)
def test_trains_in_every_precision(registry, tmp_path, settings, precision):
    result = runner.run(resolve(registry, tiny(device="cuda", epochs=4, **settings)), Runtime(tmp_path))
    training = result.provenance["training"]
    assert (training["device"], training["precision"]) == ("cuda", precision)
    assert "cuda" in training["ctc_backend"]
    assert result.provenance["host"]["gpu"] == torch.cuda.get_device_name()
    assert np.isfinite(values(result)).all()
    losses = [r["loss"] for r in RunFolder(result.folder).read_metrics() if r["kind"] == "epoch"]
    assert losses[-1] < losses[0]


def test_deterministic_gives_the_same_bits(registry, tmp_path):
    config = tiny(device="cuda", deterministic=True)
    first, again = (values(runner.run(resolve(registry, config), Runtime(tmp_path / name))) for name in "ab")
    assert np.array_equal(first, again)
    assert np.isfinite(first).all()


def test_cpu_and_gpu_agree_in_float32(registry, tmp_path):
    settings = {"amp": False, "backbone": "cnn3:width=4", "head": "bigru1:width=8", "optimizer": "adamw"}

    def read(device, steps):
        config = tiny(device=device, max_steps=steps, **settings)
        return np.exp(values(runner.run(resolve(registry, config), Runtime(tmp_path / f"{device}{steps}"))))

    cpu = read("cpu", 2)
    assert np.abs(cpu - read("cuda", 2)).max() < 0.1 * np.abs(cpu - read("cpu", 1)).max()


def test_recurrent_heads_are_computed_in_float32_where_the_rest_is_bfloat16(registry):
    # Mixed precision would take float16 for cuDNN's, and nothing would scale the gradients.
    config = tiny(device="cuda", amp=True, amp_dtype="bfloat16", head="bilstm2:width=8")
    compute = device.choose_compute(config)
    model = build_recognizer(Recipe(registry, config), ImageSpec(24, 60), Alphabet("0123456789"))
    model.to(compute.device)
    seen = {}
    for name in ("backbone", "head", "classifier"):
        getattr(model, name).register_forward_hook(lambda m, x, y, name=name: seen.update({name: y.dtype}))
    with compute.autocast():
        model(torch.zeros(2, 1, 24, 60, dtype=torch.uint8, device="cuda"))
    assert seen["head"] is torch.float32
    assert seen["classifier"] is torch.bfloat16


def test_a_run_can_be_resumed_on_the_gpu(registry, tmp_path, monkeypatch):
    import os
    import signal

    from ctcbench.processes.signals import Interrupted
    from ctcbench.training import loop, step

    def interrupting(state, batch, config):
        if state.step == 4:  # an epoch's smaller last batch, which no graph contains
            os.kill(os.getpid(), signal.SIGINT)
        return step.train_step(state, batch, config)

    config = tiny(device="cuda", amp=True, amp_dtype="float16")
    monkeypatch.setattr(loop, "train_step", interrupting)
    with pytest.raises(Interrupted):
        runner.run(resolve(registry, config), Runtime(tmp_path))
    monkeypatch.undo()
    assert runner.run(resolve(registry, config), Runtime(tmp_path, resume=True)).score.images == 12


@pytest.mark.parametrize("accumulate", [1, 2])
def test_compiled_to_cuda_graphs_it_learns_the_same(registry, tmp_path, monkeypatch, accumulate):
    """Gradients of parts are added up without graphs, whose replays would overwrite them."""
    monkeypatch.setattr(monitor, "RECORD_EVERY", 1)
    settings = {"amp": False, "backbone": "cnn3:width=4", "head": "bigru1:width=8", "device": "cuda"}
    settings |= {"accumulate": accumulate}
    losses, played = [], []
    replay = torch.cuda.CUDAGraph.replay
    monkeypatch.setattr(torch.cuda.CUDAGraph, "replay", lambda graph: (played.append(graph), replay(graph)))
    for how in (False, True):
        # Without the graph of the step, of which the compiled network would be a part.
        runtime = Runtime(tmp_path / str(how), graph=False)
        result = runner.run(resolve(registry, tiny(**settings, compile=how)), runtime)
        rows = RunFolder(result.folder).read_metrics()
        losses.append([row["loss"] for row in rows if row["kind"] == "steps"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)
    assert losses[1] != losses[0]
    assert bool(played) is (accumulate == 1), "CUDA graphs were played back for parts, or for none"


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("repeated", [False, True])
def test_batches_on_the_gpu_have_the_rows_and_the_direction_of_those_on_the_cpu(direction, repeated):
    samples = some_samples()
    samples = replace(samples, widths_N=np.arange(20, 40, dtype=np.int32))
    if repeated:
        images_NCHW = RepeatedImages(samples.images_NCHW[:6], np.arange(20, dtype=np.int32) % 6)
        samples = replace(samples, images_NCHW=images_NCHW)
    alphabet = Alphabet("0123456789", direction)
    kept_N, indices_N = np.array([0, 3, 7, 19]), np.array([3, 1])
    there, here = (
        split.make_split(samples, alphabet, torch.device(name), kept_N).batch(indices_N)
        for name in ("cuda", "cpu")
    )
    assert there.images_NCHW.is_cuda
    assert torch.equal(there.images_NCHW.cpu(), here.images_NCHW)
    assert torch.equal(there.targets_NL.cpu(), here.targets_NL)
    assert torch.equal(there.widths_N, here.widths_N)
