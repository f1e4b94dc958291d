"""Studies whose trials are jobs have the results of `local`, bit for bit, whatever is killed."""

import json
import os
import signal

import pytest
from ctcbench_slurm import slurm
from slurm_cases import FLAGS, ctcbench, ending, has_epochs, jobs, wait_until

from ctcbench.testing import check_executor


def words(text):
    return " ".join(text.split())


def test_a_job_that_is_killed_is_resumed_to_the_results_of_local(begin, whole, tmp_path):
    study = begin("ablate", *FLAGS, "--json")
    wait_until(lambda: has_epochs(tmp_path), study)
    for pid in jobs(tmp_path):
        os.kill(pid, signal.SIGKILL)
    printed, progress = study.communicate(timeout=300)
    assert study.returncode == 0, progress
    json.loads(printed)  # nothing of submitit's own in it
    assert "its trial resumes from its last checkpoint in another job" in words(progress)
    assert "resumed after step" in words(progress)
    assert ending(tmp_path) == whole
    [plan] = [json.loads(path.read_text()) for path in tmp_path.glob("studies/*/plan.json")]
    assert plan["resources"] == {"workers": 4, "threads": 1, "gpus": 0}


@pytest.mark.slow
def test_a_job_that_the_cluster_ends_is_resumed(begin, whole, tmp_path):
    study = begin("ablate", *FLAGS)
    wait_until(lambda: has_epochs(tmp_path), study)
    for pid in jobs(tmp_path):
        os.kill(pid, signal.SIGUSR2)  # Slurm's signal before the time limit
    _, progress = study.communicate(timeout=300)
    assert study.returncode == 0, progress
    assert "was ended by the cluster (time limit, preemption or scancel)" in words(progress)
    assert ending(tmp_path) == whole


@pytest.mark.slow
def test_a_trial_whose_jobs_are_lost_too_often_fails(begin, tmp_path):
    study = begin("ablate", *FLAGS, options=",retries=0")
    wait_until(lambda: has_epochs(tmp_path), study)
    for pid in jobs(tmp_path):
        os.kill(pid, signal.SIGKILL)
    _, progress = study.communicate(timeout=300)
    assert study.returncode == 1
    assert "ended without an outcome (state FINISHED) (retries=0)" in words(progress)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_study_that_is_stopped_or_killed_leaves_no_job_and_resumes(begin, whole, tmp_path, number):
    study = begin("ablate", *FLAGS)
    wait_until(lambda: has_epochs(tmp_path), study)
    os.kill(study.pid, number)
    study.communicate(timeout=120)
    assert study.returncode == (130 if number == signal.SIGINT else -signal.SIGKILL)
    if number == signal.SIGINT:
        assert not jobs(tmp_path)
    # After kill -9 the next start removes the folder of the jobs, which ends them.
    done = ctcbench("ablate", *FLAGS, "--out", tmp_path, "--executor", "slurm:cluster=local")
    if "another process" in done.stdout + done.stderr:
        done = ctcbench("ablate", *FLAGS, "--out", tmp_path, "--executor", "slurm:cluster=local")
    assert done.returncode == 0, done.stderr
    assert ending(tmp_path) == whole


@pytest.mark.slow
def test_it_keeps_the_contract(submitit):
    check_executor(slurm, cluster="local", workers=1)
    check_executor(slurm, cluster="local", workers=2)


SEARCH = """
trials = 3
objective = "loss"
pruning = { first = 1e-3, reduction = 2 }
[base]
dataset = "captcha:width=60,height=24,length=2,alphabet=digits"
backbone = "cnn3:width=4"
decoder = "greedy"
device = "cpu"
train_samples = 70
val_samples = 10
test_samples = 12
batch_size = 16
epochs = 100000
max_steps = 400
[space]
lr = [1e-3, 1e-12]
head = ["bigru1:width=8", "none"]
"""


@pytest.mark.slow
def test_a_search_prunes_jobs(begin, tmp_path):
    pytest.importorskip("optuna", reason="optuna is not installed")
    path = tmp_path / "search.toml"
    path.write_text(SEARCH)
    search = begin("tune", path, "--json", options=",workers=1")
    printed, progress = search.communicate(timeout=400)
    assert search.returncode == 0, progress
    states = [trial["state"] for trial in json.loads(printed)["trials"]]
    assert "pruned" in states and states[0] == "complete"
