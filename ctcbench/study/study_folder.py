"""StudyFolder: the files of a study in ``<out>/studies/<name>/``: its plan and a record of each trial."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ctcbench.config.complete_settings import complete_settings
from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.executors import Outcome
from ctcbench.files.json_files import format_json, parse_object
from ctcbench.files.json_lines import append_records, parse_records
from ctcbench.files.json_records import read_record
from ctcbench.files.locks import lock
from ctcbench.files.plain_files import MIB
from ctcbench.files.plain_folder import PlainFolder
from ctcbench.results import provenance
from ctcbench.study.budget_choice import BudgetChoice
from ctcbench.study.plan_changes import plan_changes
from ctcbench.study.plan_record import PlanRecord

# The processes of a study that was killed hold its lock until they end. A worker that was just being started
# inherits it until exec: on a busy machine, about a second.
_LOCK_PATIENCE_SECONDS = 2.0
SCHEMA = 1
SIZE_LIMIT = 512 * MIB  # of a plan or the record of a trial


@dataclass(frozen=True)
class StudyFolder:
    """The folder of a study, next to the run folders in ``out``. Every file in it is written atomically."""

    out: Path
    name: str

    @property
    def path(self) -> Path:
        """The study's folder."""
        return self.out / "studies" / self.name

    @property
    def _files(self) -> PlainFolder:
        # Relative to `out`, so that no folder below it can be a link to elsewhere.
        return PlainFolder(self.out)

    @property
    def plan_path(self) -> Path:
        """The latest plan; earlier ones are ``plan-1.json``, ``plan-2.json``, …"""
        return self.path / "plan.json"

    @property
    def journal_path(self) -> Path:
        """The records of a search: one JSON object a line, as Optuna's journal storage defines them."""
        return self.path / "optuna.jsonl"

    @property
    def best_path(self) -> Path:
        """The best configuration of a search so far."""
        return self.path / "best.toml"

    def trial_path(self, key: str) -> Path:
        """Return the path of the record of a trial."""
        return self.path / "trials" / f"{key}.json"

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Return a context in which no other study can run in ``out``.

        Raises:
            Busy: another study runs there.
            NotPlain: a folder of the studies is a link.
            UsageError: ``out`` can't be written.
        """
        # Raises for a link in the place of a folder, before the lock creates anything there.
        if self.out.is_dir():
            self._files.names(self._name(self.path))
        # One lock for all studies in `out`: two of them may have a model, and so a run folder, in common.
        what = f"running the study {self.name} in this folder"
        with lock(self.out / "studies" / ".lock", wait=False, what=what, patience=_LOCK_PATIENCE_SECONDS):
            for folder in (self.path, self.path / "trials"):
                # Left by processes that were killed; under the lock no other process writes here.
                self._files.remove_temporary_files(self._name(folder))
            yield

    def read_plan(self) -> dict[str, Any] | None:
        """Return the stored plan, or None if there is none.

        Raises:
            CtcbenchError: it is damaged, or of another schema.
        """
        if not self._files.has(self._name(self.plan_path)):
            return None
        document = self._read(self.plan_path)
        if document.get("schema") != SCHEMA:
            found = document.get("schema")
            raise CtcbenchError(
                f"{self.plan_path}: schema {found!r}, but this ctcbench reads schema {SCHEMA}; "
                f"give the study another --name"
            )
        try:
            # Only checked: the document is returned whole, as `write_plan` keeps it as plan-<number>.json.
            read_record(PlanRecord, document, self.plan_path)
        except CtcbenchError as error:
            raise CtcbenchError(f"{error}; give the study another --name") from None
        for model in document["models"]:
            model["results"] = {key: complete_settings(config) for key, config in model["results"].items()}
        return document

    def read_choices(self) -> dict[str, BudgetChoice]:
        """Return the choices of a budget in the stored plan, by digest; none if there is no plan.

        Raises:
            CtcbenchError: the plan is damaged, or of another schema.
        """
        document = self.read_plan()
        budget = read_record(PlanRecord, document, self.plan_path).budget if document else None
        return budget.choices if budget else {}

    def write_plan(self, document: Mapping[str, Any], *, keep_previous: bool = True) -> list[str]:
        """Write a plan, keep the previous one if it differs, and return a description of each change.

        A search does not keep the previous one: its plan has all that is in it, and the latest trials. Nor is
        it kept if the plans differ in what a budget chose alone, which is no change that a user sees.

        Raises:
            CtcbenchError: the stored plan is damaged; it is not overwritten.
        """
        before = self.read_plan()
        if before is None:
            self._write(self.plan_path, document)
            return []
        found = plan_changes(before, document)
        if found and keep_previous:
            names = map(PurePosixPath, self._files.names(self._name(self.path)))
            taken = [name.stem.removeprefix("plan-") for name in names if name.match("plan-*.json")]
            number = max([0, *(int(n) for n in taken if n.isdecimal())]) + 1
            # The copy first: a process that is killed in between has lost neither plan.
            self._write(self.path / f"plan-{number}.json", before)
        # Another budget can choose the numbers that the plan already has; without its choice in the plan it
        # would be timed again by each start, and one day choose others.
        if found or _choices_of(before) != _choices_of(document):
            self._write(self.plan_path, document)
        return found

    def write_trial(
        self,
        outcome: Outcome,
        *,
        tried: Collection[str],
        missing: Collection[str],
        trained: bool,
        **more: Any,
    ) -> None:
        """Write the record of a trial that ended.

        A failed decoder of a trained model is kept in the record until it is tried again, and as long as
        there is one, the state of the record is ``failed``. If only decoders failed, the record says so even
        without a trained model: another decoder can then still be trained for.

        Args:
            outcome: how the trial ended.
            tried: keys of the results that the trial was to compute.
            missing: those of them that do not exist.
            trained: whether the model is trained, so that every failure is a decoder's.
            more: further keys of the record.
        """
        before = self.read_trial(outcome.key)
        errors = outcome.decoder_errors
        failed = {key: errors.get(key, outcome.error) for key in missing if outcome.state == "failed"}
        if trained:
            remembered = decoder_failures(before)
            failed |= {result: error for result, error in remembered.items() if result not in tried}
        ended = outcome.to_json()
        del ended["decoder_errors"]  # part of `failed`
        if failed and outcome.state == "done":
            why = {"error": next(iter(failed.values())), "traceback": str(before.get("traceback", ""))}
            ended |= {"state": "failed", **why}
        decoders = failed if trained or errors.keys() >= failed.keys() else {}
        if decoders:
            # Also the reasons of earlier starts, whose results are missing as well.
            ended["error"] = "; ".join(dict.fromkeys(decoders.values()))
        document = {
            "schema": SCHEMA,
            **ended,
            "results": list(failed),
            "decoder_failures": decoders,
            "finished": provenance.now(),
            "versions": provenance.versions(),
            **more,
        }
        self._write(self.trial_path(outcome.key), document)

    def is_search(self) -> bool:
        """Return whether the folder has the journal of a search, so that it belongs to `ctcbench tune`."""
        return self._files.has(self._name(self.journal_path))

    def append_to_journal(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Append records to the journal of a search; see `append_records`."""
        name = self._name(self.journal_path)
        if not self._files.has(name):
            self._files.write(name, b"")  # creates the folder as well
        append_records(self._files, name, records, SIZE_LIMIT)

    def read_journal(self) -> list[dict[str, Any]]:
        """Return the records in the journal of a search, none if there is no journal.

        Raises:
            CtcbenchError: it is damaged.
        """
        if not self.is_search():
            return []
        data = self._files.read(self._name(self.journal_path), SIZE_LIMIT)
        return parse_records(data, self.journal_path)

    def write_best(self, text: str) -> None:
        """Write the best configuration of a search, a file for ``ctcbench run --config``."""
        self._files.write(self._name(self.best_path), text.encode())

    def read_trial(self, key: str) -> dict[str, Any]:
        """Return the record of a trial, or an empty one if there is none that can be read."""
        # A record saves work, but nothing depends on it: without one, the trial is tried again.
        with contextlib.suppress(CtcbenchError):
            document = self._read(self.trial_path(key))
            if document.get("schema") == SCHEMA:
                return document
        return {}

    def forget_failures(self) -> None:
        """Remove the records of failed trials, so that their models are run again."""
        for name in self._files.names(self._name(self.path / "trials")):
            if self.read_trial(PurePosixPath(name).stem).get("state") == "failed":
                self._files.remove(name)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.out).as_posix()

    def _read(self, path: Path) -> dict[str, Any]:
        return parse_object(self._files.read(self._name(path), SIZE_LIMIT), path)

    def _write(self, path: Path, document: Mapping[str, Any]) -> None:
        self._files.write(self._name(path), format_json(document))


def _choices_of(plan: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """Return the part of a plan on its budget: the choices, and the settings of each model that it chose."""
    return plan.get("budget"), [model.get("chosen", []) for model in plan["models"]]


def decoder_failures(record: Mapping[str, Any]) -> dict[str, str]:
    """Return the errors of a model's failed decoders by result key; none if its training failed."""
    found = record.get("decoder_failures")
    return {str(result): str(error) for result, error in found.items()} if isinstance(found, dict) else {}
