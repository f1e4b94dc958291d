"""Studies on a real cluster of two nodes have the results of `local`, bit for bit, whatever is killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import ray_cases
from ray_cases import GRID, ONE, ablate, ending, of_one, trained_a_while

from ctcbench.results.run_folder import RunFolder


def words(text):
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("files", "victim"),
    [
        ("sent", "ray worker"),
        *(
            pytest.param("auto", victim, marks=pytest.mark.slow)
            for victim in ("nobody", "ray worker", "process")
        ),
    ],
)
def test_two_nodes_have_the_results_of_local_even_if_a_worker_is_killed(
    study, whole, tmp_path, files, victim
):
    scratch = tmp_path / "scratch"
    running = study(*GRID, "--json", out=tmp_path / "runs", options=f"files={files},scratch={scratch}")
    places = running.wait_for(lambda: len(found := running.workers()) == 2 and found)
    assert len({parent for _, parent, _ in places}) == 2
    if victim != "nobody":
        key = running.wait_for(trained_a_while(tmp_path / "runs"))
        [(process, worker)] = [(pid, parent) for pid, parent, name in running.workers() if name == key]
        os.kill(worker if victim == "ray worker" else process, signal.SIGKILL)
    standard_output, said = running.end(0)
    json.loads(standard_output)  # nothing of Ray's own in it
    if victim != "nobody":
        assert "its trial resumes from its last checkpoint" in words(said)
        assert re.search(r"after step \d+ of", words(said))  # not from the start
    assert ending(tmp_path / "runs") == whole
    [plan] = [json.loads(path.read_text()) for path in (tmp_path / "runs").glob("studies/*/plan.json")]
    assert plan["resources"] == {"workers": 2, "threads": 1, "gpus": 0.0}
    assert not list((tmp_path / "runs" / "studies").glob(".ctcbench-ray-*"))
    assert not list(scratch.glob("ctcbench-trial-*"))


@pytest.mark.slow
def test_a_trial_that_loses_its_worker_too_often_fails_and_the_others_run(study, tmp_path):
    running = study(*GRID, options="workers=1,retries=0")
    running.wait_for(trained_a_while(tmp_path))
    [(_, worker, _)] = running.workers()
    os.kill(worker, signal.SIGKILL)
    running.end(1)
    records = [json.loads(path.read_text()) for path in tmp_path.glob("studies/*/trials/*.json")]
    assert sorted(record["state"] for record in records) == ["done", "failed"]
    [error] = [record["error"] for record in records if record["error"]]
    assert "died (killed, or out of memory) (retries=0)" in error
    assert error.startswith("worker 1 on ")


@pytest.mark.slow
def test_a_trial_that_fails_by_itself_is_not_tried_again(study, tmp_path):
    running = study(*ONE, "--lr", "0.003", "--lr", "1e30", options="files=sent")
    standard_output, said = running.end(1)
    assert "lr=1e+30" in standard_output
    assert "resumes" not in said
    assert sum("results" in name for name in ending(tmp_path)) == 2


@pytest.mark.slow
@pytest.mark.parametrize("files", ["auto", "sent"])
def test_ctrl_c_saves_and_the_same_command_resumes(study, whole, tmp_path, files):
    scratch = tmp_path / "scratch"
    options = f"workers=1,files={files},scratch={scratch}"
    running = study(*GRID, out=tmp_path / "runs", options=options)
    running.wait_for(trained_a_while(tmp_path / "runs"))
    running.process.send_signal(signal.SIGINT)
    _, said = running.end(130)
    assert "stopped, state saved" in said
    assert "stopped with 0 of 2 models done" in words(said)
    assert not running.workers()
    assert not list(scratch.glob("ctcbench-trial-*"))
    again = study(*GRID, out=tmp_path / "runs", options=options)
    _, said = again.end(0)
    assert "1 to resume" in said
    assert ending(tmp_path / "runs") == whole


@pytest.mark.slow
@pytest.mark.parametrize("files", ["auto", "sent"])
def test_workers_end_with_a_study_that_is_killed(study, whole, tmp_path, files):
    running = study(*GRID, options=f"files={files}")
    running.wait_for(trained_a_while(tmp_path))
    assert running.workers()
    running.process.kill()
    killed = time.monotonic()
    again = study(*GRID, options=f"files={files}")  # at once, while the workers may still be there
    while running.workers():
        assert time.monotonic() - killed < 60, "workers outlive the study"
        time.sleep(0.05)
    again.end(0)
    assert ending(tmp_path) == whole


@pytest.mark.slow
@pytest.mark.parametrize("files", ["auto", "sent"])
def test_a_trial_whose_node_is_lost_resumes_on_another(cluster, study, whole, tmp_path, files):
    def another():
        return cluster.add_node(num_cpus=1, num_gpus=1, object_store_memory=80 * 2**20)

    nodes = [another()]
    try:
        # Only these nodes have what it requests, though nothing trains on it.
        running = study(*ONE, options=f"gpus=1,wait=60,files={files}")
        running.wait_for(trained_a_while(tmp_path))
        cluster.remove_node(nodes.pop(), allow_graceful=False)
        nodes.append(another())
        _, said = running.end(0)
    finally:
        for node in nodes:
            cluster.remove_node(node)
    assert "its trial resumes from its last checkpoint" in words(said)
    assert ending(tmp_path) == of_one(whole)


@pytest.mark.slow
def test_a_local_cluster_ends_with_the_study(whole, tmp_path):
    pytest.importorskip("ray", reason="ray is not installed")
    running = ray_cases.Study(*GRID, "--out", tmp_path, executor="ray:address=local", scratch=tmp_path)
    running.wait_for(trained_a_while(tmp_path))
    parts = ray_cases.descendants(running.process.pid)
    assert any(b"raylet" in name for name in parts.values())
    running.process.kill()
    running.process.communicate()
    killed = time.monotonic()
    while running.workers():
        assert time.monotonic() - killed < 60, "workers outlive the study"
        time.sleep(0.1)
    # Ray's own agents try for a while to reach the cluster.
    while any(map(ray_cases.alive, parts)):
        assert time.monotonic() - killed < 180, [parts[pid] for pid in parts if ray_cases.alive(pid)]
        time.sleep(0.1)
    done = ablate(*GRID, "--out", tmp_path, executor="ray:address=local")
    assert done.returncode == 0, done.stderr
    assert ending(tmp_path) == whole


CONTRACT = """
import sys
from ctcbench.testing import check_executor, executor_rules
from ctcbench_ray import ray
executor_rules._SECONDS = 300.0  # a worker of Ray takes long to start on a busy machine
check_executor(ray, address=sys.argv[1])
check_executor(ray, address=sys.argv[1], workers=1)
"""


@pytest.mark.slow
def test_it_keeps_the_contract(cluster):
    # In a process of its own: an executor that has described itself stays connected to the cluster.
    words = [sys.executable, "-c", CONTRACT, cluster.address]
    checked = subprocess.run(words, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


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
@pytest.mark.parametrize("files", ["auto", "sent"])
def test_a_search_prunes_trials_on_the_nodes(cluster, tmp_path, files):
    pytest.importorskip("optuna", reason="optuna is not installed")
    (tmp_path / "search.toml").write_text(SEARCH)
    executor = f"ray:address='{cluster.address}',workers=1,files={files}"
    words = ["tune", tmp_path / "search.toml", "--out", tmp_path / "runs", "--json", "--executor", executor]
    searched = ray_cases.ctcbench(*words)
    assert searched.returncode == 0, searched.stderr
    trials = json.loads(searched.stdout)["trials"]
    assert trials[0]["state"] == "complete"
    [pruned, *_] = [trial for trial in trials if trial["state"] == "pruned"]
    run = RunFolder(Path(pruned["runs"][0]))
    assert run.has(run.checkpoint_path) and not run.is_finished
