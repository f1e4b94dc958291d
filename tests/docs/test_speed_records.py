"""The rows of the speed record are those of their logs, and the logs obey the rules."""

import json
import re

from ctcbench.benchmarks.speedrun import FEWEST_RUNS
from tests.docs.pages import ROOT, read

DOCS = ROOT / "docs"
LOGS = sorted((DOCS / "speedrun").glob("*.json"))


def rows():
    table = read(DOCS / "speedrun.md").split("## Records")[1]
    return [line for line in table.splitlines() if line.startswith("|") and "json" in line]


def expected_row(log):
    exact, seconds = log["exact"], log["train_seconds"]
    return (
        f"| {log['target'] * 100:g} % | `{log['track']}` | "
        f"{exact['mean'] * 100:.2f} ± {exact['sd'] * 100:.2f} % | "
        f"{seconds['mean']:.0f} ± {seconds['sd']:.0f} | {log['tflop']:.1f} |"
    )


def test_each_row_has_the_figures_of_its_log():
    linked = []
    for row in rows():
        name = re.search(r"\(speedrun/(\S+\.json)\)", row)[1]
        linked.append(name)
        assert row.startswith(expected_row(json.loads(read(DOCS / "speedrun" / name))))
    assert sorted(linked) == [log.name for log in LOGS]


def test_logs_obey_the_rules():
    assert LOGS
    for path in LOGS:
        log = json.loads(read(path))
        exact = [run["exact"] for run in log["runs"]]
        assert [run["seed"] for run in log["runs"]] == list(range(len(exact)))
        assert len(exact) >= FEWEST_RUNS
        assert abs(sum(exact) / len(exact) - log["exact"]["mean"]) < 1e-9
        assert log["exact"]["mean"] >= log["target"]
        assert not log["shortfall"]
        assert log["config"]["dataset"] == "captcha"
        assert log["config"]["test_samples"] == 10_000
        assert not log["config"]["init_from"]
