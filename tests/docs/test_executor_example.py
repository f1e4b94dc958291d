"""The executor on docs/plugins.md: it fulfils the contract, and its results are those of one process."""

import hashlib
import os
import re
import signal
from contextlib import closing
from pathlib import Path

import pytest

import ctcbench
from ctcbench import Listener, Result, Trial
from ctcbench.config.recipe import resolve
from ctcbench.config.train_key import train_key
from ctcbench.contract.components import Component
from ctcbench.testing import check_component
from tests.docs.test_plugins_page import TEXT, code_of
from tests.tiny_config import tiny


class Recorder:
    """A study's listener that records the trials that train, and asks to stop after `stop_at` of them."""

    def __init__(self, stop_at=99):
        self.training = {}
        self.listener = Listener(self.tell, lambda: len(self.training) >= stop_at, lambda key: False)

    def tell(self, key, worker, event):
        if event["kind"] == "training":
            self.training[key] = int(worker.removeprefix("process "))


@pytest.fixture(scope="module")
def trials(registry):
    """Return ``make(out, seeds, epochs) -> trials`` of a tiny model."""

    def make(out, seeds, epochs):
        for seed in range(seeds):
            config = resolve(registry, tiny(device="cpu", epochs=epochs, seed=seed)).config
            key = train_key(registry, config)
            order = {"key": key, "out": str(out), "configs": [config.model_dump()]}
            yield Trial(key, f"seed {seed}", order)

    return lambda *arguments: list(make(*arguments))


@pytest.fixture(scope="module")
def trained_here(trials, tmp_path_factory):
    """Return the folder of two trials that were carried out in this process."""
    out = tmp_path_factory.mktemp("here")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CTCBENCH_PLUGINS", "")
        for trial in trials(out, 2, 1):
            assert ctcbench.carry_out({**trial.order, "threads": 1}).state == "done"
    return out


@pytest.fixture
def processes(monkeypatch):
    """Return ``build(count)``, the page's executor; the test fails if it leaves a worker process."""
    monkeypatch.setenv("CTCBENCH_PLUGINS", "")  # an installed tracker would only take time
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)  # the executor itself must set one thread
    defined = code_of("An executor")
    [component] = defined["ctcbench_components"]()
    assert component.kind == "executor"
    assert f"--executor {component.name}:count=2`" in TEXT
    before = children()
    yield lambda count: component(count=str(count))
    assert children() <= before


def children():
    """Return the child processes of this one, or none where there is no /proc."""
    return {pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


def weights(out):
    """Return the digest of each run's weights, by its folder."""
    found = {path.parent.name: path.read_bytes() for path in out.glob("*/weights.safetensors")}
    return {key: hashlib.sha256(content).hexdigest() for key, content in found.items()}


@pytest.mark.landing
def test_two_trials_at_once_have_the_weights_that_each_has_alone(processes, trials, trained_here, tmp_path):
    executor, recorder = processes(2), Recorder()
    assert executor.describe() == {"workers": 2, "threads": 1}
    outcomes = list(executor.run(trials(tmp_path, 2, 1), recorder.listener))
    assert [outcome.state for outcome in outcomes] == ["done", "done"]
    assert len(set(recorder.training.values())) == 2
    assert weights(tmp_path) == weights(trained_here)
    assert len(set(weights(tmp_path).values())) == 2


@pytest.mark.landing
def test_it_keeps_the_contract(processes):
    def two():
        """The page's executor."""
        return processes(2)

    check_component(Component("executor", two))


@pytest.mark.landing
@pytest.mark.parametrize("training", [2, 0])
def test_a_stop_request_stops_the_workers_that_run(processes, trials, tmp_path, training):
    recorder, todo = Recorder(stop_at=training), trials(tmp_path, 3, 100_000)
    outcomes = list(processes(2).run(todo, recorder.listener))
    # A trial that was not started has no outcome.
    assert {outcome.key for outcome in outcomes} == ({trial.key for trial in todo[:2]} if training else set())
    assert {outcome.state for outcome in outcomes} <= {"stopped"}
    saved = {path.parent.name for path in tmp_path.glob("*/checkpoint.safetensors")}
    assert saved == set(recorder.training)
    assert len(saved) == training
    assert not (tmp_path / todo[2].key).exists()


@pytest.mark.landing
def test_a_worker_that_dies_is_a_failure_and_no_worker_outlives_the_generator(processes, trials, tmp_path):
    recorder, todo, killed = Recorder(), trials(tmp_path, 3, 100_000), []

    def tell(key, worker, event):
        recorder.tell(key, worker, event)
        if len(recorder.training) == 2 and not killed:
            killed.append(todo[0].key)
            os.kill(recorder.training[todo[0].key], signal.SIGKILL)

    with closing(processes(2).run(todo, Listener(tell, lambda: False, lambda key: False))) as outcomes:
        first = next(outcomes)
    assert [first.key] == killed
    assert (first.state, first.error) == ("failed", "its worker was killed by SIGKILL (out of memory?)")


def test_every_part_of_a_stored_result_is_on_the_page(trained_here):
    path = next(trained_here.glob("*/results/*.json"))
    document = Result.parse(path.read_bytes(), path).to_json()
    section = TEXT.partition("| `schema` | 1 |")[2].partition("\n### ")[0]
    names = [*document, *document["score"], *document["cost"], *document["provenance"]]
    names += [*document["provenance"]["host"]]
    assert [n for n in names if not n.endswith("_ci") and n != "schema" and f"`{n}`" not in section] == []
    named = re.search(r"`training` \((.*?) …\)", section)[1].replace("`", "").split(", ")
    assert set(named) <= set(document["provenance"]["training"])
    expression = re.search(r"```python\n(.*?)```", section, re.S)[1]
    column = eval(expression, {"Column": ctcbench.Column})
    assert column.text(document) == "1"
