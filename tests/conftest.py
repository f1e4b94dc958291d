"""What all tests share: a cache folder of the test run's own, and the installed components."""

import os

# The models of tests are tiny: on a busy machine, a second thread makes them slower, some a thousand times.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest

from ctcbench.registry import component_registry as registries


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Keep drawn images away from the user's cache; tests of one run share them."""
    folder = tmp_path_factory.mktemp("cache")
    before = os.environ.get("CTCBENCH_CACHE")
    os.environ["CTCBENCH_CACHE"] = str(folder)
    yield folder
    if before is None:
        del os.environ["CTCBENCH_CACHE"]
    else:
        os.environ["CTCBENCH_CACHE"] = before


@pytest.fixture(scope="session")
def registry():
    """The components that ship."""
    return registries.load([])
