"""run_plan(): runs the pending trials of a plan; the executor that a component string names."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from ctcbench.contract.executors import Executor
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_checks import require_executor
from ctcbench.registry.component_registry import Registry
from ctcbench.study.plan import Plan
from ctcbench.study.trial_runner import StudyListener, StudyOutcome, TrialRunner


def build_executor(registry: Registry, text: str, devices: Collection[str]) -> Executor:
    """Build the executor that `text` names, for trials with these values of the setting ``device``.

    Raises:
        UsageError: there is no such executor, or an option of it is wrong.
        PluginError: the built object is not an executor.
    """
    executor: Executor = registry.build("executor", text)
    # Optional. An executor need not give each worker a GPU, for example, if the study runs on the CPU.
    if for_devices := getattr(executor, "for_devices", None):
        with attribute_errors(f"{registry.describe_owner('executor', text)}: for_devices failed"):
            executor = for_devices(devices)
    return require_executor(registry.describe_owner("executor", text), executor)


def executor_resources(executor: Executor) -> dict[str, Any]:
    """Return what an executor reports about itself (workers, threads, GPUs); the study records it.

    Raises:
        PluginError: `describe` failed, or returned something that JSON cannot hold.
    """
    with attribute_errors(f"executor {type(executor).__name__}: describe failed"):
        resources = dict(executor.describe())
        # Tried here, so that the error names the executor and not the file that stores it.
        json.dumps(resources, allow_nan=False)
    return resources


def run_plan(
    plan: Plan,
    executor: Executor,
    study_listener: StudyListener,
    *,
    resources: Mapping[str, Any],
    checkpoint_seconds: float = 60.0,
    graph: bool | None = None,
    resume_command: str = "the same command",
) -> StudyOutcome:
    """Run the pending trials of a plan.

    The caller holds the lock of the study folder and has written the plan.

    Raises:
        Interrupted: the user stopped the study; the state of every trial is saved.
        PluginError: the executor failed.
        UsageError: the study folder can't be written.
    """
    study_outcome = StudyOutcome(failed=plan.failed)
    todo = plan.at("decode", "resume", "train")

    def describe_state() -> str:
        done = sum(o.state == "done" for o in study_outcome.outcomes.values()) + len(plan.at("done"))
        return f"{done} of {len(plan.models)} models done"

    TrialRunner(
        plan.folder,
        executor,
        study_listener,
        study_outcome,
        resources=resources,
        order={"checkpoint_seconds": checkpoint_seconds, "graph": graph},
        describe_state=describe_state,
        resume_command=resume_command,
    ).run(todo)
    # An executor may end early without an error; a model without an outcome must not count as done.
    for key in {model.key for model in todo} - study_outcome.outcomes.keys():
        study_outcome.failed[key] = "the executor returned no outcome for it"
    return study_outcome
