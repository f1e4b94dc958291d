"""Steps, batch norm and messages of two processes, compared with those of one process."""

import re

import pytest
import torch
from safetensors.torch import load_file

import ctcbench
from ctcbench.__main__ import main
from ctcbench.cli.commands.run import resume_command
from ctcbench.contract.errors import UsageError
from ctcbench.processes.signals import Interrupted
from ctcbench.training import device
from ctcbench.training.distributed import process_rank
from ctcbench.training.distributed.process_rank import ProcessRank, read_process_rank
from ctcbench.training.distributed.torch_process_group import TorchProcessGroup
from ctcbench.training.step import step_seed
from tests.training.distributed.torchrun_cases import CHECKS, forked_torchrun

SECOND = {
    "RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2",
    "MASTER_ADDR": "localhost", "MASTER_PORT": "1",
}  # fmt: skip
NORMS = ["2d", "of-rows", "1d", "bfloat16", "plain-mean", "no-weights", "untracked", "far-from-zero"]
STEPS = [
    "default", "aux", "no-shortcut", "averaged", "unclipped", "group-norm", "smoothed", "deterministic",
    "one-image-left", "own-head", "muon", "in-parts", "variable",
]  # fmt: skip


@pytest.fixture(scope="module")
def checked(tmp_path_factory, own_cache):
    """Return the tensors that two_process_checks.py computed, by rank."""
    folder = tmp_path_factory.mktemp("checks")
    done = forked_torchrun(CHECKS, folder)
    assert done.returncode == 0, done.stderr
    return [load_file(folder / f"{rank}.safetensors") for rank in (0, 1)]


def pairs(checked, name):
    for rank, found in enumerate(checked):
        keys = [
            key.removesuffix("/ours") for key in found if key.startswith(f"{name}/") and key.endswith("/ours")
        ]
        assert keys
        for key in keys:
            yield f"{key} of process {rank}", found[f"{key}/ours"], found[f"{key}/theirs"]


@pytest.mark.parametrize("name", NORMS)
def test_batch_norm_over_unequal_parts_is_that_of_the_whole_batch(checked, name):
    """Outputs, the gradients of input, weight and bias, running statistics, and evaluation."""
    # bfloat16 has 8 bits; a mean of 1000 costs float32 ten of its 24.
    atol, rtol = {"bfloat16": (0.05, 0.02), "far-from-zero": (2e-3, 1e-3)}.get(name, (3e-6, 1e-5))
    for key, ours, theirs in pairs(checked, name):
        assert torch.allclose(ours, theirs, atol=atol, rtol=rtol), key


@pytest.mark.parametrize("name", STEPS)
def test_losses_gradients_and_weights_are_those_of_one_process(checked, name):
    """They differ by rounding only, of which a training with reversed batches shows how large it is here.

    How far rounding grows in some steps depends on the instruction set: AdamW and Muon amplify small
    gradients. So weights may also differ by a hundredth of the distance that training moved them.
    """
    main = checked[0]
    keys = [key.removesuffix("/ours") for key in main if key.startswith(f"{name}/") and key.endswith("/ours")]
    assert keys
    for key in keys:
        theirs, turned = main[f"{key}/theirs"].double(), main[f"{key}/reversed"].double()
        for rank, found in enumerate(checked):
            ours = found[f"{key}/ours"].double()
            if key.endswith("/images"):
                assert (ours < theirs).any()
                continue
            rounding = (turned - theirs).abs().max() + 1e-6 * theirs.abs().max()
            bound = 20 * rounding + 1e-7
            if weights := re.fullmatch(rf"{name}/(?:state|ema\.module|moved)\.(.+)", key):
                bound += 1e-2 * main[f"{name}/moved.{weights[1]}/theirs"].double().abs().max()
            # Each process has a copy of the one image, and the unbiased variance counts its pixels twice.
            if name == "one-image-left" and "running_var" in key:
                bound += 1e-2 * theirs.abs().max()
            assert (ours - theirs).abs().max() <= bound, f"{key} of rank {rank}"


def test_parts_are_unequal_and_make_up_the_batch(checked):
    first, second = (found["default/images/ours"] for found in checked)
    assert (first + second).tolist() == checked[0]["default/images/theirs"].tolist() == [15, 5] * 2
    assert (first != second).all()
    # A batch of one image: both processes have it, each with half of its loss.
    assert checked[1]["one-image-left/images/ours"].tolist() == [8, 1] * 2


def test_all_processes_end_with_the_same_bits(checked):
    for key in checked[0]:
        if key.startswith(("default/", "averaged/")) and "/images" not in key and key.endswith("/ours"):
            assert torch.equal(checked[0][key], checked[1][key]), key


def test_dropout_is_repeatable_and_differs_between_processes(checked):
    assert torch.equal(checked[0]["dropped/0"], checked[0]["dropped/1"])
    assert torch.equal(checked[0]["dropped/0"], checked[1]["dropped/0"])
    first, second = (found["drawn/0"] for found in checked)
    assert torch.equal(first, checked[0]["drawn/1"])
    assert (first != second).all()


def test_each_process_and_step_has_dropout_of_its_own():
    seeds = {step_seed(seed, step, rank) for seed in range(3) for step in range(50) for rank in range(8)}
    assert len(seeds) == 3 * 50 * 8
    assert step_seed(5, 7, 0) == step_seed(5, 7)


@pytest.mark.parametrize(("count", "size"), [(16, 2), (15, 2), (7, 3), (3, 3), (2, 3), (1, 8), (65, 8)])
def test_the_weighted_mean_of_the_parts_is_the_mean(count, size):
    import numpy as np

    values = np.random.default_rng(count).normal(size=count)
    total, seen = 0.0, []
    for rank in range(size):
        own, weight = TorchProcessGroup(ProcessRank(rank, size, rank, size), "gloo").shard(np.arange(count))
        assert 0 < len(own) <= -(-count // size) or count < size
        total += weight * values[own].mean() / size
        seen += own.tolist()
    assert total == pytest.approx(values.mean(), rel=1e-12)
    assert sorted(seen) == list(range(count)) if count >= size else set(seen) == set(range(count))


def test_the_rank_is_read_from_the_environment():
    assert read_process_rank({}) == read_process_rank({"WORLD_SIZE": "1", "RANK": "0"}) == ProcessRank()
    assert read_process_rank({"WORLD_SIZE": "4"}) == ProcessRank()  # left by some other launcher
    assert read_process_rank(SECOND) == ProcessRank(1, 2, 1, 2)
    assert not read_process_rank(SECOND).is_main
    second_machine = read_process_rank(SECOND | {"RANK": "2", "WORLD_SIZE": "4", "LOCAL_RANK": "0"})
    assert second_machine.is_local_main
    assert not second_machine.is_main


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"LOCAL_RANK": None},
            "WORLD_SIZE=2 without LOCAL_RANK: start the processes of one training by torchrun",
        ),
        ({"MASTER_ADDR": None}, "without MASTER_ADDR"),
        ({"WORLD_SIZE": "two"}, "invalid literal.*torchrun sets them"),
        ({"RANK": "2"}, "rank 2 of 2 processes, local rank 1 of 2: not possible"),
        ({"LOCAL_WORLD_SIZE": "3"}, "local rank 1 of 3: not possible"),
    ],
)
def test_an_impossible_environment_is_an_error(changed, message):
    environment = {k: v for k, v in (SECOND | changed).items() if v is not None}
    with pytest.raises(UsageError, match=message):
        read_process_rank(environment)


def alone(monkeypatch, **changed):
    for name, value in (SECOND | changed).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(process_rank, "_EXTERNAL_ERROR_SECONDS", 0.01)
    monkeypatch.setattr(process_rank, "_OWN_ERROR_SECONDS", 0.01)


@pytest.mark.parametrize("command", [["ablate", "--head", "lstm1"], ["report", "runs"], ["plugins"]])
def test_other_commands_refuse_to_run_under_torchrun(monkeypatch, capsys, command):
    alone(monkeypatch, RANK="0", LOCAL_RANK="0")
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ctcbench {command[0]}: torchrun starts a command once a process")
    assert ("--executor trains several models" in line) == (command[0] == "ablate")


@pytest.mark.parametrize("rank", ["0", "1"])
def test_another_process_reports_only_an_error_of_its_own(monkeypatch, rank):
    alone(monkeypatch, RANK=rank, LOCAL_RANK=rank)
    assert process_rank.should_report_error(UsageError("of its own"))
    for error in (Interrupted("stopped"), KeyboardInterrupt(), process_rank.ProcessGroupLost("gone")):
        assert process_rank.should_report_error(error) == (rank == "0")


def test_a_batch_smaller_than_the_number_of_processes_is_an_error_in_python(monkeypatch, tmp_path, registry):
    from tests.tiny_config import tiny

    alone(monkeypatch)
    with pytest.raises(UsageError, match="--batch-size 1: less than an image for each of 2 processes"):
        ctcbench.run(tiny(batch_size=1), ctcbench.pipeline.runner.Runtime(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_each_process_gets_its_own_gpu(monkeypatch):
    from tests.tiny_config import tiny

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    second = ProcessRank(1, 2, 1, 2)
    for name in ("auto", "cuda"):
        assert device.choose_compute(tiny(device=name, amp=False), second).device == torch.device("cuda", 1)
    assert device.choose_compute(tiny(device="cpu", amp=False), second).device == torch.device("cpu")
    with pytest.raises(UsageError, match="--device cuda:1: 2 processes can't share it"):
        device.choose_compute(tiny(device="cuda:1"), second)
    with pytest.raises(
        UsageError, match=r"3 processes on a machine with 2 CUDA devices: .*--nproc-per-node 2"
    ):
        device.choose_compute(tiny(device="auto"), ProcessRank(1, 3, 1, 3))
    one_a_machine = ProcessRank(1, 2, 0, 1)
    assert device.choose_compute(tiny(device="cuda:1", amp=False), one_a_machine).device.index == 1


def test_the_resume_command_includes_torchrun(monkeypatch):
    words = ["run", "--epochs", "3", "--fresh"]
    assert resume_command(words) == "ctcbench run --epochs 3 --resume"
    alone(monkeypatch)
    assert resume_command(words) == "torchrun --nproc-per-node 2 -m ctcbench run --epochs 3 --resume"
    alone(monkeypatch, WORLD_SIZE="4")
    assert resume_command(words).startswith("torchrun --nnodes 2 … --nproc-per-node 2 -m ctcbench run")
