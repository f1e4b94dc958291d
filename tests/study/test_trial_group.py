"""Trials that are carried out together in this process: outcomes, events, stops."""

import signal

import pytest

from ctcbench.config.recipe import resolve
from ctcbench.contract.executors import Outcome
from ctcbench.results.run_folder import RunFolder
from ctcbench.study.trial import carry_out
from ctcbench.study.trial_group import carry_out_together
from ctcbench.training import loop, step
from tests.tiny_config import tiny

SMALL = {"train_samples": 20, "epochs": 1, "test_samples": 5}


def orders(registry, out, **settings):
    made = []
    for seed in (0, 1):
        config = tiny(seed=seed, **SMALL, **settings)
        decoders = [config.model_dump(), config.replace(decoder="beam_cpp").model_dump()]
        key = resolve(registry, config).train_key
        made.append({"key": key, "out": str(out), "configs": decoders, "threads": 1})
    return made


def carry_out_all(given, **options):
    events, outcomes = [], []
    carry_out_together(given, lambda key, event: events.append((key, event)), outcomes.append, **options)
    assert all(isinstance(outcome, Outcome) and outcome.seconds > 0 for outcome in outcomes)
    return events, {outcome.key: (outcome.state, outcome.error) for outcome in outcomes}


def results(out, order):
    folder = RunFolder(out / order["key"])
    found = [path.read_bytes() for path in sorted((folder.path / "predictions").iterdir())]
    return folder.weights_path.read_bytes(), found


def test_each_trial_has_the_outcome_and_the_results_of_its_own(registry, tmp_path):
    given = orders(registry, tmp_path / "together")
    events, outcomes = carry_out_all(given)
    assert outcomes == {order["key"]: ("done", "") for order in given}
    assert {key for key, event in events if event["kind"] == "reading"} == set(outcomes)
    for order in given:
        assert carry_out({**order, "out": str(tmp_path / "alone")}).state == "done"
        assert results(tmp_path / "together", order) == results(tmp_path / "alone", order)
    assert not [event for _, event in events if event["kind"] == "notice"]
    # What is done is not repeated.
    events, outcomes = carry_out_all(given)
    assert set(outcomes.values()) == {("done", "")}
    assert not [event for _, event in events if event["kind"] == "training"]


def test_a_trial_that_fails_or_is_invalid_ends_alone(registry, tmp_path, monkeypatch):
    given = orders(registry, tmp_path)
    given.append({**given[0], "key": "invalid", "configs": [{"no": 1}]})

    def short(state, batch, config):
        if config.seed == 1:
            raise MemoryError("no room")
        return step.train_step(state, batch, config)

    monkeypatch.setattr(loop, "train_step", short)
    _, outcomes = carry_out_all(given)
    assert outcomes[given[0]["key"]] == ("done", "")
    state, error = outcomes[given[1]["key"]]
    assert state == "failed" and error.startswith("out of memory (no room) at step 1 with --batch-size 16: ")
    assert error.endswith("or fewer trainings in one process (together=)")
    assert outcomes["invalid"][0] == "failed"


def test_a_refused_decoder_that_comes_first_fails_alone(registry, tmp_path):
    given = orders(registry, tmp_path)
    for order in given:
        order["configs"][0]["decoder"] = "beam_cpp:pattern='[0-9-]{2}'"  # the alphabet has digits only
    _, outcomes = carry_out_all(given)
    assert {state for state, _ in outcomes.values()} == {"failed"}
    for order in given:
        assert [path.stem for path in tmp_path.glob(f"{order['key']}/results/*.json")] == ["beam_cpp"]
        summary = RunFolder(tmp_path / order["key"]).read_summary()
        assert summary["training"]["together"] == 2
    alone = [{**order, "out": str(tmp_path / "none"), "configs": order["configs"][:1]} for order in given]
    _, outcomes = carry_out_all(alone)
    assert {state for state, _ in outcomes.values()} == {"failed"}
    assert not (tmp_path / "none").exists()


@pytest.fixture
def interruptible():
    """Python's handler of SIGINT, which a shell that starts the tests in the background has disabled."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("moment", ["before training", "training", "decoding"])
def test_a_signal_stops_all_that_have_no_outcome_yet(registry, tmp_path, monkeypatch, moment):
    given = orders(registry, tmp_path)
    if moment == "training":

        def interrupting(state, batch, config):
            signal.raise_signal(signal.SIGINT)
            return step.train_step(state, batch, config)

        monkeypatch.setattr(loop, "train_step", interrupting)
    else:
        place = {
            "before training": "ctcbench.pipeline.joint_training.prepare_training",
            "decoding": "ctcbench.pipeline.runner.decode_run",
        }[moment]
        monkeypatch.setattr(place, lambda *_: signal.raise_signal(signal.SIGINT))
    _, outcomes = carry_out_all(given)
    assert outcomes == {order["key"]: ("stopped", "") for order in given}
    monkeypatch.undo()
    _, outcomes = carry_out_all(given)
    assert set(outcomes.values()) == {("done", "")}


def test_a_cancelled_trial_is_stopped_and_the_others_are_not(registry, tmp_path):
    given = orders(registry, tmp_path)
    _, outcomes = carry_out_all(given, cancelled=lambda key: key == given[0]["key"])
    assert [outcomes[order["key"]][0] for order in given] == ["stopped", "done"]
