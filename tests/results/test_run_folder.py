"""RunFolder on real disks: locks and kills, full disks, damaged files, folders that can't be created."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.evaluation.scoring import score
from ctcbench.files.locks import Busy
from ctcbench.results.out_folder import create_run_folder, find_runs
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_results import find_results

SETTINGS = {"backbone": "cnn3", "lr": 3e-3, "epochs": 1, "amp": True}
RESULT = Result(SETTINGS, score(["ab"], ["ab"], "test"), {"parameters": 10}, {"started": "now"})


@pytest.fixture
def folder(tmp_path):
    return create_run_folder(tmp_path / "runs", "abc123", SETTINGS)


def tree(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("*"))


def test_the_file_names_are_the_documented_ones(folder):
    folder.append_metrics({"step": 1})
    folder.write_result("beam_cpp", RESULT)
    assert tree(folder.path) == ["config.toml", "metrics.jsonl", "results", "results/beam_cpp.json"]
    assert folder.log_probs_path("test") == folder.path / "log_probs" / "test.safetensors"
    assert folder.weights_path.name == "weights.safetensors"
    assert folder.read_config() == SETTINGS
    assert folder.read_metrics() == [{"step": 1}]
    assert folder.read_result("beam_cpp") == RESULT


def test_a_name_that_is_a_path_is_refused(folder):
    for wrong in ("../x", ".hidden", "a/b"):
        with pytest.raises(AssertionError):
            folder.result_path(wrong)


def test_a_run_is_finished_with_weights_and_summary(folder):
    assert not folder.is_finished
    folder.weights_path.write_bytes(b"x")
    assert not folder.is_finished
    folder.finish({"steps": 10})
    assert folder.is_finished
    assert folder.read_summary() == {"steps": 10}
    folder.weights_path.unlink()
    assert not folder.is_finished


def test_clearing_leaves_the_settings_and_the_lock(folder):
    with folder.lock():
        folder.finish({})
        folder.append_metrics({"step": 1})
        folder.write_result("greedy", RESULT)
        folder.log_probs_path("test").parent.mkdir()
        for path in (folder.weights_path, folder.checkpoint_path, folder.log_probs_path("test")):
            path.write_bytes(b"x")
        folder.clear()
        assert tree(folder.path) == [".lock", ".lock.holder", "config.toml"]
        folder.clear()


def test_damaged_results_are_named_and_the_others_returned(folder):
    folder.write_result("beam", RESULT)
    good = folder.write_result("greedy", RESULT)
    results = good.parent
    damaged = {
        "cut.json": good.read_bytes()[:200],
        "empty.json": b"",
        "deep.json": b"[" * 100_000,
        "list.json": b"[]",
        "later.json": good.read_bytes().replace(b'"schema": 1', b'"schema": 2'),
        "latin.json": b'{"schema": "\xff"}',
        "nan.json": good.read_bytes().replace(b'"exact": 1.0', b'"exact": NaN'),
    }
    for name, content in damaged.items():
        (results / name).write_bytes(content)
    (results / "folder.json").mkdir()
    (results / ".beam.json.x.tmp").write_bytes(b"{")
    found, problems = find_results(folder)
    assert found == [RESULT, RESULT]
    assert len(problems) == len(damaged) + 1
    for name in [*damaged, "folder.json"]:
        assert sum(f"{results / name}: " in problem for problem in problems) == 1


def test_a_folder_without_results_has_none(folder):
    assert find_results(folder) == ([], [])


def test_runs_are_found_by_their_settings(tmp_path):
    out = tmp_path / "runs"
    made = [create_run_folder(out, key, SETTINGS) for key in ("b", "a")]
    create_run_folder(out, "no-settings")
    (out / "notes.txt").write_text("x")
    assert find_runs(out) == made[::-1]
    assert find_runs(out / "b") == [made[0]]
    assert find_runs(out / "no-settings") == []
    for wrong, reason in ((tmp_path / "none", "no such folder"), (out / "notes.txt", "is a file")):
        with pytest.raises(UsageError, match=f"{wrong.name}: {reason}; give a run folder"):
            find_runs(wrong)


def test_creating_a_folder_again_keeps_its_files(folder):
    folder.append_metrics({"step": 1})
    again = create_run_folder(folder.path.parent, folder.path.name, {**SETTINGS, "epochs": 2})
    assert again == folder
    assert again.read_metrics() == [{"step": 1}]
    assert again.read_config()["epochs"] == 2


@pytest.mark.parametrize("settings", [SETTINGS, None], ids=["settings", "bare"])
def test_an_out_folder_that_cannot_be_created_is_named(tmp_path, settings):
    (tmp_path / "file").write_text("x")
    wrong = [tmp_path / "file", tmp_path / "file" / "runs", tmp_path / ("x" * 300)]
    if sys.platform == "linux":
        wrong.append(Path("/proc/runs"))
    for out in wrong:
        with pytest.raises(UsageError, match="can't be written"):
            create_run_folder(out, "abc", settings)
    assert tree(tmp_path) == ["file"]


def test_settings_that_cannot_be_stored_leave_no_folder(tmp_path):
    with pytest.raises(UsageError, match="lr = nan"):
        create_run_folder(tmp_path / "a" / "b", "abc", {"lr": float("nan")})
    assert tree(tmp_path) == []


def run_python(code, *arguments, env):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=env,
        text=True,
        capture_output=True,
        check=False,
    )


FULL = (
    "import pathlib, resource, sys\n"
    "from ctcbench.contract.errors import UsageError\n"
    "from ctcbench.results.out_folder import create_run_folder\n"
    "from ctcbench.results.run_folder import RunFolder\n"
    "path = pathlib.Path(sys.argv[1])\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n"
    "try: {}\n"
    'except UsageError as error: sys.exit(0 if "can\'t be written" in str(error) else str(error))\n'
    "sys.exit('no error')\n"
)


@pytest.mark.parametrize("settings", ["", ", {'backbone': 'cnn3 and more'}"], ids=["bare", "settings"])
def test_a_full_disk_leaves_no_folder(tmp_path, ctcbench_env, settings):
    done = run_python(
        FULL.format(f"create_run_folder(path, 'abc'{settings})"), tmp_path / "new" / "runs", env=ctcbench_env
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert tree(tmp_path) == []


@pytest.mark.parametrize(
    "act", ["write_config({'lr': 'a long enough text'})", "finish({'a': 'long enough'})"]
)
def test_a_full_disk_leaves_the_old_files(folder, ctcbench_env, act):
    folder.finish({"steps": 1})
    before = tree(folder.path)
    done = run_python(FULL.format(f"RunFolder(path).{act}"), folder.path, env=ctcbench_env)
    assert (done.returncode, done.stderr) == (0, "")
    assert tree(folder.path) == before
    assert folder.read_config() == SETTINGS
    assert folder.read_summary() == {"steps": 1}


REALLY_FULL = (
    "import pathlib, sys\n"
    "from ctcbench.contract.errors import UsageError\n"
    "from ctcbench.results.out_folder import create_run_folder\n"
    "disk = pathlib.Path(sys.argv[1])\n"
    "(disk / 'filler').write_bytes(b'x' * 61_440)\n"
    "try: create_run_folder(disk / 'runs', 'abc', {'backbone': 'x' * 50_000})\n"
    "except UsageError as error: print(error, [p.name for p in disk.rglob('*')])\n"
)


def test_a_full_file_system_leaves_no_folder(tmp_path, ctcbench_env):
    # In a mount namespace of its own, so that the little disk ends with the process.
    script = 'mount -t tmpfs -o size=64k tmpfs "$1" || exit 77; exec "$2" -c "$3" "$1"'
    command = ["unshare", "-m", "sh", "-c", script, "sh", str(tmp_path), sys.executable, REALLY_FULL]
    try:
        done = subprocess.run(command, env=ctcbench_env, text=True, capture_output=True, check=False)
    except OSError:
        pytest.skip("no unshare here")
    if done.returncode == 77 or done.stderr.startswith("unshare: "):
        pytest.skip("no right to mount a small disk here")
    assert done.stderr == ""
    assert "No space left" in done.stdout
    assert done.stdout.endswith("['filler']\n")


HOLD = (
    "import pathlib, sys, time\n"
    "from ctcbench.results.run_folder import RunFolder\n"
    "with RunFolder(pathlib.Path(sys.argv[1])).lock():\n"
    "    print('held', flush=True)\n"
    "    time.sleep(60)\n"
)


def test_a_live_process_keeps_others_out_until_it_is_killed(folder, ctcbench_env):
    command = [sys.executable, "-c", HOLD, str(folder.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ctcbench_env) as holder:
        try:
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(Busy) as caught, folder.lock():
                pass
            assert str(caught.value) == (
                f"{folder.path}: process {holder.pid} is training in this run folder; wait for it or stop it"
            )
            (folder.path / ".weights.safetensors.x.tmp").write_bytes(b"half")
            folder.write_result("greedy", RESULT)
            (folder.path / "results" / ".beam.json.y.tmp").write_bytes(b"half")
        finally:
            os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with folder.lock():
        # The incomplete files of the killed process are removed.
        assert tree(folder.path) == [".lock", ".lock.holder", "config.toml", "results", "results/greedy.json"]
    ours = pytest.raises(Busy, match=f"process {os.getpid()} is training")
    with folder.lock(), ours, folder.lock("writing in this run folder"):
        pass


WRITE = (
    "import pathlib, sys\n"
    "from ctcbench.results.run_folder import RunFolder\n"
    "folder = RunFolder(pathlib.Path(sys.argv[1])); print('go', flush=True); step = 0\n"
    "while True:\n"
    "    step += 1\n"
    "    folder.append_metrics({'step': step})\n"
    "    folder.write_config({'step': step, 'pad': 'x' * 10_000})\n"
)


def test_a_kill_at_any_moment_leaves_complete_files(folder, ctcbench_env):
    for delay in (0.05, 0.011, 0.0173, 0.0031, 0.07):
        command = [sys.executable, "-c", WRITE, str(folder.path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ctcbench_env) as writer:
            writer.stdout.readline()
            while not folder.metrics_path.exists():
                time.sleep(0.001)
            time.sleep(delay)
            writer.kill()
        assert folder.read_config() == SETTINGS or folder.read_config()["pad"] == "x" * 10_000
        records = folder.read_metrics()
        assert records
        with folder.lock():
            folder.truncate_metrics(records[-1]["step"])
        assert folder.read_metrics()[-1] == records[-1]
        # Releases of filelock differ in whether they remove the file of a lock.
        assert set(tree(folder.path)) - {".lock"} == {"config.toml", "metrics.jsonl"}


def test_a_missing_or_damaged_summary_is_named(folder):
    with pytest.raises(CtcbenchError, match=r"summary\.json: can't be read"):
        folder.read_summary()
    folder.summary_path.write_text("{")
    with pytest.raises(CtcbenchError, match=r"summary\.json: damaged"):
        folder.read_summary()


def test_a_result_that_json_cannot_hold_replaces_nothing(folder):
    folder.write_result("greedy", RESULT)
    with pytest.raises(ValueError):
        folder.write_result("greedy", dataclasses.replace(RESULT, cost={"parameters": float("nan")}))
    assert folder.read_result("greedy") == RESULT
    assert find_results(RunFolder(folder.path)) == ([RESULT], [])
