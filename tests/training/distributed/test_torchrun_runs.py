"""One training over two processes by torchrun: the losses, the files and the ends of one process."""

import json
import shutil
import signal
import textwrap

import numpy as np
import pytest
import torch

from ctcbench import RunConfig
from ctcbench.config.recipe import resolve
from ctcbench.pipeline import runner
from ctcbench.training import loop, split, step
from ctcbench.training.progress_events import ProgressListener
from ctcbench.training.runtime import Runtime
from tests.training.distributed.torchrun_cases import (
    SETTINGS,
    close,
    drive,
    ending,
    flags,
    forked_torchrun,
    losses,
    said,
    stored,
    torchrun,
)

STEPS = 30  # six epochs of four batches of 15 and one of 5


@pytest.fixture(scope="module")
def together(tmp_path_factory, own_cache):
    """A run over two processes, by `torchrun -m ctcbench run` but for the driver's notes."""
    folder = tmp_path_factory.mktemp("together")
    (folder / "losses").mkdir()
    done = drive(folder / "runs", "--json", order={"losses": str(folder / "losses")})
    assert done.returncode == 0, done.stderr
    done.folder = folder
    return done


def in_one_process(registry, out, arranged=lambda batch, step: batch):
    """Train by the same settings in this process; returns the result, and losses with gradient norms."""
    found = []

    def observed(state, batch, config):
        metrics = step.train_step(state, arranged(batch, state.step), config)
        found.append((metrics.loss.item(), metrics.grad_norm.item()))
        return metrics

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "train_step", observed)
        return runner.run(resolve(registry, RunConfig(**SETTINGS)), Runtime(out)), found


@pytest.fixture(scope="module")
def by_one(tmp_path_factory, registry, own_cache):
    """The same settings in one process, with its losses."""
    out = tmp_path_factory.mktemp("one")
    return out, *in_one_process(registry, out)


def shuffled(batch, step):
    order_N = torch.randperm(len(batch.images_NCHW), generator=torch.Generator().manual_seed(step))
    return split.Batch(*(part_N[order_N] for part_N in batch[:4]))


def furthest_so_far(ours, theirs):
    """How far losses have been from each other until each step, as a share."""
    return np.maximum.accumulate(np.abs(np.divide(ours, theirs) - 1))


def test_the_losses_are_those_of_one_process_step_by_step(together, by_one, registry, tmp_path):
    """As near as the same images in another order, which too add up to other last bits."""
    first, second = losses(together.folder / "losses")
    assert list(first) == list(second) == list(range(1, STEPS + 1))
    assert [(first[n]["images"], second[n]["images"]) for n in (1, 5)] == [(7, 8), (2, 3)]
    for number in first:  # the same bits in both
        assert first[number] | {"images": 0} == second[number] | {"images": 0}
    alone = [loss for loss, _ in by_one[2]]
    reordered = [loss for loss, _ in in_one_process(registry, tmp_path, shuffled)[1]]
    ours = furthest_so_far([first[number]["loss"] for number in first], alone)
    assert ours[:5].max() < 1e-5
    assert (ours <= 1e-5 + 10 * furthest_so_far(reordered, alone)).all()
    assert ours.max() < 1e-2
    norms = furthest_so_far([first[n]["grad_norm"] for n in first], [norm for _, norm in by_one[2]])
    assert norms[:4].max() < 1e-4
    assert norms.max() < 0.1
    assert first[STEPS]["loss"] < 0.7 * first[1]["loss"]


def test_the_run_folder_is_that_of_one_process(together, by_one):
    ours, our_files, our_weights = stored(together.folder / "runs")
    theirs, their_files, their_weights = stored(by_one[0])
    assert ours.path.name == theirs.path.name  # the train key knows nothing of processes
    assert our_files == their_files
    assert list(our_weights) == list(their_weights)
    for name, tensor in our_weights.items():
        # Those of the last epoch, before which thirty steps have made other last bits grow.
        assert close(tensor, their_weights[name], atol=5e-3, rtol=5e-2), name
    kinds = [
        [(r["kind"], r["step"], r.get("kept")) for r in folder.read_metrics()] for folder in (ours, theirs)
    ]
    assert kinds[0] == kinds[1]
    values = [folder.read_log_probs("test").values_NTK for folder in (ours, theirs)]
    assert abs(values[0] - values[1]).max() < 5e-2


def test_one_json_document_in_the_same_form_and_nothing_twice(together, by_one):
    document, theirs = json.loads(together.stdout), json.loads(json.dumps(by_one[1].to_json()))
    for part in ("", "score", "cost", "provenance"):
        ours, alone = (d[part] if part else d for d in (document, theirs))
        assert ours.keys() == alone.keys()
    training = document["provenance"]["training"]
    assert training.keys() == theirs["provenance"]["training"].keys()
    assert (training["processes"], training["backend"]) == (2, "gloo")
    assert theirs["provenance"]["training"]["processes"] == 1
    assert document["score"]["images"] == 12
    # Of the lines of an epoch's end: where the machine is busy, there is one of its progress besides.
    ends = [line for line in together.stderr.splitlines() if "validation: " in line]
    assert len([line for line in ends if line.startswith("epoch 1/6  step 5/30")]) == 1, together.stderr


@pytest.mark.landing
def test_a_finished_run_is_not_repeated_and_every_process_has_the_result(together, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""\
        import json, os, sys
        from pathlib import Path
        import ctcbench
        from ctcbench.training.runtime import Runtime
        settings = json.loads(sys.argv[2])
        result = ctcbench.run(ctcbench.RunConfig(**settings), Runtime(Path(sys.argv[1])))
        said = (os.environ["RANK"], result.score.images, result.provenance["training"]["steps"])
        os.write(1, (" ".join(map(str, said)) + "\\n").encode())  # in one piece: both say it at once
        """)
    )
    again = torchrun(script, together.folder / "runs", json.dumps(SETTINGS))
    assert again.returncode == 0, again.stderr
    assert sorted(again.stdout.splitlines()) == ["0 12 30", "1 12 30"]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory, own_cache):
    """A run over two processes that Ctrl-C on torchrun stopped."""
    out = tmp_path_factory.mktemp("stopped") / "runs"
    done = drive(out, order={"signal": [7, 0, int(signal.SIGINT), "parent"]})
    done.out = out
    return done


@pytest.mark.landing
def test_ctrl_c_stops_all_at_one_step_saves_and_prints_the_resume_command(stopped):
    assert stopped.returncode == 1  # torchrun's own, whatever its processes end with
    (line,) = said(stopped)
    assert "ctcbench run: stopped after step " in line
    assert "resume with: torchrun --nproc-per-node 2 -m ctcbench run --dataset" in line
    folder, _, _ = stored(stopped.out)
    assert folder.checkpoint_path.exists()
    assert not folder.is_finished


@pytest.mark.landing
def test_a_resumed_run_is_bit_identical_to_an_uninterrupted_one(stopped, together, tmp_path):
    out = shutil.copytree(stopped.out, tmp_path / "runs")
    resumed = drive(out, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert resumed.stderr.count("resumed after step") == 1
    assert "the results will differ" not in resumed.stderr
    assert ending(out) == ending(together.folder / "runs")


@pytest.mark.landing
def test_resuming_in_one_process_gives_a_notice(stopped, registry, tmp_path):
    notices = []

    class Listener(ProgressListener):
        def notice(self, text):
            notices.append(text)

    out = shutil.copytree(stopped.out, tmp_path / "runs")
    result = runner.run(
        resolve(registry, RunConfig(**SETTINGS)), Runtime(out, resume=True, listener=Listener())
    )
    begun = "started on cpu in float32 over 2 processes (gloo), resumed on cpu in float32: the results will"
    assert any(text.startswith(begun) for text in notices), notices
    assert result.provenance["training"]["processes"] == 1


@pytest.mark.landing
def test_a_usage_error_is_reported_once(tmp_path):
    done = torchrun("-m", "ctcbench", "run", *flags(batch_size=1), "--out", tmp_path / "runs")
    assert done.returncode == 1  # torchrun's own
    assert "exitcode  : 2" in done.stderr
    (line,) = said(done)
    assert line.endswith(
        "--batch-size 1: less than an image for each of 2 processes (it is the batch of all together); "
        "use a larger one, or fewer processes"
    )
    assert not (tmp_path / "runs").exists()


def test_an_infinite_gradient_in_one_process_ends_all(tmp_path):
    done = drive(tmp_path / "runs", order={"spoil": [7, 1]})
    assert done.returncode == 1
    (line,) = said(done)
    assert "the gradient is " in line
    assert "at step 7 (labels of its batch: " in line
    assert " and 7 more)" in line  # of the whole batch, not of a part
    folder, _, _ = stored(tmp_path / "runs")
    assert folder.checkpoint_path.exists()


@pytest.mark.slow
def test_an_error_of_one_process_alone_is_reported_by_it(tmp_path):
    done = drive(tmp_path / "runs", order={"fail": [3, 1], "impatient": 1.0})
    assert done.returncode == 1
    assert any("out of memory (as a test asked for)" in line for line in said(done)), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_all_and_the_run_can_be_resumed(tmp_path, together, rank):
    order = {"signal": [8, rank, int(signal.SIGKILL), "self"], "impatient": 1.0}
    killed = drive(tmp_path, order=order)
    assert killed.returncode == 1
    assert "Signal 9 (SIGKILL)" in killed.stderr
    resumed = drive(tmp_path, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert ending(tmp_path) == ending(together.folder / "runs")


@pytest.mark.slow
def test_a_stop_of_one_process_stops_all(tmp_path, together):
    stopped = drive(tmp_path, order={"signal": [8, 1, int(signal.SIGTERM), "self"]})
    (line,) = said(stopped)
    assert "stopped after step 8 of 30" in line
    assert "exitcode  : 130" in stopped.stderr
    assert drive(tmp_path, "--resume").returncode == 0
    assert ending(tmp_path) == ending(together.folder / "runs")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(("rank", "whom"), [(0, "parent"), (0, "self"), (1, "self")])
def test_any_stop_signal_saves_one_checkpoint_in_the_main_process(tmp_path, together, number, rank, whom):
    saves = tmp_path / "saves"
    order = {"signal": [10, rank, int(number), whom], "saves": str(saves)}
    stopped = drive(tmp_path / "runs", order=order)
    assert stopped.returncode == 1, stopped.stderr
    (line,) = said(stopped)
    assert "resume with: torchrun --nproc-per-node 2" in line
    saved = [entry.split() for entry in saves.read_text().splitlines()]
    assert {process for process, _ in saved} == {"0"}
    assert len(saved) == len({step for _, step in saved})  # also at the end of an epoch
    assert f"stopped after step {saved[-1][1]} of 30" in line
    assert not [path for path in (tmp_path / "runs").rglob("*") if ".tmp" in path.name]
    assert drive(tmp_path / "runs", "--resume").returncode == 0
    assert ending(tmp_path / "runs") == ending(together.folder / "runs")


@pytest.mark.slow
@pytest.mark.parametrize("whom", ["", ":parent"])
@pytest.mark.parametrize("phase", ["drawing", "reading", "decoding"])
def test_a_stop_signal_outside_of_the_training_ends_all(tmp_path, phase, whom):
    words = ["run", *flags(epochs=1, train_samples=300), "--out", tmp_path / "runs"]
    variables = {"CTCBENCH_CACHE": str(tmp_path / "cache"), "SIGNALLED": f"{phase}:{signal.SIGTERM:d}{whom}"}
    stopped = forked_torchrun("-m", "tests.cli.signalled_program", *words, **variables)
    assert stopped.returncode == 1, stopped.stderr
    (line,) = said(stopped)
    assert ("resume with: torchrun" in line) == (phase != "drawing")
    assert whom or "exitcode  : 130" in stopped.stderr  # torchrun reports its own signal instead
    assert not [path for path in tmp_path.rglob("*") if ".tmp" in path.name]
    assert (tmp_path / "runs").exists() == (phase != "drawing")


@pytest.mark.slow
def test_three_processes_with_every_option_are_repeatable(tmp_path, registry):
    """Dropout, an average of weights, a plateau of the rate: it trains, and repeats itself."""
    settings = {
        "backbone": "cnn3:width=4,dropout=0.1", "ema": 0.9, "schedule": "plateau", "blank_penalty": 1.0,
        "shortcut": "aux", "epochs": 2, "accumulate": 3,
    }  # fmt: skip
    for name in "ab":
        done = drive(tmp_path / name, settings=settings, processes=3)
        assert done.returncode == 0, done.stderr
    assert ending(tmp_path / "a") == ending(tmp_path / "b")


GUEST = '''\
"""A head of a plugin: a batch norm, and a weight that is never used."""
from ctcbench import SequenceSpec, head, hookimpl

@head
def odd(sequence: SequenceSpec):
    """A head for tests."""
    from torch import nn

    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(sequence.features, 8)
            self.norm = nn.BatchNorm1d(8)
            self.never = nn.Linear(3, 3)

        def forward(self, feats_TNF):
            feats_TND = self.rnn(feats_TNF)[0]
            return self.norm(feats_TND.permute(1, 2, 0)).permute(2, 0, 1)

    return Odd()

@hookimpl
def ctcbench_components():
    return [odd]
'''


@pytest.mark.slow
def test_a_plugins_head_with_a_norm_and_an_unused_weight(tmp_path):
    site = tmp_path / "site"
    (site / "odd-1.dist-info").mkdir(parents=True)
    (site / "odd_head.py").write_text(GUEST)
    (site / "odd-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: odd\nVersion: 1\n")
    (site / "odd-1.dist-info" / "entry_points.txt").write_text("[ctcbench]\nodd = odd_head\n")
    found = []
    for processes in (1, 2):
        (folder := tmp_path / f"{processes}").mkdir()
        order = {"losses": str(folder)}
        done = drive(
            folder / "runs",
            order=order,
            settings={"head": "odd", "epochs": 2},
            folders=[site],
            processes=processes,
        )
        assert done.returncode == 0, done.stderr
        found.append(losses(folder)[0])
    alone, together = found
    assert list(alone) == list(together) == list(range(1, 11))
    for number in alone:
        assert together[number]["loss"] == pytest.approx(alone[number]["loss"], rel=1e-4)


def test_without_torchrun_no_process_group_is_made(registry, tmp_path):
    runner.run(resolve(registry, RunConfig(**{**SETTINGS, "epochs": 1})), Runtime(tmp_path))
    assert not torch.distributed.is_initialized()


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices")
def test_two_gpus(tmp_path, by_one):
    (tmp_path / "losses").mkdir()
    order = {"losses": str(tmp_path / "losses")}
    done = drive(tmp_path / "runs", "--json", order=order, settings={"device": "auto"})
    assert done.returncode == 0, done.stderr
    training = json.loads(done.stdout)["provenance"]["training"]
    assert (training["processes"], training["backend"]) == (2, "nccl")
    first, second = losses(tmp_path / "losses")
    for number, (loss, _) in enumerate(by_one[2], start=1):
        assert first[number]["loss"] == second[number]["loss"]
        assert first[number]["loss"] == pytest.approx(loss, rel=2e-2)


@pytest.mark.landing
def test_all_processes_use_the_numbers_that_the_main_process_chose(tmp_path):
    words = ["--budget", "5s", "--out", tmp_path / "runs"]
    settings = {name: value for name, value in SETTINGS.items() if name not in ("train_samples", "epochs")}
    free = flags(**settings)
    for name in ("train_samples", "epochs"):
        place = free.index("--" + name.replace("_", "-"))
        del free[place : place + 2]
    done = torchrun("-m", "ctcbench", "run", *free, *words, "--json")
    assert done.returncode == 0, done.stderr
    config = json.loads(done.stdout)["config"]
    (record,) = (tmp_path / "runs" / "budgets").glob("*.json")
    document = json.loads(record.read_text())
    assert {name: document[name] for name in ("train_samples", "epochs")}.items() <= config.items()
    assert document["compute"].endswith("over 2 processes (gloo)")
    assert done.stderr.count("in place of --budget repeats it exactly") == 1
    # The same command finds the finished run; one that is too short is an error in every process.
    again = torchrun("-m", "ctcbench", "run", *free, *words, "--json")
    assert json.loads(again.stdout)["config"] == config, again.stderr
    assert "trained already" in again.stderr
    short = torchrun("-m", "ctcbench", "run", *free, "--budget", "0.0001s", "--out", tmp_path / "short")
    assert short.returncode == 1
    assert len(said(short)) == 1
    assert "10 steps of 15 images take" in said(short)[0]
