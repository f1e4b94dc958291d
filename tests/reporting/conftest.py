"""A grid of results for tests of reports."""

import pytest

from ctcbench.contract.hooks import Column
from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.report_model import Failure
from tests.reporting.report_cases import a_grid, read_again


@pytest.fixture(scope="session")
def grid(tmp_path_factory):
    out = tmp_path_factory.mktemp("grid")
    a_grid(out)
    return read_again(out)


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    out = tmp_path_factory.mktemp("formats")
    results = a_grid(out, seeds=3)
    return build_report(
        results,
        columns=[Column("joules", lambda document: "7|8")],
        damaged=["x.json: damaged"],
        failures=[Failure(out / "abc", "out of memory", "cnn9_x")],
    )
