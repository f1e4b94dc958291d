"""The parts of the executor: its files, its request to the cluster, and its errors."""

import json
import os
import stat
import time

import pytest
from ctcbench_slurm import job_folder, slurm
from ctcbench_slurm.executor import _session_folder
from ctcbench_slurm.job_folder import JobFolder, Lease, beat
from ctcbench_slurm.job_request import JobRequest
from ctcbench_slurm.trial_job import run_job

from ctcbench import CtcbenchError, UsageError
from ctcbench.files.plain_files import NotPlain


def test_events_arrive_once_and_whole(tmp_path):
    job, study = JobFolder(tmp_path), JobFolder(tmp_path)
    assert list(study.new_events()) == [] and study.read("outcome") is None
    job.append_event({"kind": "epoch", "epoch": 1})
    assert list(study.new_events()) == [{"kind": "epoch", "epoch": 1}]
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"kind": "epoch", "ep')
        file.flush()
        assert list(study.new_events()) == []
        file.write('och": 2}\n')
    job.append_event({"kind": "notice", "text": "…"})
    assert [event["kind"] for event in study.new_events()] == ["epoch", "notice"]
    assert list(study.new_events()) == []
    assert not job.stop_requested()
    study.request_stop()
    assert job.stop_requested()


def test_the_events_of_a_long_training_may_be_many(tmp_path, monkeypatch):
    monkeypatch.setattr(job_folder, "_LIMIT", 200)
    monkeypatch.setattr(job_folder, "_AT_ONCE", 16)
    job, study = JobFolder(tmp_path), JobFolder(tmp_path)
    for epoch in range(10):
        job.append_event({"kind": "epoch", "epoch": epoch})
    (tmp_path / "events.jsonl").open("a").write('{"kind": "no')
    assert [event["epoch"] for event in study.new_events()] == [*range(10)]
    assert list(study.new_events()) == []
    (tmp_path / "events.jsonl").open("a").write('tice"}\n' + "x" * 300)
    events = study.new_events()
    assert next(events) == {"kind": "notice"}
    with pytest.raises(CtcbenchError, match=r"events\.jsonl: an event has more than 200 bytes"):
        next(events)


def test_a_link_and_a_damaged_file_are_refused(tmp_path):
    (tmp_path / "secret").write_text("{}")
    (tmp_path / "outcome.json").symlink_to(tmp_path / "secret")
    with pytest.raises(NotPlain):
        JobFolder(tmp_path).read("outcome")
    (tmp_path / "started.json").write_text("[")
    with pytest.raises(CtcbenchError, match=r"started\.json"):
        JobFolder(tmp_path).read("started")


def test_a_lease_is_over_without_a_heartbeat(tmp_path):
    beat(tmp_path, 0)
    lease = Lease(tmp_path, 0.05)
    assert not lease.is_over()
    time.sleep(0.06)
    assert lease.is_over()
    beat(tmp_path, 1)
    assert not lease.is_over()
    (tmp_path / "alive").unlink()
    assert lease.is_over()


def test_the_session_folder_is_private_and_replaces_a_stale_one(tmp_path):
    stale = tmp_path / "studies" / ".ctcbench-slurm-old"
    stale.mkdir(parents=True)
    with _session_folder(tmp_path) as session:
        assert not stale.exists()
        assert stat.S_IMODE(session.stat().st_mode) == 0o700
        assert (session / "alive").exists() and session.parent == tmp_path / "studies"
    assert not session.exists()


def test_options_and_description():
    executor = slurm(workers="3", cpus="2", gpus="1", partition="long")
    assert executor.describe() == {"workers": 3, "threads": 2, "gpus": 1}
    assert executor.request.names["partition"] == "long"
    for options, words in [
        ({"workers": "0"}, "workers=0: out of bounds"),
        ({"cpus": "many"}, "cpus=many: not a whole number"),
        ({"cluster": "pbs"}, "cluster=pbs: not one of the choices"),
        ({"partitoin": "long"}, "no option 'partitoin'; did you mean 'partition'?"),
    ]:
        with pytest.raises(UsageError, match=words.replace("?", r"\?")):
            slurm(**options)


def test_without_slurm_or_submitit_the_error_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="no sbatch and srun on this machine: start the study on a login"):
        JobRequest().submitter(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "submitit", None)
    with pytest.raises(UsageError, match="pip install ctcbench-slurm"):
        JobRequest().submitter(tmp_path)


def commands_of_slurm(folder, sbatch):
    """Write programs of Slurm's names; `sbatch` is a shell script."""
    folder.mkdir()
    for name, script in {"sbatch": sbatch, "srun": "true", "sacct": "true", "scancel": "true"}.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)


def test_the_options_reach_sbatch(submitit, tmp_path, monkeypatch):
    commands_of_slurm(tmp_path / "bin", f"cp $1 {tmp_path}/sent; echo Submitted batch job 4711")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    names = {"partition": "gpu", "account": "ocr", "qos": "", "constraint": "a100|h100"}
    submitter = JobRequest("slurm", 4, 2, 16, 90, names).submitter(tmp_path / "jobs")
    job = submitter.submit(run_job, "folder")
    assert job.job_id == "4711"
    sent = (tmp_path / "sent").read_text().replace("'", "")
    lines = [line.removeprefix("#SBATCH --") for line in sent.splitlines()]
    assert {"cpus-per-task=4", "gpus-per-node=2", "mem=16GB", "time=90", "partition=gpu"} <= set(lines)
    assert {"account=ocr", "constraint=a100|h100", "signal=USR2@120", "nodes=1"} <= set(lines)
    assert not any(line.startswith("qos") for line in lines)


def test_a_job_that_slurm_refuses_is_one_line(submitit, tmp_path, monkeypatch):
    from ctcbench_slurm.submitted_trial import SubmittedTrial

    from ctcbench import Trial

    commands_of_slurm(tmp_path / "bin", "echo 'sbatch: error: invalid partition specified: gpu' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    request = JobRequest(names={"partition": "gpu"})
    submitted = SubmittedTrial(Trial("key", "label", {"key": "key"}))
    with pytest.raises(CtcbenchError, match=r"the job can't be submitted .*invalid partition") as refused:
        submitted.submit(request.submitter(tmp_path / "jobs"), tmp_path / "job", request)
    assert "\n" not in str(refused.value)


def test_a_study_loads_no_pickle(submitit, tmp_path, monkeypatch):
    """The result that submitit pickles in a job is not read."""
    from ctcbench import Listener, Trial

    def refuse(*_, **__):
        raise AssertionError("a pickle")

    monkeypatch.setattr("pickle.loads", refuse)
    monkeypatch.setattr("pickle.load", refuse)
    monkeypatch.setattr("submitit.core.utils.pickle_load", refuse)
    order = {"key": "one", "out": str(tmp_path), "configs": [{"no_such_setting": 1}]}
    listener = Listener(lambda key, worker, event: None, lambda: False, lambda key: False)
    [outcome] = slurm(cluster="local").run([Trial("one", "one", order)], listener)
    assert (outcome.key, outcome.state) == ("one", "failed")
    assert "no setting 'no_such_setting'" in outcome.error
    assert json.dumps(outcome.to_json())
    assert not list((tmp_path / "studies").glob(".ctcbench-slurm-*"))
