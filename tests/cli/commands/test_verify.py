"""`ctcbench verify`: changed files are named, and a folder that was edited by hand is accepted."""

from __future__ import annotations

import json
import os
import shutil
import tracemalloc

import pytest

from ctcbench.__main__ import main
from ctcbench.results.run_folder import RunFolder
from tests.reporting.report_cases import a_run


@pytest.fixture
def run(tmp_path):
    """A run folder with one result, finished and sealed."""
    folder = RunFolder(a_run(tmp_path / "runs", decoder="greedy").folder)
    folder.write(folder.weights_path, b"weights")
    folder.finish({"parameters": 1})
    return folder


def verified(capsys, *arguments):
    capsys.readouterr()
    code = main(["verify", *map(str, arguments)])
    return code, "".join(capsys.readouterr())


def test_an_unchanged_run_is_as_written(run, capsys):
    code, text = verified(capsys, run.path.parent)
    assert (code, text) == (0, f"{run.path}: all 5 files are as they were written\n")


def test_changed_and_added_files_are_named_until_they_are_accepted(run, capsys):
    result = run.result_path("greedy")
    document = json.loads(result.read_text())
    document["score"]["images"] += 1
    result.write_text(json.dumps(document))
    shutil.copy(result, result.with_name("copy.json"))
    code, text = verified(capsys, run.path)
    assert code == 1 and "changed: results/copy.json, results/greedy.json; restore them" in text
    assert main(["report", str(run.path)]) == 1
    code, text = verified(capsys, run.path, "--accept")
    assert code == 0 and "accepted results/copy.json, results/greedy.json" in text
    assert verified(capsys, run.path)[0] == 0 and main(["report", str(run.path)]) == 0


@pytest.mark.filterwarnings("default::ctcbench.results.run_files.UnverifiedRun")
def test_a_run_of_an_earlier_version_is_read_with_a_warning_until_it_is_accepted(run, capsys):
    (run.path / "manifest.json").unlink()
    code, text = verified(capsys, run.path)
    assert code == 1 and "no manifest.json, as in runs of earlier versions" in text
    assert main(["report", str(run.path), "--format", "csv"]) == 0
    warning = capsys.readouterr().err
    assert warning.count("no manifest.json") == 1 and f"`ctcbench verify {run.path} --accept`" in warning
    assert verified(capsys, run.path, "--accept")[0] == 0
    assert main(["report", str(run.path), "--format", "csv"]) == 0
    assert capsys.readouterr().err == ""


def test_a_damaged_manifest_can_be_accepted_too(run, capsys):
    (run.path / "manifest.json").write_text("{")
    assert verified(capsys, run.path)[0] == 1
    assert verified(capsys, run.path, "--accept")[0] == 0
    assert verified(capsys, run.path)[0] == 0


@pytest.mark.parametrize("flags", [[], ["--accept"]])
def test_links_and_pipes_are_not_accepted(run, capsys, flags):
    os.mkfifo(run.result_path("pipe"))
    code, text = verified(capsys, run.path, *flags)
    assert code == 1 and "pipe.json: is a pipe" in text


def test_an_unfinished_run_has_no_manifest(run, capsys):
    run.summary_path.unlink()
    (run.path / "manifest.json").unlink()
    code, text = verified(capsys, run.path, "--accept")
    assert code == 0 and "training is not finished" in text


def test_a_folder_without_runs_is_an_error(tmp_path, capsys):
    code, text = verified(capsys, tmp_path)
    assert code == 2 and "no runs there" in text


@pytest.mark.parametrize("name", ["config.toml", "weights.safetensors", "summary.json"])
def test_a_missing_file_is_named(run, capsys, name):
    shutil.copytree(run.path, run.path.with_name("other"))
    (run.path / name).unlink()
    code, text = verified(capsys, run.path.parent)
    # Without its settings a folder is no run folder.
    assert (code, name in text) == ((0, False) if name == "config.toml" else (1, True))
    if name != "config.toml":
        assert f"missing: {name}; restore them, or finish the run: `ctcbench run --config {run.path}" in text
        assert verified(capsys, run.path, "--accept")[0] == 1


def test_a_missing_file_that_is_not_needed_can_be_accepted(run, capsys):
    (run.path / "recognizer.json").write_text("{}")
    assert verified(capsys, run.path, "--accept")[0] == 0
    (run.path / "recognizer.json").unlink()
    (run.path / "results/greedy.json").unlink()
    code, text = verified(capsys, run.path)
    assert code == 1 and "missing: recognizer.json; restore them, or use --accept" in text
    code, text = verified(capsys, run.path, "--accept")
    assert code == 0 and "accepted recognizer.json, results/greedy.json" in text
    assert verified(capsys, run.path)[0] == 0


def test_large_files_are_read_in_parts_and_have_limits(run, capsys):
    os.truncate(run.path / "config.toml", 2**40)
    code, text = verified(capsys, run.path)
    assert code == 1 and "has 1,099,511,627,776 bytes, but such a file may have 1,048,576 at most" in text
    os.truncate(run.path / "config.toml", 0)
    os.truncate(run.path / "weights.safetensors", 2**28)  # sparse
    tracemalloc.start()
    code, text = verified(capsys, run.path)
    assert code == 1 and "changed: config.toml, weights.safetensors" in text
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()
