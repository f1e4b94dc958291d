"""The decoder without the rest: `pip install --no-deps ctcbench numpy` in a clean environment."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

pytestmark = pytest.mark.landing

ROOT = Path(__file__).parent.parent.parent

DECODE = """
import sys

import numpy as np

from ctcbench.decoding import Hypothesis, beam_search, beam_search_arrays, greedy_search
from ctcbench.decoding.reference import beam_search_reference

log_probs_TK = np.log([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.7, 0.2]])
(best,) = beam_search(log_probs_TK)
assert isinstance(best, Hypothesis)
assert best.labels == greedy_search(log_probs_TK).labels == (1, 1), best
assert best.labels == beam_search_reference(log_probs_TK)[0].labels
assert beam_search_arrays(log_probs_TK).labels.tolist() == [[1, 1]]
assert beam_search(log_probs_TK[None] - 5, normalize=True, blank_penalty=1, threads=2)[0][0].frames == (0, 2)
loaded = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print(sorted(name for name in loaded if not name.startswith("_")))
"""


@pytest.fixture(scope="module")
def environment(built, run, tmp_path_factory):
    """Install the wheel and numpy, and nothing else, in a new virtual environment; return its folder."""
    folder = tmp_path_factory.mktemp("decoder_alone") / "venv"
    venv.create(folder)
    python, constraints = folder / "bin" / "python", ROOT / "constraints.txt"
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-compile")
    run(*pip, "--no-deps", "--constraint", str(constraints), str(built[1]), "numpy")
    return folder


def run_in(environment, *command):
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "CTCBENCH"))}
    command = [str(environment / "bin" / command[0]), *command[1:]]
    return subprocess.run(command, cwd=environment, env=variables, capture_output=True, text=True, timeout=60)


def test_it_decodes_with_numpy_alone(environment):
    done = run_in(environment, "python", "-c", DECODE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['ctcbench', 'numpy']\n"


@pytest.mark.parametrize("arguments", [(), ("run", "--help"), ("run", "--preset", "fast")])
def test_the_command_line_lists_what_to_install(environment, arguments):
    done = run_in(environment, "ctcbench", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("ctcbench: the command line needs packages that are not installed: torch, ")
    assert "typer" in line and "numpy" not in line and "pytest" not in line
    assert "run `pip install ctcbench` without --no-deps" in line
