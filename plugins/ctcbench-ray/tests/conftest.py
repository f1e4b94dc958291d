"""One real Ray cluster of two nodes for all tests, and the expected results of a study."""

import os
import sys
import time

import pytest

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["CTCBENCH_PLUGINS"] = "ray"  # an installed tracker would write files of its own

import ray_cases

STORE = 80 * 2**20  # bytes of shared memory a node; by itself Ray takes 30 % of the machine's


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    os.environ["CTCBENCH_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def cluster(own_cache):
    """Two nodes of one CPU each, with the processes of real nodes, on this machine."""
    pytest.importorskip("ray", reason="ray is not installed")
    if sys.platform != "linux":
        pytest.skip("looks for workers in /proc")
    from ray.cluster_utils import Cluster

    # Otherwise Ray ends workers when other programs fill the memory of this machine.
    os.environ["RAY_memory_monitor_refresh_ms"] = "0"  # noqa: SIM112 (its name)
    found = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": STORE},
    )
    found.add_node(num_cpus=1, object_store_memory=STORE)
    found.wait_for_nodes()
    yield found
    found.shutdown()


@pytest.fixture(scope="session")
def whole(own_cache, tmp_path_factory):
    """The results of the study with the executor `local` and as many threads."""
    out = tmp_path_factory.mktemp("whole")
    # Nothing interrupts it: it needs no checkpoint after each step, and results must not depend on them.
    flags = [*ray_cases.GRID, "--checkpoint-seconds", "60"]
    done = ray_cases.ablate(*flags, "--out", out, executor="local:workers=2,threads=1")
    assert done.returncode == 0, done.stderr
    found = ray_cases.ending(out)
    assert sum("results" in name for name in found) == 4
    return found


@pytest.fixture
def study(cluster, tmp_path):
    """Return ``begin(*arguments, options) -> Study``; studies that still run are killed after the test."""
    begun = []

    def begin(*arguments, options="", out=tmp_path):
        executor = f"ray:address={cluster.address!r}" + (f",{options}" if options else "")
        begun.append(ray_cases.Study(*arguments, "--out", out, executor=executor, scratch=tmp_path))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.kill()
        one.process.communicate()
    deadline = time.monotonic() + 20
    while any(one.workers() for one in begun):  # the next test needs the CPUs
        assert time.monotonic() < deadline
        time.sleep(0.1)
