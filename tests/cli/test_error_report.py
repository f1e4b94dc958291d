"""Errors of the command line: one line that names the given and the allowed values, and an exit code."""

from __future__ import annotations

import errno
import inspect
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ctcbench.__main__ import main
from ctcbench.cli.app import click_command
from ctcbench.cli.error_report import report_error
from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.text import one_line
from ctcbench.processes.signals import Interrupted
from tests.cli.cli_cases import TINY
from tests.forked_python import ForkedPython

USAGE_ERRORS = [
    (["run", "--epochs", "0"], "ctcbench run: --epochs 0:", "at least 1"),
    (["run", "--epochs", "x"], "ctcbench run: --epochs x: not a whole number", "at least 1"),
    (["run", "--lr", "nan"], "ctcbench run: --lr nan:", "finite"),
    (["run", "--lr", "inf"], "ctcbench run: --lr inf:", "finite"),
    (["run", "--lr", "-1"], "ctcbench run: --lr -1:", "above 0"),
    (["run", "--lr"], "ctcbench run:", "--lr", "requires an argument"),
    (["run", "--shortcut", "sun"], "--shortcut sun:", "'sum'"),
    (["run", "--device", "tpu"], "--device tpu:"),
    (["run", "--epoch", "3"], "ctcbench run: no option --epoch", "did you mean '--epochs'?"),
    (["run", "extra"], "ctcbench run:", "extra"),
    (["run", "--backbone", "cnn33"], "no backbone 'cnn33'", "did you mean 'cnn3'?", "cnn2"),
    (["run", "--backbone", "cnn3:widht=3"], "backbone cnn3: no option 'widht'", "did you mean 'width'?"),
    (["run", "--backbone", "cnn3:width=1"], "backbone cnn3: width=1:", "4 to 512"),
    (["run", "--backbone", "cnn3:width=wide"], "backbone cnn3: width=wide:", "whole number"),
    (["run", "--backbone", "cnn3:width"], "'cnn3:width'", "expected option=value"),
    (["run", "--dataset", "captcha:alphabet=aab"], "alphabet 'aab'", "more than once"),
    (["run", "--dataset", "captcha:length=0"], "length=0"),
    (["run", "--preset", "defualt"], "no preset 'defualt'", "did you mean 'default'?"),
    (["run", "--config", "missing.toml"], "missing.toml: can't be read"),
    (["run", "--resume", "--fresh"], "--resume and --fresh"),
    # The words between are Typer's, and those of its versions differ.
    (["run", "--workers", "0"], "ctcbench run: ", "--workers", "0", "1"),
    (["run", "--workers", "two"], "ctcbench run: ", "--workers", "two"),
    (["run", "--backbone", "cnn3,width=8"], "did you mean 'cnn3:width=8'?"),
    (["run", "--dataset", "/"], "dataset '/': expected name", "a folder is an option: folder:path=/"),
    (["run", "/"], "unexpected argument /: --dataset takes the pictures in a folder"),
    (["show", "my.toml"], "unexpected argument my.toml: --config my.toml takes"),
    (["predict", "run", ""], "ctcbench predict: IMAGE…|FOLDER|-: an argument is empty"),
    (["report", ""], "ctcbench report: RUNS…: an argument is empty"),
    (["data", "describe", ""], "ctcbench data describe: [DATASET]: an argument is empty"),
    (["data", "generate", "--out", ""], "data generate: --out: the path is empty; perhaps a shell variable"),
    (["run", "--out="], "ctcbench run: --out: the path is empty"),
    (["report", "runs", "-o", ""], "ctcbench report: -o: the path is empty"),
    (["run", "--init-from", ""], "ctcbench run: --init-from: the path is empty"),
    (["lm", "score", "missing.arpa", "--text", ""], "ctcbench lm score: --text: the path is empty"),
    (["lm", "score", "", "a"], "ctcbench lm score: FILE: an argument is empty"),
    (["run", "--preset", ""], "no preset ''"),
    (["lm", "score", "missing.arpa", ""], "ctcbench lm score: missing.arpa"),
    (["presets", "fast"], "unexpected argument fast (`--help` describes"),
    (["run", "--dataset", "folder"], "dataset folder: option 'path' is required"),
    (["run", "--dataset", "folder:path=missing"], "missing"),
    (["rnu"], "ctcbench: no command 'rnu'", "did you mean 'run'?"),
    (["help"], "ctcbench: no command 'help'; did you mean '--help'?"),
    (["describe", "folder:path=x"], "ctcbench: no command 'describe'; did you mean 'data describe'?"),
    (["train"], "ctcbench: no command 'train'; did you mean 'run'?"),
    (["speedrun"], "ctcbench: no command 'speedrun'; did you mean 'bench speedrun'?"),
    (["data", "train"], "ctcbench data: no command 'train' (there are: "),
    (["--verison"], "ctcbench: no option --verison", "did you mean '--version'?"),
    (["data"], "ctcbench data: missing command", "preview"),
    (["data", "prevew"], "ctcbench data: no command 'prevew'", "did you mean 'preview'?"),
    (
        ["data", "describe", "captcah"],
        "ctcbench data describe: no dataset 'captcah'",
        "did you mean 'captcha'?",
    ),
    (["data", "preview", "--split", "tets"], "preview: --split tets:", "val", "did you mean 'test'?"),
    (["report", ".", "--format", "html2"], "report: --format html2: expected table, md, csv, latex"),
    (["decode"], "ctcbench decode: missing argument 'RUN'"),
    (["decode", "missing", "--decoder", "greedy"], "ctcbench decode: missing: no such folder"),
    (["predict", "missing", "a.png"], "ctcbench predict: missing: no such folder"),
    (["report", "missing"], "ctcbench report: missing: no such folder"),
    (["report", "."], "no results;"),
    (["show", "--head", "lstm3"], "ctcbench show: no head 'lstm3'", "did you mean"),
]


@pytest.mark.parametrize(
    "arguments, words", [(m[0], m[1:]) for m in USAGE_ERRORS], ids=lambda v: " ".join(v)[:50]
)
def test_a_usage_error_is_one_line_and_exit_code_2(
    arguments: list[str],
    words: tuple[str, ...],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = shown.err.splitlines()
    assert line.startswith("ctcbench")
    for word in words:
        assert word in line
    assert not list(tmp_path.iterdir()), "no incomplete file remains"


def options_of_paths(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the option of each parameter that is annotated as a path, after its command."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from options_of_paths(inner, (*path, name))
    if path and not hasattr(command, "commands"):
        known = inspect.signature(command.callback, eval_str=True).parameters
        for parameter in command.params:
            of_path = parameter.name in known and "Path" in str(known[parameter.name].annotation)
            if of_path and parameter.param_type_name == "option":
                yield *path, parameter.opts[0]


def test_every_option_that_takes_a_path_refuses_an_empty_one(capsys: pytest.CaptureFixture[str]) -> None:
    options = list(options_of_paths(click_command()))
    assert {("run", "--out"), ("new", "--into"), ("evaluate", "--misread")} <= set(options)
    for *command, option in options:
        assert main([*command, option, ""]) == 2
        assert f"{option}: the path is empty" in capsys.readouterr().err


def test_a_config_file_is_named_in_the_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("unknown.toml").write_text("epochs = 2\nlearning_rate = 0.1\n")
    assert main(["run", "--config", "unknown.toml"]) == 2
    assert "unknown.toml, line 2: no setting 'learning_rate'" in capsys.readouterr().err
    Path("wrong.toml").write_text("epochs = 0\n")
    assert main(["run", "--config", "wrong.toml", "--epochs", "1"]) == 2
    assert "wrong.toml: --epochs 0:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "successor"),
    [
        (["run", "--muon-scale", "3"], "--optimizer muon:scale=20"),
        (["ablate", "--muon-scale=3"], "--optimizer muon:scale=20"),
        (["run", "--blank-penalty-at-decoding"], "--decoder beam_cpp:blank_penalty=2"),
        (["show", "--no-blank-penalty-at-decoding"], "--decoder beam_cpp:blank_penalty=2"),
    ],
)
def test_a_removed_flag_names_its_successor(
    arguments: list[str], successor: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"no option {arguments[1].partition('=')[0]} any more" in line
    assert successor in line


def test_a_removed_flag_is_unknown_to_a_command_without_its_successor(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["report", "runs", "--muon-scale", "3"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no option --muon-scale" in line and "optimizer" not in line


def test_an_error_of_the_run_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    long_texts = "captcha:width=64,height=24,length=12,alphabet=digits"
    cases = {
        ("--device", "cuda"): "cuda",
        (
            "--dataset",
            long_texts,
            "--backbone",
            "cnn3:width=8",
        ): "frames",
        ("--init-from", "nowhere"): "--init-from nowhere",
        ("--resume",): "--resume",
        ("--out", str(_empty_file(tmp_path))): "can't be written",
    }
    for arguments, word in cases.items():
        assert main(["run", *TINY, *arguments]) == 2, arguments
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("ctcbench run: "), line
        assert word in line


def test_a_device_that_does_not_exist_is_an_error_before_images_are_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path / "cache"))
    assert main(["run", *TINY, "--device", "cuda:97", "--out", str(tmp_path / "runs")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--device cuda:97" in line
    assert list(tmp_path.iterdir()) == []


def _empty_file(folder: Path) -> Path:
    file = folder / "a-file"
    file.write_text("")
    return file


def test_a_bug_is_one_line_and_the_traceback_is_optional(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert report_error(ZeroDivisionError("oh"), "ctcbench run") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ctcbench run: a bug") and "CTCBENCH_TRACEBACK=1" in line
    # Errors of extensions quote the arguments.
    assert report_error(TypeError("x" * 100_000), "ctcbench run") == 1
    assert len(capsys.readouterr().err) < 2000
    monkeypatch.setenv("CTCBENCH_TRACEBACK", "1")
    assert report_error(ZeroDivisionError("oh"), "ctcbench run") == 1
    assert "ZeroDivisionError: oh" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ("report",),
        ("decode", "--decoder", "greedy"),
        ("predict", "a.png"),
        ("ablate",),
        ("new", "head", "short", "--into"),
        ("show", "--preset"),
    ],
    ids=" ".join,
)
def test_a_name_too_long_for_a_file_is_a_usage_error(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    name = "a" * 300
    words = [*command[:1], name, *command[1:]] if command[0] in ("decode", "predict") else [*command, name]
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"ctcbench {command[0]}: ") and "too long" in line and name in line


@pytest.mark.parametrize(
    "dataset, source",
    [
        ("captcha", "CTCBENCH_CACHE=~nobody-of-that-name/x"),
        ("folder:path=~nobody-of-that-name/x", "dataset folder: path=~nobody-of-that-name/x"),
    ],
)
def test_an_unknown_home_folder_is_a_usage_error(
    dataset: str, source: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CTCBENCH_CACHE", "~nobody-of-that-name/x")
    assert main(["data", "generate", dataset, "--samples", "2"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{source}: no home folder is known for ~nobody-of-that-name" in line


@pytest.mark.parametrize(
    "error, code, words",
    [
        (CtcbenchError("broken"), 1, "ctcbench run: broken"),
        (Interrupted("saved"), 130, "ctcbench run: saved"),
        (KeyboardInterrupt(), 130, "ctcbench run: interrupted"),
        (
            OSError(errno.ENOSPC, "No space left on device", "x"),
            1,
            "ctcbench run: x: No space left on device",
        ),
        (MemoryError("big"), 1, "out of memory (big): try a smaller --batch-size"),
        (MemoryError(), 1, "out of memory (MemoryError): try a smaller"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), 1, "out of memory ("),
        (OSError(errno.EBADF, "Bad file descriptor", "standard output"), 1, "standard output: Bad file"),
        (SystemExit(3), 3, ""),
    ],
)
def test_exit_codes(error: BaseException, code: int, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert report_error(error, "ctcbench run") == code
    assert words in capsys.readouterr().err


def test_lines_of_a_message_become_one_without_control_characters() -> None:
    assert one_line("bad:\n  a\n  b\n--skip-bad leaves it out") == "bad: a; b; --skip-bad leaves it out"
    assert one_line("\x1b[31mred") == "\\x1b[31mred"


def test_a_closed_pipe_is_no_error() -> None:
    command = [sys.executable, "-m", "ctcbench", "run", "--help"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.wait(60) == 0
    assert process.stderr.read() == b""


@pytest.mark.landing
def test_ctrl_c_prints_the_command_to_resume(tmp_path: Path) -> None:
    words = ["run", *TINY, "--epochs", "2000"]
    process = ForkedPython("ctcbench", *words, env=dict(os.environ), cwd=tmp_path)
    for line in process.stderr:
        if "validation" in line:
            break
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "resume with: ctcbench run" in err.splitlines()[-1]
    assert err.splitlines()[-1].endswith("--epochs 2000 --resume")


def test_the_program_in_a_process_of_its_own_reports_like_main() -> None:
    command = [sys.executable, "-m", "ctcbench", "run", "--epochs", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (2, "", 1)
