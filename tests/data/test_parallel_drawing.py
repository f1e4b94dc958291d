"""Drawing in this process and in workers: data sets that break their contract, workers that die."""

from __future__ import annotations

import warnings

import pytest

from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError

RAISES = ("raise", PluginError, "ctcbench-marks.*: .*mark 150 failed: ZeroDivisionError: oh dear")
FOREIGN = ("text", UsageError, "mark 150: its text 'x' has 'x', which the alphabet lacks")


@pytest.mark.parametrize(
    ("workers", "fault", "kind", "message"),
    [
        (1, *RAISES),
        (
            1,
            "shape",
            PluginError,
            r"ctcbench-marks.*mark 150 is uint8 \(1, 6, 4\), not uint8 \(1, 4, 6\)",
        ),
        (1, "dtype", PluginError, "mark 150 is float32"),
        (1, "width", PluginError, "width of mark 150 is 7, not 1 to 6"),
        (1, *FOREIGN),
        # A worker makes the same checks; of each kind of error, one comes from a worker.
        (2, *RAISES),
        (2, *FOREIGN),
    ],
)
def test_the_error_for_a_broken_contract_names_the_owner_and_the_sample(
    draw, cache, workers, fault, kind, message
):
    with pytest.raises(kind, match=message):
        draw(f"fault={fault}", count=300, workers=workers)
    assert [path.name for path in cache.iterdir()] == ["locks"]


def test_a_fingerprint_that_differs_between_processes_is_an_error(draw):
    with pytest.raises(UsageError, match="the fingerprint of train differs between processes"):
        draw("fault=fingerprint", count=300, workers=2)


def test_prints_of_a_plugin_do_not_break_the_protocol(draw):
    assert len(draw("fault=print", count=300, workers=2)) == 300


@pytest.mark.parametrize(("fault", "message"), [("kill", "killed by SIGKILL"), ("exit", "exit code 3")])
def test_a_worker_that_dies_is_an_error_and_leaves_no_draft(draw, cache, fault, message):
    with pytest.raises(CtcbenchError, match=f"images (0 to 149|150 to 299).*{message}"):
        draw(f"fault={fault}", count=300, workers=2)
    assert [path.name for path in cache.iterdir()] == ["locks"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(draw(count=300)) == 300
