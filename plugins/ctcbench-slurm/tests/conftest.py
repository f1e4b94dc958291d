"""Studies on submitit's local cluster, whose jobs are processes of this machine."""

import os
import sys

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["CTCBENCH_PLUGINS"] = "slurm"  # an installed tracker would write files of its own

import slurm_cases


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    os.environ["CTCBENCH_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def submitit():
    """Submitit, where jobs can be found by /proc."""
    if sys.platform != "linux":
        pytest.skip("looks for jobs in /proc")
    return pytest.importorskip("submitit", reason="submitit is not installed")


@pytest.fixture(scope="session")
def whole(own_cache, tmp_path_factory):
    """The results of the study with the executor `local` and as many threads."""
    out = tmp_path_factory.mktemp("whole")
    done = slurm_cases.ctcbench("ablate", *slurm_cases.FLAGS, "--out", out, "--executor", "local:threads=1")
    assert done.returncode == 0, done.stderr
    found = slurm_cases.ending(out)
    assert sum("results" in name for name in found) == 1
    return found


@pytest.fixture
def begin(submitit, tmp_path):
    """Return ``begin(command, *arguments) -> Popen`` with results in `tmp_path`; the test leaves no job."""
    begun = []

    def start(command, *arguments, options=""):
        executor = f"slurm:cluster=local{options}"
        words = [command, *arguments, "--out", tmp_path, "--executor", executor]
        begun.append(slurm_cases.start(*words))
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()
    slurm_cases.wait_until(lambda: not slurm_cases.jobs(tmp_path))
