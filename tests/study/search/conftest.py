"""Fixtures of the tests of searches."""

import pytest

from tests.study import study_cases


@pytest.fixture(scope="module")
def in_process(tmp_path_factory):
    """Run the trials of searches in this process."""
    with study_cases.in_process(tmp_path_factory.mktemp("executor")):
        yield
