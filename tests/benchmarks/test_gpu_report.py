"""The report on a GPU: its table, its time limit, and each of its commands in miniature on a CPU."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ctcbench.benchmarks import gpu_report, gpu_table
from ctcbench.benchmarks.gpu_goals import GOALS
from ctcbench.contract.errors import CtcbenchError


def report(tmp_path, seconds=60.0):
    return gpu_report.GpuReport(True, tmp_path / "report.md", time.monotonic() + seconds)


def test_a_measurement_that_fails_is_a_row_with_its_reason_and_the_next_one_follows(tmp_path):
    made = report(tmp_path)

    def fails():
        raise CtcbenchError("a | b\nc")

    made.measure("first", "one", fails)
    assert "| first | not measured: a \\| b c | one |\n" in (tmp_path / "report.md").read_text()
    made.measure("second", "two", lambda: "3 ms")
    text = (tmp_path / "report.md").read_text()
    assert text == made.table() and text.endswith("| second | 3 ms | two |\n")


def test_a_measurement_with_an_unexpected_error_is_a_row_too(tmp_path):
    made = report(tmp_path)
    made.measure("first", "one", lambda: str({}["on_gpu"]))
    assert made.rows == [("first", "not measured: KeyError: 'on_gpu'", "one")]


def test_a_command_that_is_stopped_ends_with_the_processes_that_it_started(tmp_path):
    (tmp_path / "hanging.py").write_text(
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print('test_one PASSED', child.pid, sep='\\n', flush=True)\n"
        "time.sleep(60)\n"
    )
    code, output, _ = gpu_table._run([sys.executable, str(tmp_path / "hanging.py")], 3.0)
    first, child = output.split()[0], int(output.split()[-1])
    assert (code, first) == (None, "test_one")
    deadline = time.monotonic() + 30
    # A process that has ended, and that no parent waits for, is a zombie or gone.
    while (stat := Path(f"/proc/{child}/stat")).exists() and stat.read_text().split()[2] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_suite_that_is_stopped_is_explained_by_the_test_that_it_reached(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu_table, "_run", lambda *_: (None, "a.py::one PASSED\na.py::two\n", ""))
    with pytest.raises(CtcbenchError, match=r"^stopped after 9\d s, at: a\.py::two$"):
        report(tmp_path, 99.0).run(["pytest"], explained_on="stdout")


def test_a_command_that_fails_is_named_by_its_last_line(tmp_path):
    with pytest.raises(CtcbenchError, match=r"^exit code 2: ctcbench run: .*no backbone 'cnn99'"):
        report(tmp_path).run(["ctcbench", "run", "--backbone", "cnn99"])


@pytest.mark.parametrize(("stream", "word"), [("stderr", "a warning"), ("stdout", "2 failed")])
def test_a_failure_is_explained_by_the_stream_that_does_so(tmp_path, monkeypatch, stream, word):
    monkeypatch.setattr(gpu_table, "_run", lambda *_: (1, "1\n2 failed\n", "a warning\n"))
    made = report(tmp_path)
    with pytest.raises(CtcbenchError, match=f"exit code 1: {word}"):
        made.run(["pytest"], explained_on=stream)
    with pytest.raises(CtcbenchError):
        made.run(["timeit"])
    failures = "$ python -m {}\nexit code 1\n1\n2 failed\n\na warning\n\n"
    assert (tmp_path / "report.log").read_text() == failures.format("pytest") + failures.format("timeit")


def test_a_recurrent_head_has_its_time_in_each_number_format(tmp_path):
    made = report(tmp_path)
    gpu_report.report_recurrent(made)
    _, figure, command = made.rows[0]
    assert re.fullmatch(r"float32: [\d.]+ ms; float16: .+; bfloat16: .+", figure)
    assert command == "python -m ctcbench.benchmarks.recurrent_precision --dry-run"


@pytest.mark.parametrize(("seconds", "words"), [(0.5, "no time left"), (1.2, "stopped after 1 s")])
def test_nothing_runs_longer_than_the_limit(tmp_path, seconds, words):
    with pytest.raises(CtcbenchError, match=words):
        report(tmp_path, seconds).run(["timeit", "-n", "1", "-r", "1", "-s", "import time", "time.sleep(60)"])


def test_without_a_gpu_the_error_names_the_dry_run(monkeypatch, capsys):
    monkeypatch.setattr(gpu_report.torch.cuda, "is_available", lambda: False)
    assert gpu_report.main([]) == 2
    assert "--dry-run tries the commands on a CPU" in capsys.readouterr().err


def test_a_step_on_a_gpu_has_its_launches_or_why_there_is_no_graph(monkeypatch, tmp_path):
    plain = {"step_ms": 14.0, "images_per_second": 2121.0, "launches": 950.0, "busy_ms": 1.3}
    rows = {"plain": plain | {"share_of_peak": 0.01, "obstacle": ""}}
    rows["graph"] = rows["plain"] | {"obstacle": "the loss of another package"}
    made = report(tmp_path)
    monkeypatch.setattr(made, "ctcbench", lambda *_, **more: {"on_gpu": rows})
    gpu_report.report_steps(made)
    assert made.rows[0][1] == (
        "plain: 14.00 ms, 2,121 images/s, 950 launches, GPU busy 1.30 ms, 1 % of the peak; "
        "graph: not possible (the loss of another package)"
    )


@pytest.mark.parametrize(("ratio", "word"), [(2.5, "met"), (2.51, "missed")])
def test_ten_seeds_are_beside_their_goal(monkeypatch, tmp_path, ratio, word):
    made, given = report(tmp_path), []
    figures = {
        "seconds": 30.0, "of_one_seed": ratio, "training_seconds": 5.2, "training_of_one_seed": 2.1,
        "capture_seconds": 3.0,
    }  # fmt: skip

    def measured(*arguments, miniature, most_seconds):
        given.extend(arguments)
        return {"executors": {arguments[arguments.index("--executor") + 1]: figures}}

    monkeypatch.setattr(made, "ctcbench", measured)
    gpu_report.report_seeds(made)
    _, figure, command = made.rows[0]
    assert figure == (
        f"{word}: 30.0 s, {ratio:.2f} times one seed (goal: 2.5); training alone 5.20 s, 2.10 times; "
        f"captures 3.0 s"
    )
    assert "together=10" in command and command == " ".join(["ctcbench", *given])


def test_a_goal_has_fewer_seeds_where_the_others_would_find_no_time(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(gpu_report.time, "monotonic", lambda: clock[0])
    made = gpu_report.GpuReport(False, None, 280.0)

    def train(*arguments, **more):
        clock[0] += 40.0
        training = {"training": {"capture_seconds": 1.25}}
        return {"score": {"exact": 0.99}, "cost": {"train_seconds": 0.1}, "provenance": training}

    monkeypatch.setattr(made, "ctcbench", train)
    gpu_report.report_goals(made, tmp_path)
    drawing, *rows = made.rows
    assert drawing[1].startswith("40.0 s, ")
    seeds = [row[1].rpartition("means of ")[2] for row in rows]
    # 280 s: the drawing and a seed of each goal take all of them, at 40 s each.
    assert seeds == ["1 of 3 seeds"] * 5 + ["1 of 1 seeds"]
    assert rows[0][1] == (
        "met: 99.00 % after 0.10 s of training; capture and compilation 1.25 s; from the command to the "
        "table 39.9 s more than the training (goal: 8 s, missed); means of 1 of 3 seeds"
    )
    clock[0] = 0.0
    made.ends, made.rows = 4800.0, []
    gpu_report.report_goals(made, tmp_path)
    seeds_3 = [row[1].rpartition("means of ")[2] for row in made.rows[1:]]
    assert seeds_3 == ["3 of 3 seeds"] * 5 + [seeds[-1]]


def test_a_goal_keeps_the_seeds_before_one_that_fails_and_what_that_one_reached(tmp_path, monkeypatch):
    made = gpu_report.GpuReport(False, None, time.monotonic() + 4800)
    goal = GOALS[0]
    monkeypatch.setattr(gpu_report, "GOALS", (goal,))

    def train(*arguments, **more):
        out = Path(arguments[arguments.index("--out") + 1])
        if out.name == "1":
            run = out / "0123456789ab"
            run.mkdir(parents=True)
            epoch = {"kind": "epoch", "seconds": 30.4, "step": 50, "steps": 78, "val_exact": 0.5}
            run.joinpath("metrics.jsonl").write_text(json.dumps(epoch) + '\n{"kind": "steps"}\n')
            raise CtcbenchError("stopped after 60 s")
        training = {"training": {"capture_seconds": 1.25}}
        return {"score": {"exact": 0.99}, "cost": {"train_seconds": 0.1}, "provenance": training}

    monkeypatch.setattr(made, "ctcbench", train)
    gpu_report.report_goals(made, tmp_path)
    figure = made.rows[1][1]
    assert figure.startswith("met: 99.00 % after 0.10 s of training; ")
    assert figure.endswith(
        "means of 1 of 3 seeds; seed 1: stopped after 60 s, after 30 s of training, 50 of 78 steps, with "
        "50.00 % of the validation images"
    )


def test_parts_can_be_left_out(monkeypatch, tmp_path):
    monkeypatch.setattr(
        gpu_report, "PARTS", {"one": lambda made, _: made.measure("1", "", str)} | dict.fromkeys("ab")
    )
    assert gpu_report.main(["--dry-run", "--skip", "a", "--skip", "b", "--out", str(tmp_path / "r.md")]) == 0
    assert "| 1 |" in (tmp_path / "r.md").read_text()


@pytest.mark.landing
def test_every_command_runs_in_miniature_on_a_cpu(tmp_path):
    command = [sys.executable, "-m", "ctcbench.benchmarks.gpu_report", "--dry-run", "--minutes", "30"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 3 + 6 + len(GOALS)
    assert not [row for row in rows if "not measured" in row]
