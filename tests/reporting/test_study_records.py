"""Failed trials in the records of studies."""

from __future__ import annotations

import json

from ctcbench.reporting.study_records import find_failures
from ctcbench.results.run_folder import RunFolder
from tests.reporting.report_cases import a_run


def test_failed_trials_of_studies_are_found(tmp_path):
    trials = tmp_path / "studies" / "one" / "trials"
    trials.mkdir(parents=True)
    for key, state, error in (("aaa", "failed", "out of\nmemory"), ("bbb", "done", "")):
        document = {
            "key": key,
            "state": state,
            "error": error,
            "label": "cnn3 seed 1",
            "finished": "2026-01-01",
        }
        (trials / f"{key}.json").write_text(json.dumps(document))
    (trials / "ccc.json").write_text("{")
    (failure,) = find_failures(tmp_path)
    assert str(failure) == f"{tmp_path / 'aaa'} (cnn3 seed 1): out of memory"
    later = tmp_path / "studies" / "two" / "trials"
    later.mkdir(parents=True)
    (later / "aaa.json").write_text(json.dumps({"key": "aaa", "state": "done", "finished": "2026-01-02"}))
    assert find_failures(tmp_path) == []


def test_a_trial_whose_results_exist_by_now_is_not_a_failure(tmp_path):
    result = a_run(tmp_path, decoder="greedy")
    run, key = RunFolder(result.folder), result.path.stem
    trial = {"key": run.path.name, "state": "failed", "error": "out of memory", "finished": "2026-01-01"}
    path = tmp_path / "studies" / "one" / "trials" / "trial.json"
    path.parent.mkdir(parents=True)

    def failures(*results):
        path.write_text(json.dumps(trial | {"results": list(results)}))
        return len(find_failures(tmp_path))

    assert failures(key) == 1  # what is there may be older: training is not finished
    run.weights_path.touch()
    run.finish({})
    assert failures(key) == 0
    assert failures(key, "beam_cpp") == 1  # that one is not there yet
    assert failures() == 0  # its worker was killed when it had made all results
    assert failures("../secret") == 1
    path.write_text(json.dumps(trial))  # of an early version, which did not list them
    assert len(find_failures(tmp_path)) == 1
    result.path.write_text("{")
    assert failures(key) == 1
