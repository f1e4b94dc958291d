import pytest

from ctcbench.processes.cores import available_cores, computing_cores


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", 1), ("1,4", 1), (" 1 ", 1), ("", None), ("0", None), ("many", None), ("999", None)],
)
def test_the_cores_of_torch_are_those_that_the_environment_allows(monkeypatch, value, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert computing_cores() == (expected or available_cores())
