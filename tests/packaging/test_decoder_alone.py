"""The decoder with numpy alone: `ctcbench-decoder`, and `ctcbench` without what it requires."""

import importlib.metadata
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.landing

ROOT = Path(__file__).parent.parent.parent
DECODER = ROOT / "plugins" / "ctcbench-decoder"

DECODE = """
import sys

import numpy as np

from PACKAGE import Hypothesis, beam_search, beam_search_arrays, greedy_search
from PACKAGE.reference import beam_search_reference

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


def new_environment(folder, run, *arguments):
    """Install what the arguments of pip name, and nothing else, in a new virtual environment."""
    venv.create(folder)
    python, constraints = folder / "bin" / "python", ROOT / "constraints.txt"
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-compile")
    run(*pip, "--constraint", str(constraints), *arguments)
    return folder


@pytest.fixture(scope="module")
def environment(built, run, tmp_path_factory):
    """Return the folder of an environment with ctcbench and numpy."""
    folder = tmp_path_factory.mktemp("ctcbench_alone") / "venv"
    return new_environment(folder, run, "--no-deps", str(built[1]), "numpy")


def run_in(environment, *command):
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "CTCBENCH"))}
    command = [str(environment / "bin" / command[0]), *command[1:]]
    return subprocess.run(command, cwd=environment, env=variables, capture_output=True, text=True, timeout=60)


def test_ctcbench_decodes_with_numpy_alone(environment):
    done = run_in(environment, "python", "-c", DECODE.replace("PACKAGE", "ctcbench.decoding"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['ctcbench', 'numpy']\n"


def test_ctcbench_decoder_requires_numpy_alone_and_decodes(built_decoder, run, tmp_path):
    alone = new_environment(tmp_path / "venv", run, str(built_decoder[1]))
    (site,) = (alone / "lib").glob("python*/site-packages")
    assert {one.name for one in importlib.metadata.distributions(path=[str(site)])} == {
        "ctcbench-decoder",
        "numpy",
    }
    done = run_in(alone, "python", "-c", DECODE.replace("PACKAGE", "ctcbench_decoder"))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['ctcbench_decoder', 'numpy']\n"


def test_its_own_tests_pass_beside_ctcbench(built_decoder, run, tmp_path):
    install = ("install", "--quiet", "--no-compile", "--no-deps", "--no-index", "--target", str(tmp_path))
    run(sys.executable, "-m", "pip", *install, str(built_decoder[1]))
    tests = ("-m", "pytest", "-q", "-p", "no:cacheprovider", str(DECODER / "tests"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    assert " passed" in run(sys.executable, *tests, cwd=tmp_path, env=environment)


def test_the_sdist_has_what_the_wheel_is_built_from_and_nothing_else(built_decoder):
    with tarfile.open(built_decoder[0]) as archive:
        members = {member.name.partition("/")[2]: member for member in archive.getmembers()}
    assert all(member.isfile() or member.isdir() for member in members.values())  # no links
    folders = {name.partition("/")[0] for name, member in members.items() if member.isdir()}
    assert folders == {"", "csrc", "ctcbench_decoder", "ctcbench_decoder.egg-info", "tests"}
    sources = {f"csrc/{path.name}" for path in (ROOT / "csrc").glob("*.cpp")}
    sources |= {f"csrc/ctc/{path.name}" for path in (ROOT / "csrc" / "ctc").iterdir()}
    decoding = ROOT / "ctcbench" / "decoding"
    sources |= {f"ctcbench_decoder/{path.relative_to(decoding)}" for path in decoding.rglob("*.py")}
    assert sources | {"ctcbench_decoder/_core.pyi", "ctcbench_decoder/py.typed", "LICENSE"} <= members.keys()
    assert not any(name.endswith((".so", ".pyc")) or "captcha" in name for name in members)


def test_the_wheel_has_types_and_no_more_than_the_package(built_decoder):
    with zipfile.ZipFile(built_decoder[1]) as archive:
        names = set(archive.namelist())
    assert {"ctcbench_decoder/_core.pyi", "ctcbench_decoder/py.typed"} <= names
    folders = {name.partition("/")[0] for name in names}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {"ctcbench_decoder"}
    assert len([name for name in names if name.endswith((".so", ".pyd"))]) == 1


@pytest.mark.parametrize("arguments", [(), ("run", "--help"), ("run", "--preset", "fast")])
def test_the_command_line_lists_what_to_install(environment, arguments):
    done = run_in(environment, "ctcbench", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("ctcbench: the command line needs packages that are not installed: torch, ")
    assert "typer" in line and "numpy" not in line and "pytest" not in line
    assert "run `pip install ctcbench` without --no-deps" in line
