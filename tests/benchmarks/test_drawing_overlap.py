"""`ctcbench bench drawing`: whole runs whose images are drawn before and during the training."""

import json
import os
from pathlib import Path

import pytest

from ctcbench.__main__ import main
from ctcbench.benchmarks import drawing_overlap
from ctcbench.benchmarks.drawing_overlap import OverlapTimes
from tests.tiny_config import tiny

TIMES = OverlapTimes([4.0, 4.4], [3.0, 3.3], [1.0, 1.2], [1.1, 1.3])


@pytest.mark.landing
def test_each_round_runs_both_ways_from_an_empty_cache(registry, monkeypatch, tmp_path):
    monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path / "own"))
    runs, run = [], drawing_overlap.run

    def recorded(recipe, runtime):
        cache = Path(os.environ["CTCBENCH_CACHE"])
        assert not cache.exists()
        result = run(recipe, runtime)
        assert [*cache.iterdir()]
        runs.append(runtime.overlap)
        return result

    monkeypatch.setattr(drawing_overlap, "run", recorded)
    config = tiny(train_samples=220, batch_size=64, max_steps=2)
    times = drawing_overlap.measure(registry, config, 2)
    assert runs == [False, True, False, False, True]
    assert len(times.before) == len(times.during) == 2
    assert min(times.training_before + times.training_during) > 0
    assert os.environ["CTCBENCH_CACHE"] == str(tmp_path / "own")
    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_prints_medians_and_the_ratio_of_each_round(monkeypatch, capsys, as_json):
    seen = []
    monkeypatch.setattr(
        drawing_overlap, "measure", lambda registry, config, rounds, notice: (seen.append(rounds), TIMES)[1]
    )
    assert main(["bench", "drawing", "--rounds", "2", *(["--json"] if as_json else [])]) == 0
    out = capsys.readouterr().out
    assert seen == [2]
    if as_json:
        document = json.loads(out)
        assert document["ratio"]["median"] == pytest.approx(0.75)
        assert document["before"]["median"] == pytest.approx(4.2)
    else:
        assert "during / before: 0.750" in out
        assert "4.20 (" in out
