"""Optimiser: proposes configurations and learns their scores, with Optuna's interface of ask and tell."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import optuna
from optuna.trial import FrozenTrial, TrialState

from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.options import show
from ctcbench.study.search.search_file import SearchSpec
from ctcbench.study.search.search_journal import STEPS, open_optuna_study, sampler
from ctcbench.study.search.search_space import Parameter
from ctcbench.study.study_folder import StudyFolder

ProposalState = Literal["running", "complete", "pruned", "failed"]
# Attributes of a trial in Optuna's journal.
_SETTINGS, _VALUES, _ERROR = "settings", "values", "error"
_RETRY_OF = "retry_of"  # the number of the proposal of which it is another try
_STATES: dict[TrialState, ProposalState] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
# With fewer complete trials, the best tenth is one trial, which shows no importance.
_LEAST_FOR_IMPORTANCE = 10


@dataclass(frozen=True)
class Proposal:
    """A configuration that the search tries, or tried.

    Attributes:
        number: its number in the search, from 1.
        values: the values of its parameters.
        settings: the settings that they stand for.
        state: ``running``, ``complete``, ``pruned`` or ``failed``.
        score: the objective; of a pruned one the last that was reported, None if there is none.
        share: share of the training up to the last score that was reported.
        error: why it failed.
    """

    number: int
    values: Mapping[str, Any]
    settings: Mapping[str, Any]
    state: ProposalState = "running"
    score: float | None = None
    share: float = 0.0
    error: str = ""


class Optimiser:
    """The proposals of a search so far, and the next one; every change is written to the journal at once."""

    def __init__(self, folder: StudyFolder, spec: SearchSpec) -> None:
        self._spec = spec
        self._study, self._storage = open_optuna_study(folder, spec)
        # Optuna's numbers by those of proposals: one that was not written completely has none.
        self._numbers: dict[int, int] = {}
        self._live: dict[int, optuna.Trial] = {}
        for trial in self._study.get_trials(deepcopy=False):
            if _SETTINGS in trial.user_attrs:
                if not all(isinstance(trial.user_attrs.get(name), dict) for name in (_SETTINGS, _VALUES)):
                    raise CtcbenchError(
                        f"{folder.journal_path}: damaged (trial {trial.number}); "
                        f"give the search another --name"
                    )
                number = trial.user_attrs.get(_RETRY_OF, len(self._numbers) + 1)
                if not isinstance(number, int) or not 1 <= number <= len(self._numbers) + 1:
                    raise CtcbenchError(
                        f"{folder.journal_path}: damaged (trial {trial.number} retries {number!r}); "
                        f"give the search another --name"
                    )
                self._numbers[number] = trial.number
            elif trial.state == TrialState.RUNNING:
                # The process was killed while it wrote the trial; its successor has the same values.
                self._study.tell(trial.number, state=TrialState.FAIL)

    def proposals(self) -> list[Proposal]:
        """Return every proposal in order."""
        trials = self._study.get_trials(deepcopy=False)
        return [_proposal(number, trials[own]) for number, own in self._numbers.items()]

    def ask(self) -> Proposal:
        """Return a new proposal; its values depend on the seed, its number, and the scores so far."""
        number = len(self._numbers) + 1
        self._study.sampler = sampler(self._spec.search_seed, number)
        trial = self._study.ask()
        values: dict[str, Any] = {}
        for parameter in self._spec.space.parameters:
            if self._spec.space.active(parameter, values):
                values[parameter.name] = parameter.rounded(_suggest(trial, parameter))
        settings = self._spec.space.settings(values)
        trial.set_user_attr(_VALUES, values)
        trial.set_user_attr(_SETTINGS, settings)
        self._numbers[number], self._live[number] = trial.number, trial
        return Proposal(number, values, settings)

    def report(self, number: int, share: float, score: float) -> bool:
        """Record the score of a running proposal after a share of its training; return whether to prune it.

        A score that is recorded already is not recorded again.
        """
        trial, step = self._trial(number), round(STEPS * share)
        if step not in self._frozen(number).intermediate_values:
            trial.report(score, step)
        return trial.should_prune()

    def complete(self, number: int, score: float) -> None:
        """Record the objective of a proposal."""
        self._study.tell(self._numbers[number], score)

    def prune(self, number: int) -> None:
        """Record that a proposal is pruned."""
        self._study.tell(self._numbers[number], state=TrialState.PRUNED)

    def fail(self, number: int, error: str) -> None:
        """Record that a proposal failed."""
        self._trial(number).set_user_attr(_ERROR, error)
        self._study.tell(self._numbers[number], state=TrialState.FAIL)

    def retry_failed(self) -> None:
        """Make every failed proposal a running one again, under its number and with its values."""
        for proposal in self.proposals():
            if proposal.state == "failed":
                failed = self._frozen(proposal.number)
                # A trial of its own, because Optuna changes none that has ended. It is one record of the
                # journal, so that a kill can't leave half of it.
                again = optuna.trial.create_trial(
                    state=TrialState.RUNNING,
                    params=failed.params,
                    distributions=failed.distributions,
                    user_attrs={
                        _VALUES: failed.user_attrs[_VALUES],
                        _SETTINGS: failed.user_attrs[_SETTINGS],
                        _RETRY_OF: proposal.number,
                    },
                )
                self._study.add_trial(again)
                self._live.pop(proposal.number, None)
                self._numbers[proposal.number] = self._study.get_trials(deepcopy=False)[-1].number

    def importance(self) -> dict[str, float]:
        """Return the share of each parameter in what distinguishes the best tenth of the trials.

        By PED-ANOVA (Watanabe et al. 2023); empty if there are too few complete trials.
        """
        complete = [proposal for proposal in self.proposals() if proposal.state == "complete"]
        if len(complete) < _LEAST_FOR_IMPORTANCE or len(self._spec.space.parameters) < 2:
            return {}
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return optuna.importance.get_param_importances(self._study, evaluator=evaluator)

    def _trial(self, number: int) -> optuna.Trial:
        if number not in self._live:  # of an earlier start
            study_id = self._storage.get_study_id_from_name(self._study.study_name)
            own = self._numbers[number]
            trial_id = self._storage.get_trial_id_from_study_id_trial_number(study_id, own)
            self._live[number] = optuna.Trial(self._study, trial_id)
        return self._live[number]

    def _frozen(self, number: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[self._numbers[number]]


def best_first(spec: SearchSpec, proposals: Iterable[Proposal]) -> list[Proposal]:
    """Return the complete proposals, the best first; of equal ones the earlier one is better."""
    scored = [(p.score, p) for p in proposals if p.state == "complete" and p.score is not None]
    sign = -1 if spec.maximise else 1
    return [proposal for _, proposal in sorted(scored, key=lambda pair: (sign * pair[0], pair[1].number))]


def proposal_label(proposal: Proposal) -> str:
    """Return the name of a proposal in messages: its number and the values of its parameters."""
    values = " ".join(f"{name}={show(value)}" for name, value in proposal.values.items())
    return f"trial {proposal.number}: {values}"


def _suggest(trial: optuna.Trial, parameter: Parameter) -> Any:
    if parameter.choices:
        return trial.suggest_categorical(parameter.name, parameter.choices)
    low, high, log = parameter.low, parameter.high, parameter.log
    if parameter.is_integer:
        return trial.suggest_int(parameter.name, int(low), int(high), step=int(parameter.step or 1), log=log)
    return trial.suggest_float(parameter.name, low, high, step=parameter.step, log=log)


def _proposal(number: int, trial: FrozenTrial) -> Proposal:
    attributes = trial.user_attrs
    return Proposal(
        number,
        dict(attributes[_VALUES]),
        dict(attributes[_SETTINGS]),
        _STATES.get(trial.state, "running"),
        trial.value,
        (trial.last_step or 0) / STEPS,
        str(attributes.get(_ERROR, "")),
    )
