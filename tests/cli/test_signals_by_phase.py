"""Stop signals in every phase of a command: exit code 130, the command that resumes, nothing left over."""

import os
import signal
from pathlib import Path

import pytest

from tests import forked_python
from tests.cli.cli_cases import TINY

ROOT = Path(__file__).parents[2]
RESUME = "resume with: ctcbench run --dataset "
NOTHING = "interrupted before the first checkpoint: there is nothing to resume"
MOMENTS = [
    ("drawing", signal.SIGTERM, NOTHING),
    pytest.param("drawing", signal.SIGHUP, NOTHING, marks=pytest.mark.landing),
    ("validating", signal.SIGHUP, RESUME),
    ("saving a checkpoint", signal.SIGTERM, RESUME),
    ("reading", signal.SIGTERM, RESUME),
    ("storing log-probabilities", signal.SIGHUP, RESUME),
    ("decoding", signal.SIGTERM, RESUME),
    ("reporting", signal.SIGHUP, RESUME),
]


@pytest.fixture(scope="module")
def module_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def program(moment, number, arguments, folder, cache):
    """Run the program in `folder`, signalled at a moment, to its end."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        "CTCBENCH_CACHE": str(cache),
        "SIGNALLED": f"{moment}:{number:d}",
    }
    name = "tests.cli.signalled_program"
    return forked_python.run(name, *arguments, env=environment, cwd=folder, timeout=120)


def drafts(*folders):
    return [path for folder in folders for path in folder.rglob("*") if ".tmp" in path.name]


@pytest.mark.parametrize(("moment", "number", "words"), MOMENTS)
def test_a_run_is_stopped_in_any_phase(tmp_path, module_cache, moment, number, words):
    cache = tmp_path / "cache" if moment == "drawing" else module_cache
    # So many images that workers draw them.
    many = ["--train-samples", "300"] if moment == "drawing" else []
    arguments = ["run", *TINY, *many, "--epochs", "2"]
    stopped = program(moment, number, arguments, tmp_path, cache)
    assert stopped.returncode == 130, stopped.stderr
    last = stopped.stderr.splitlines()[-1]
    assert last.startswith("ctcbench run: ") and words in last
    assert "Traceback" not in stopped.stderr and "bug" not in stopped.stderr
    assert not stopped.stdout or moment == "reporting"
    assert not drafts(tmp_path, cache)
    assert (tmp_path / "runs").exists() == (words is RESUME)
    if words is RESUME:
        assert last.endswith("--epochs 2 --resume")


def test_a_study_is_stopped_before_its_first_trial(tmp_path, module_cache):
    arguments = ["ablate", *TINY, "--seeds", "2"]
    stopped = program("planning", signal.SIGTERM, arguments, tmp_path, module_cache)
    assert stopped.returncode == 130, stopped.stderr
    last = stopped.stderr.splitlines()[-1]
    assert last.startswith("ctcbench ablate: interrupted; resume with: ctcbench ablate --dataset ")
    assert "Traceback" not in stopped.stderr


def test_the_decoding_of_a_stored_run_is_stopped(tmp_path, module_cache):
    trained = program("planning", signal.SIGTERM, ["run", *TINY], tmp_path, module_cache)
    assert trained.returncode == 0  # a run has no such phase
    (run,) = (tmp_path / "runs").glob("*/")
    before = sorted(path.name for path in run.rglob("*"))
    arguments = ["decode", run, "--decoder", "beam_cpp"]
    stopped = program("decoding", signal.SIGHUP, arguments, tmp_path, module_cache)
    assert (stopped.returncode, stopped.stderr) == (130, "ctcbench decode: interrupted\n")
    assert sorted(path.name for path in run.rglob("*")) == before
