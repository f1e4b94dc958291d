from ctcbench_slurm.job_folder import JobFolder, Lease
from ctcbench_slurm.trial_job import _Supervision


def test_short_epochs_do_not_keep_progress_from_being_shown(tmp_path):
    job = JobFolder(tmp_path)
    supervision = _Supervision(job, Lease(tmp_path, 60.0), [])
    for step in range(3):
        supervision._pass_on({"kind": "epoch", "step": step})
        supervision._pass_on({"kind": "training", "step": step})
    # Of the progress only what comes some seconds after the last one; of the epochs all.
    assert [event["kind"] for event in job.new_events()] == ["epoch", "training", "epoch", "epoch"]
