"""run_search(): locks, runs and reports a search, for `ctcbench tune`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from ctcbench.cli.exit_codes import DONE, FAILED
from ctcbench.cli.output import output_console, print_json
from ctcbench.cli.search_progress import search_progress
from ctcbench.cli.search_results import SearchResults
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted
from ctcbench.registry.component_registry import Registry
from ctcbench.study.available_devices import require_gpu
from ctcbench.study.plan import Plan, PlannedModel
from ctcbench.study.plan_document import plan_document
from ctcbench.study.search.optimiser import Optimiser, best_first
from ctcbench.study.search.search_execution import SearchRun
from ctcbench.study.search.search_file import SearchSpec, check_configurations
from ctcbench.study.study_execution import build_executor, executor_resources
from ctcbench.study.study_folder import StudyFolder

_DEFAULT_EXECUTOR = "local"


@dataclass(frozen=True)
class SearchRequest:
    """A search and how to run it.

    Attributes:
        out: folder that contains the run folders.
        executor: component string; None: the executor of the search's last start, else ``local``.
        checkpoint_seconds: seconds between the checkpoints of a training.
        retry_failed: whether trials that failed in an earlier start are run again.
        graph: whether training steps are captured as CUDA graphs; None: on CUDA devices.
        as_json: whether one JSON document is printed in place of tables.
        command: command line that resumes the search.
    """

    spec: SearchSpec
    out: Path
    executor: str | None
    checkpoint_seconds: float
    retry_failed: bool
    graph: bool | None
    as_json: bool
    command: str


def run_search(registry: Registry, request: SearchRequest) -> int:
    """Run the search and print its results; return the exit code.

    Raises:
        UsageError: another study runs in the folder, or the folder can't be written or has another search.
        Interrupted: the user stopped the search.
    """
    spec, folder = request.spec, StudyFolder(request.out, request.spec.name)
    recorded = folder.read_plan() or {}
    # The number of threads can change the last bits, so a search keeps the executor that it started with.
    text = request.executor or str(recorded.get("executor") or _DEFAULT_EXECUTOR)
    text = registry.resolve("executor", text)
    # All configurations have the device of the first one, because a search can't vary it.
    devices = {entry.config.device for entry in check_configurations(registry, spec).entries}
    executor = build_executor(registry, text, devices)
    resources = executor_resources(executor)
    require_gpu(devices, resources, graph=request.graph)
    _require_single_trainings(text, resources)
    with folder.lock():
        optimiser = Optimiser(folder, spec)
        if request.retry_failed:
            # Before the journal changes: a trial that runs again must not find the record of its failure.
            folder.forget_failures()
            optimiser.retry_failed()

        def write_plan(plan: Plan) -> None:
            document = plan_document(registry, plan, text, resources, str(spec.path))
            folder.write_plan(document, keep_previous=False)

        with search_progress(spec) as progress:
            search = SearchRun(
                registry,
                spec,
                folder,
                optimiser,
                executor,
                resources,
                order={"checkpoint_seconds": request.checkpoint_seconds, "graph": request.graph},
                resume_command=request.command,
                listener=progress,
                write_plan=write_plan,
            )
            progress.print_line(Text(_summary(spec, optimiser), "bold"))
            try:
                search.run()
            finally:
                # Also after Ctrl-C: the best configuration so far may be all that is needed.
                results = _results(search)
                if results.best:
                    folder.write_best(results.best_toml())
    unfinished = any(proposal.state == "running" for proposal in results.proposals)
    if request.as_json:
        print_json(results.to_json())
    else:
        results.print()
        if unfinished:
            note = "trials stopped, state saved; resume with: "
            output_console().print(Text.assemble((note, "yellow"), (request.command, "cyan")), soft_wrap=True)
    return DONE if results.best and not unfinished else FAILED


def _require_single_trainings(executor: str, resources: Mapping[str, Any]) -> None:
    """Check that an executor does not train several seeds of a configuration at once.

    Raises:
        UsageError: it does.
    """
    # What is trained next depends on the scores so far: a configuration may be stopped before its second
    # seed, and two configurations can't share a process.
    if (together := resources.get("together", 1)) != 1:
        raise UsageError(
            f"--executor {executor}: a search trains the seeds of a configuration one after another, and no "
            f"two in one process; leave out together={together}. On a GPU, local:per_gpu=2 runs two "
            f"configurations at once"
        )


def _results(search: SearchRun) -> SearchResults:
    proposals = search.optimiser.proposals()
    models: dict[int, Sequence[PlannedModel]] = {p.number: search.models_of(p) for p in proposals}
    return SearchResults(search.spec, search.folder, proposals, models, search.optimiser.importance())


def _summary(spec: SearchSpec, optimiser: Optimiser) -> str:
    known = optimiser.proposals()
    ended = sum(proposal.state != "running" for proposal in known)
    resumed = f", {len(known) - ended} to resume" if len(known) > ended else ""
    budget = f", budget {spec.budget}" if spec.budget else ""
    best = best_first(spec, known)
    so_far = f", best so far: trial {best[0].number}" if best else ""
    return f"{spec.name}{budget}: {counted(spec.trials, 'trial')}, {ended} ended{resumed}{so_far}"
