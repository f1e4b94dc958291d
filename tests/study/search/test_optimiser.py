"""What a search has tried is in its journal, from which it continues as if it had not been stopped."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.files.plain_files import NotPlain
from ctcbench.study.study_folder import StudyFolder
from tests.study.search.search_cases import journal, spec_of

pytest.importorskip("optuna", reason="optuna is not installed")

from ctcbench.study.search.optimiser import Optimiser, best_first
from ctcbench.study.search.search_space import Parameter


@pytest.fixture
def spec(registry, tmp_path):
    return spec_of(registry, tmp_path)


@pytest.fixture
def folder(tmp_path):
    return StudyFolder(tmp_path / "runs", "small")


@pytest.fixture(autouse=True)
def out(tmp_path):
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def tell(optimiser, proposal):
    """Tell a score that the parameters decide."""
    score = 1 / (1 + abs(proposal.values["lr"] - 0.002) * 1000)
    optimiser.report(proposal.number, 1.0, score)
    optimiser.complete(proposal.number, score)


def tried(spec, folder, count, *, again=0):
    """Return the values of `count` proposals; the search is opened anew after every `again`."""
    optimiser, found = Optimiser(folder, spec), []
    for number in range(count):
        if again and number % again == 0:
            optimiser = Optimiser(folder, spec)
        found.append(optimiser.ask())
        tell(optimiser, found[-1])
    return [proposal.values for proposal in found]


def test_proposals_depend_on_the_seed_and_not_on_restarts(spec, tmp_path):
    folders = [StudyFolder(tmp_path / "runs", name) for name in ("a", "b", "c")]
    # Beyond the ten random proposals at the start.
    first = tried(spec, folders[0], 14)
    assert tried(spec, folders[1], 14, again=1) == first
    assert len({json.dumps(values) for values in first}) > 10
    assert tried(replace(spec, search_seed=1), folders[2], 2) != first[:2]


def test_a_proposal_that_was_not_written_completely_is_made_again(spec, folder, tmp_path):
    expected = tried(spec, StudyFolder(tmp_path / "runs", "whole"), 3)
    tried(spec, folder, 2)
    Optimiser(folder, spec).ask()
    lines = folder.journal_path.read_text().splitlines(keepends=True)
    # The last record but one has the values, the last one the settings; before them are the parameters.
    for kept in (1, 2, 3):
        folder.journal_path.write_text("".join(lines[:-kept]))
        assert Optimiser(folder, spec).ask().values == expected[2]
        [*_, last] = Optimiser(folder, spec).proposals()
        assert (last.number, last.state) == (3, "running")


def test_an_incomplete_last_line_is_removed(spec, folder, tmp_path):
    expected = tried(spec, StudyFolder(tmp_path / "runs", "whole"), 3)
    tried(spec, folder, 2)
    with folder.journal_path.open("a") as file:
        file.write('{"op_code":4,"wor')
    assert Optimiser(folder, spec).ask().values == expected[2]
    assert journal(tmp_path / "runs")


def test_a_worse_trial_is_pruned_at_a_rung(spec, folder):
    optimiser = Optimiser(folder, spec)
    numbers = [optimiser.ask().number for _ in range(3)]
    # Before a tenth of the training nothing is decided.
    assert not any(optimiser.report(number, 0.05, 0.9 - number / 10) for number in numbers)
    assert [optimiser.report(number, 0.2, 0.9 - number / 10) for number in numbers] == [False, True, True]
    # The same report again, as after a restart, changes nothing.
    again = Optimiser(folder, spec)
    assert [again.report(number, 0.2, 0.9 - number / 10) for number in numbers] == [False, False, False]
    again.prune(2)
    again.fail(3, "out of memory")
    states = [(one.state, one.error) for one in Optimiser(folder, spec).proposals()]
    assert states == [("running", ""), ("pruned", ""), ("failed", "out of memory")]


def test_a_failed_proposal_that_is_retried_keeps_its_number_and_values(spec, folder, tmp_path):
    expected = tried(spec, StudyFolder(tmp_path / "runs", "whole"), 3)
    optimiser = Optimiser(folder, spec)
    failed = optimiser.ask()
    optimiser.fail(failed.number, "out of memory")
    tell(optimiser, optimiser.ask())
    optimiser.retry_failed()
    for opened in (optimiser, Optimiser(folder, spec)):
        again, other = opened.proposals()
        assert (again.number, again.state, again.error) == (1, "running", "")
        assert again.values == failed.values == expected[0]
        assert other.state == "complete"
    # It can fail and be retried any number of times.
    opened.fail(1, "out of memory")
    opened.retry_failed()
    tell(opened, opened.proposals()[0])
    last = Optimiser(folder, spec)
    assert [one.state for one in last.proposals()] == ["complete", "complete"]
    assert last.ask().values == expected[2]


def test_a_retry_of_no_proposal_is_damage(spec, folder):
    optimiser = Optimiser(folder, spec)
    optimiser.fail(optimiser.ask().number, "out of memory")
    optimiser.retry_failed()
    text = folder.journal_path.read_text()
    for number in ("0", "3", '"1"', "[1]", "null"):
        folder.journal_path.write_text(text.replace('"retry_of":1', f'"retry_of":{number}'))
        with pytest.raises(CtcbenchError, match=r"optuna\.jsonl: damaged \(trial 1 retries"):
            Optimiser(folder, spec)


def test_without_pruning_no_trial_is_pruned(spec, folder):
    optimiser = Optimiser(folder, replace(spec, pruning=None))
    numbers = [optimiser.ask().number for _ in range(3)]
    assert not any(optimiser.report(number, 0.9, -number) for number in numbers)


@pytest.mark.parametrize(("objective", "best"), [("exact", 3), ("cer", 1), ("loss", 1)])
def test_the_best_trial_is_that_of_the_objective(spec, folder, objective, best):
    spec = replace(spec, objective=objective)
    optimiser = Optimiser(folder, spec)
    for score in (0.2, 0.3, 0.5, 0.5):
        optimiser.complete(optimiser.ask().number, score)
    optimiser.ask()
    ranked = [proposal.number for proposal in best_first(spec, optimiser.proposals())]
    assert ranked == ([3, 4, 2, 1] if best == 3 else [1, 2, 3, 4])


@pytest.mark.landing
def test_the_importance_of_parameters_needs_ten_trials(spec, folder):
    tried(spec, folder, 9)
    assert Optimiser(folder, spec).importance() == {}
    tried(spec, folder, 11)
    found = Optimiser(folder, spec).importance()
    assert set(found) == {"lr", "head", "backbone:width"}
    assert sum(found.values()) == pytest.approx(1)


def test_a_search_that_has_changed_is_refused(spec, folder):
    Optimiser(folder, spec)
    Optimiser(folder, replace(spec, trials=99))  # more trials continue it
    for change, named in [
        ({"objective": "cer"}, "objective"),
        ({"base": {**spec.base, "epochs": 9}}, "base"),
        ({"seeds": (1, 2), "budget": "9s"}, "seeds and another budget"),
        ({"pruning": None}, "pruning"),
    ]:
        with pytest.raises(UsageError, match=f"this search had another {named}, so that its trials"):
            Optimiser(folder, replace(spec, **change))


DAMAGED = {
    "of another program": '{"event":"started"}\n',
    "unknown operation": '{"op_code":77}\n',
    "a list": "[1]\n[2]\n",
    "no JSON": "x\ny\n",
    "a trial without parts": '{"op_code":0,"worker_id":"a","study_name":"small","directions":[2]}\n'
    '{"op_code":4,"worker_id":"a","study_id":0,"datetime_start":null}\n'
    '{"op_code":8,"worker_id":"a","trial_id":0,"user_attr":{"settings":3}}\n',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_journal_is_an_error_that_names_it(spec, folder, content):
    folder.path.mkdir(parents=True)
    folder.journal_path.write_text(content)
    with pytest.raises(CtcbenchError, match=r"optuna\.jsonl.*damaged"):
        Optimiser(folder, spec)


def test_a_link_in_place_of_the_journal_is_refused(spec, folder, tmp_path):
    folder.path.mkdir(parents=True)
    folder.journal_path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotPlain):
        Optimiser(folder, spec)


def test_no_pickle_is_loaded(spec, folder, monkeypatch):
    tried(spec, folder, 12)

    def refuse(*_, **__):
        raise AssertionError("a pickle")

    monkeypatch.setattr("pickle.loads", refuse)
    monkeypatch.setattr("pickle.load", refuse)
    optimiser = Optimiser(folder, spec)
    tell(optimiser, optimiser.ask())
    assert len(optimiser.proposals()) == 13


def test_optuna_s_own_backend_reads_the_journal(spec, folder):
    tried(spec, folder, 2)
    code = (
        "import sys, optuna; from optuna.storages.journal import JournalFileBackend, JournalStorage\n"
        "storage = JournalStorage(JournalFileBackend(sys.argv[1]))\n"
        "study = optuna.load_study(study_name='small', storage=storage)\n"
        "print(len(study.trials), study.direction.name)"
    )
    words = [sys.executable, "-c", code, str(folder.journal_path)]
    assert subprocess.run(words, capture_output=True, text=True).stdout.split() == ["2", "MAXIMIZE"]


@pytest.mark.parametrize(("low", "high", "step"), [(0.1, 0.5, 0.2), (0.0, 1.0, 0.1), (1e-05, 5e-05, 1e-05)])
def test_values_in_steps_are_the_numbers_that_one_writes(low, high, step):
    parameter = Parameter("clip", low=low, high=high, step=step)
    found = [parameter.rounded(low + step * k) for k in range(round((high - low) / step) + 1)]
    assert all(len(repr(value)) <= 5 for value in found)
    assert found[0] == low and found[-1] == high
