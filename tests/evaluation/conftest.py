"""The environment in which a fresh interpreter finds this checkout."""

import os
from pathlib import Path

import pytest

import ctcbench


@pytest.fixture
def ctcbench_env():
    return {**os.environ, "PYTHONPATH": str(Path(ctcbench.__file__).parents[1])}
