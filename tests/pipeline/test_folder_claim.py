"""Claiming a run folder: resume and fresh, other processes, changed images, failed starts."""

import subprocess
import sys
from pathlib import Path

import pytest

import ctcbench
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import UsageError
from ctcbench.files.locks import Busy
from ctcbench.pipeline import run_context, runner
from ctcbench.processes.signals import Interrupted
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import interrupt_at, pictures_config
from tests.tiny_config import tiny


def test_resuming_without_a_run_is_refused(registry, tmp_path):
    with pytest.raises(UsageError, match="has no run with these settings, and no unfinished one"):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path, resume=True))
    assert list(tmp_path.iterdir()) == []


def test_resume_with_changed_settings_lists_the_differences(registry, tmp_path, monkeypatch):
    interrupt_at(monkeypatch, 3)
    with pytest.raises(ctcbench.processes.signals.Interrupted):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    monkeypatch.undo()
    with pytest.raises(UsageError) as error:
        runner.run(resolve(registry, tiny(lr=0.5)), Runtime(tmp_path, resume=True))
    assert "differs in lr: 0.003 there, 0.5 here" in str(error.value)
    with pytest.raises(UsageError, match="an unfinished run with these settings; --resume continues it"):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    assert runner.run(resolve(registry, tiny()), Runtime(tmp_path, resume=True)).score.images == 12


def test_a_run_folder_that_another_process_locks_is_refused(registry, finished):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom ctcbench.results.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).lock():\n    print('locked', flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(finished.folder)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(Busy, match=f"process {other.pid} is training in this run folder"):
            runner.run(resolve(registry, tiny()), Runtime(finished.folder.parent))
        other.kill()
    assert runner.run(resolve(registry, tiny()), Runtime(finished.folder.parent)).score == finished.score


@pytest.mark.parametrize("out", ["/proc/runs", "file/runs"])
def test_an_out_folder_that_cant_be_written_is_named(registry, tmp_path, out):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match="can't be written"):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path / out))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_failing_before_the_first_step_leaves_no_folder(registry, tmp_path):
    with pytest.raises(UsageError, match=r"needs \d+ frames, its image has 7"):
        runner.run(resolve(registry, tiny(dataset="captcha:width=60,height=24,length=9")), Runtime(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_first_run_leaves_no_out_folder(registry, tmp_path):
    with pytest.raises(UsageError):
        runner.run(resolve(registry, tiny(amp_dtype="float16", device="cpu")), Runtime(tmp_path / "runs"))
    assert list(tmp_path.iterdir()) == []


def test_a_finished_run_is_refused_if_its_images_changed(registry, pictures, tmp_path):
    runtime = Runtime(tmp_path / "runs")
    first = runner.run(resolve(registry, pictures_config(pictures)), runtime)
    assert runner.run(resolve(registry, pictures_config(pictures)), runtime).score == first.score
    for name in ("11", "12", "13", "14", "15", "16", "17", "18"):
        (pictures / f"{name}.png").rename(pictures / f"9{name}.png")
    with pytest.raises(UsageError, match=r"images are not those that this run started with; --fresh"):
        runner.run(resolve(registry, pictures_config(pictures)), runtime)


@pytest.mark.parametrize("failing", ["choose_device", "_check_network"])
def test_a_fresh_start_that_is_refused_keeps_the_finished_run(registry, tmp_path, monkeypatch, failing):
    result = runner.run(resolve(registry, tiny()), Runtime(tmp_path))
    files = {path: path.stat().st_mtime_ns for path in result.folder.rglob("*") if path.suffix}

    def refuse(*_):
        raise UsageError("no such thing here")

    monkeypatch.setattr(run_context, failing, refuse)
    with pytest.raises(UsageError, match="no such thing here"):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path, fresh=True))
    assert RunFolder(result.folder).is_finished
    assert {path: path.stat().st_mtime_ns for path in result.folder.rglob("*") if path.suffix} == files
    # Without `fresh` a finished run needs neither a device nor a network.
    assert runner.run(resolve(registry, tiny()), Runtime(tmp_path)).score == result.score


def test_a_fresh_start_with_a_graph_on_a_cpu_keeps_the_finished_run(registry, tmp_path):
    recipe = resolve(registry, tiny(device="cpu"))
    result = runner.run(recipe, Runtime(tmp_path))
    with pytest.raises(UsageError, match="--graph"):
        runner.run(recipe, Runtime(tmp_path, fresh=True, graph=True))
    assert RunFolder(result.folder).is_finished


def test_an_interrupted_run_is_not_resumed_with_changed_images(registry, pictures, tmp_path, monkeypatch):
    runtime = Runtime(tmp_path / "runs")
    interrupt_at(monkeypatch, 4)
    with pytest.raises(Interrupted):
        runner.run(resolve(registry, pictures_config(pictures)), runtime)
    monkeypatch.undo()
    for path in sorted(pictures.iterdir())[:12]:
        path.unlink()
    with pytest.raises(UsageError, match=r"its train and val images are not those|its train images are not"):
        runner.run(resolve(registry, pictures_config(pictures)), Runtime(tmp_path / "runs", resume=True))


def test_a_run_is_refused_if_its_alphabet_changed_by_pictures_that_it_does_not_read(
    registry, pictures, tmp_path, monkeypatch
):
    """Weights of other classes have the same shape, so that the run would go on with wrong characters."""
    dataset = f"folder:path='{pictures}',width=60,height=24,fit=pad"
    recipe, out = resolve(registry, tiny(dataset=dataset, train_samples=10)), tmp_path / "runs"
    unread = Path(registry.build("dataset", dataset).describe("train", 20)).name

    def label_unread(text):
        labels = [
            f"{file.name},{text if file.name == unread else file.stem}" for file in pictures.glob("*.png")
        ]
        (pictures / "labels.csv").write_text("\n".join(["file,label", *labels]))

    label_unread("x")
    interrupt_at(monkeypatch, 1)
    with pytest.raises(Interrupted):
        runner.run(recipe, Runtime(out))
    monkeypatch.undo()
    label_unread("a")
    with pytest.raises(
        UsageError, match=r"has not the alphabet any more that this run started with; --fresh"
    ):
        runner.run(recipe, Runtime(out, resume=True))
    runner.run(recipe, Runtime(out, fresh=True))
    label_unread("x")
    with pytest.raises(UsageError, match="has not the alphabet any more"):
        runner.run(recipe, Runtime(out))


def test_a_signal_while_the_settings_are_written_leaves_no_folder(registry, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(RunFolder, "write_config", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runner.run(resolve(registry, tiny()), Runtime(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()
