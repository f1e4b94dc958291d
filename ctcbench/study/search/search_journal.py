"""open_optuna_study(): the Optuna study of a search, stored in the journal of its study folder."""

from __future__ import annotations

import warnings
from collections.abc import Generator
from typing import Any

import optuna
from optuna.storages.journal import BaseJournalBackend, JournalStorage

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.study.search.search_file import SearchSpec
from ctcbench.study.study_folder import StudyFolder

# Optuna's own attribute of a study in which the description of the search is kept.
IDENTITY = "search"
# Share of the training in steps of Optuna, which are whole numbers.
STEPS = 1000


class FolderJournal(BaseJournalBackend):
    """Optuna's journal in a study folder, in the format of Optuna's own file backend: JSON, no pickle.

    The study folder's lock excludes other writers, so that the records are read once. Unlike Optuna's
    backend, it refuses links, and removes an incomplete last line, which ``kill -9`` can leave.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder
        self._records = folder.read_journal()

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Yield the records from a number on."""
        yield from self._records[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records."""
        self._folder.append_to_journal(logs)
        self._records.extend(logs)


def open_optuna_study(folder: StudyFolder, spec: SearchSpec) -> tuple[optuna.Study, JournalStorage]:
    """Return the study of a search and its storage; the study is created if the folder has none.

    Raises:
        CtcbenchError: the journal is damaged.
        UsageError: the folder belongs to `ctcbench ablate`, or to a search that differs in more than its
            number of trials.
    """
    if not folder.is_search() and folder.read_plan() is not None:
        raise UsageError(f"{folder.path} is a study of `ctcbench ablate`; give the search another --name")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    backend = FolderJournal(folder)
    try:
        storage = JournalStorage(backend)
        study = optuna.create_study(
            storage=storage,
            study_name=spec.name,
            direction="maximize" if spec.maximise else "minimize",
            pruner=_pruner(spec),
            load_if_exists=True,
        )
        known = study.user_attrs.get(IDENTITY)
    except CtcbenchError:
        raise
    # The records are those of a file that anything may have changed; Optuna checks few of them.
    except Exception as error:
        raise CtcbenchError(
            f"{folder.journal_path}: damaged ({type(error).__name__}: {error}); "
            f"give the search another --name"
        ) from error
    _require_same(folder, known, spec)
    if known is None:
        study.set_user_attr(IDENTITY, spec.identity())
    return study, storage


def sampler(seed: int, number: int) -> optuna.samplers.BaseSampler:
    """Return the sampler of the trial `number`: a tree-structured Parzen estimator (Bergstra et al. 2011)."""
    import numpy as np

    # Seeded for each trial, so that a search that was killed continues with the same trials.
    state = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(seed=state, constant_liar=True)


def _pruner(spec: SearchSpec) -> optuna.pruners.BasePruner:
    if spec.pruning is None:
        return optuna.pruners.NopPruner()
    return optuna.pruners.SuccessiveHalvingPruner(
        min_resource=max(1, round(STEPS * spec.pruning.first)), reduction_factor=spec.pruning.reduction
    )


def _require_same(folder: StudyFolder, known: Any, spec: SearchSpec) -> None:
    """Raise a UsageError if a search differs from the one that the folder has."""
    if known is None:
        return
    now = spec.identity()
    differing = [name for name in now if not isinstance(known, dict) or known.get(name) != now[name]]
    if differing:
        raise UsageError(
            f"{folder.path}: this search had another {' and another '.join(differing)}, so that its trials "
            f"can't be compared with new ones; give the changed search another --name"
        )
