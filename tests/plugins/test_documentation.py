"""The README's tutorial is followed to the letter, docs/plugins.md misses nothing, and its code works."""

import ast
import dataclasses
import hashlib
import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import venv
from contextlib import closing
from pathlib import Path

import pytest

import ctcbench
from ctcbench import (
    Hypothesis,
    ImageSpec,
    Listener,
    LogProbs,
    Result,
    RunConfig,
    Sample,
    Source,
    Trial,
    testing,
)
from ctcbench.config.train_key import resolve, train_key
from ctcbench.contract import hooks
from ctcbench.contract.components import KINDS, Component
from ctcbench.testing import check_component

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "plugins.md"
TEXT = PAGE.read_text(encoding="utf-8")
README = ROOT / "README.md"
TUTORIAL = (
    README.read_text(encoding="utf-8")
    .partition("## From nothing to a working backbone")[2]
    .partition("\n## ")[0]
)
_BLOCK = re.compile(r"(?:^`(?P<file>[\w./]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.M | re.S)


def code_of(heading):
    """Run the first Python block under a heading of the page, and return what it defines."""
    defined = {}
    source = re.search(r"^```python\n(.*?)^```$", TEXT.partition(f"\n### {heading}\n")[2], re.M | re.S)[1]
    exec(compile(source, str(PAGE), "exec"), defined)
    return defined


def blocks(kind):
    return [match["body"] for match in _BLOCK.finditer(TUTORIAL) if match["kind"] == kind]


@pytest.fixture
def newcomer(tmp_path):
    """A virtual environment of its own, in which what the tests run with is installed already."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    [site] = (home / "lib").glob("python*/site-packages")
    ours = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    (site / "ours.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in ours))
    for command in ("ctcbench", "pytest", "pip"):
        script = home / "bin" / command
        script.write_text(f'#!/bin/sh\nexec "{home}/bin/python" -m {command} "$@"\n')
        script.chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if k not in ("CTCBENCH_PLUGINS", "PYTHONPATH")}
    return environment | {
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(home),
        "OMP_NUM_THREADS": "1",
        # What a build would fetch from a package index is here already.
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_NO_INDEX": "1",
    }


def test_the_tutorial_is_followed_to_the_letter(newcomer, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    said = {}
    for match in _BLOCK.finditer(TUTORIAL):
        if match["file"]:
            (folder / match["file"]).write_text(match["body"], encoding="utf-8")
        elif match["kind"] == "sh":
            for line in match["body"].splitlines():
                words = shlex.split(line, comments=True)
                if words[0] == "cd":
                    folder = folder / words[1]
                    continue
                done = subprocess.run(words, cwd=folder, env=newcomer, capture_output=True, text=True)
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
                said[line] = done.stdout
    new = next(said[line] for line in said if line.startswith("ctcbench new"))
    assert blocks("text")[0].strip() in new
    short = new.rpartition("ctcbench run --backbone tall ")[2].strip()
    assert short and any(line.startswith("ctcbench run") and line.endswith(f" {short}") for line in said)
    assert "ctcbench-tall" in said["ctcbench plugins"]
    assert len(re.findall("exact", said[list(said)[-1]])) >= 1
    wrong = ["ctcbench", "run", "--backbone", "tall:width=4"]
    refused = subprocess.run(wrong, cwd=folder, env=newcomer, capture_output=True, text=True)
    assert refused.returncode == 2
    assert re.search(r"width=4: .* \(allowed: whole number, 8 to 256\)$", refused.stderr.strip())
    assert "width=4: … (allowed: whole number, 8 to 256)" in TUTORIAL.replace("\n", " ")


def test_the_broken_rule_reads_as_shown():
    from torch import nn

    tall = {}
    exec(compile(blocks("python")[0], str(README), "exec"), tall)  # the page's own code
    sound = tall["tall"]

    def flattened(image):
        """The backbone with a Flatten at its end."""
        return nn.Sequential(*sound(image), nn.Flatten())

    flattened.__name__ = "tall"
    with pytest.raises(AssertionError) as failed:
        check_component(Component("backbone", flattened))
    assert str(failed.value) == blocks("text")[1].strip()
    assert sound(ImageSpec(40, 150)) is not None


def test_every_hook_kind_and_name_of_the_kit_is_on_the_page():
    known = [name for name in vars(hooks) if name.startswith("ctcbench_")]
    assert len(known) >= 5
    assert [name for name in known if f"`{name}(" not in TEXT] == []
    assert [kind for kind in KINDS if f"| `{kind}` |" not in TEXT] == []
    assert [name for name in testing.__all__ if name not in TEXT] == []


def test_every_example_is_on_the_page():
    packages = [path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml")]
    assert packages and [name for name in packages if f"`{name}`" not in TEXT] == []


def test_type_checkers_see_every_name_that_is_loaded_at_first_use():
    tree = ast.parse(Path(ctcbench.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {node.module: {alias.name for alias in node.names} for node in block.body}
    assert seen == {module: set(names) for module, names in ctcbench._HOMES.items()}
    assert set(ctcbench.__all__) == {"__version__", *ctcbench._HOME_OF}


def test_every_field_and_method_that_a_plugin_meets_is_on_the_page():
    fields = [field.name for kind in (Sample, LogProbs) for field in dataclasses.fields(kind)]
    assert [name for name in (*fields, *Hypothesis._fields) if f"`{name}`" not in TEXT] == []
    for kind in (Sample, LogProbs, Hypothesis):
        given = [
            name if p.default is p.empty else f"{name}={json.dumps(p.default).replace('null', 'None')}"
            for name, p in inspect.signature(kind).parameters.items()
        ]
        assert f"`{kind.__name__}({', '.join(given)})`" in TEXT
    for name, method in inspect.getmembers(Source, inspect.isfunction):
        if not name.startswith("_"):
            signature = inspect.signature(method)
            given = ", ".join(list(signature.parameters)[1:])
            returned = signature.return_annotation.replace("|", "\\|")
            assert f"| `{name}({given}) -> {returned}` |" in TEXT
    for name, annotation in Source.__annotations__.items():
        assert f"| `{name}: {annotation}` |" in TEXT


def test_options_are_typed_as_the_page_says():
    lexicon = code_of("Options")["lexicon"]
    typed = {
        "words": "de.txt",
        "width": "7",
        "weight": "0",
        "unknown": "drop",
        "lengths": "3,4",
        "limit": "9",
    }
    assert lexicon.read(typed) == {
        "words": Path("de.txt"), "width": 7, "weight": 0.0, "unknown": "drop", "lengths": (3, 4), "limit": 9,
    }  # fmt: skip
    assert lexicon.read({"words": "de.txt"})["limit"] is None


class Heard:
    """A study's listener, which asks to stop once so many trials train."""

    def __init__(self, stop_at=99):
        self.training = {}
        self.listener = Listener(self.tell, lambda: len(self.training) >= stop_at)

    def tell(self, key, worker, event):
        if event["kind"] == "training":
            self.training[key] = int(worker.removeprefix("process "))


@pytest.fixture
def trials(registry):
    """Return ``make(out, seeds, epochs) -> trials`` of a tiny model."""

    def make(out, seeds, epochs):
        for seed in range(seeds):
            config = RunConfig(
                dataset="captcha:width=60,height=24,length=2,alphabet=digits", backbone="cnn3:width=4",
                head="bigru1:width=8", decoder="greedy", train_samples=70, val_samples=10, test_samples=12,
                batch_size=16, device="cpu", epochs=epochs, seed=seed,
            )  # fmt: skip
            config = resolve(registry, config)
            key = train_key(registry, config)
            order = {"key": key, "out": str(out), "configs": [config.model_dump()]}
            yield Trial(key, f"seed {seed}", order)

    return lambda *arguments: list(make(*arguments))


@pytest.fixture
def processes(monkeypatch):
    """Return the page's executor with as many places as are told; none of its workers is left in the end."""
    monkeypatch.setenv("CTCBENCH_PLUGINS", "")  # a tracker that is installed beside it would only take time
    monkeypatch.delenv(
        "OMP_NUM_THREADS", raising=False
    )  # that workers have one thread is the executor's doing
    defined = code_of("An executor")
    [component] = defined["ctcbench_components"]()
    assert component.kind == "executor" and f"--executor {component.name}:count=2`" in TEXT
    before = children()
    yield lambda count: component(count=str(count))
    assert children() <= before


def children():
    """Return the processes that this one has begun, where there is a /proc to tell."""
    return {pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


def test_two_trials_at_once_give_the_weights_that_they_give_alone(processes, registry, trials, tmp_path):
    executor, heard = processes(2), Heard()
    assert executor.describe() == {"workers": 2, "threads": 1}
    began = time.monotonic()
    outcomes = list(executor.run(trials(tmp_path / "ours", 2, 3), heard.listener))
    seconds = time.monotonic() - began
    assert [outcome.state for outcome in outcomes] == ["done", "done"]
    assert len(heard.training) == 2
    assert sum(outcome.seconds for outcome in outcomes) > seconds  # they were at once
    local = registry.build("executor", "local:workers=1,threads=1")
    alone = Listener(lambda *_: None, lambda: False)
    assert [o.state for o in local.run(trials(tmp_path / "local", 2, 3), alone)] == ["done", "done"]
    assert weights(tmp_path / "ours") == weights(tmp_path / "local")
    assert len(set(weights(tmp_path / "ours").values())) == 2


def weights(out):
    """Return the digest of each run's weights, by its folder."""
    found = {path.parent.name: path.read_bytes() for path in out.glob("*/weights.safetensors")}
    return {key: hashlib.sha256(content).hexdigest() for key, content in found.items()}


def test_it_keeps_its_side_of_the_contract(processes):
    def two():
        """The page's executor."""
        return processes(2)

    check_component(Component("executor", two))


@pytest.mark.parametrize("training", [2, 0])
def test_a_stop_is_answered_by_the_workers_that_run(processes, trials, tmp_path, training):
    heard, todo = Heard(stop_at=training), trials(tmp_path, 3, 100_000)
    outcomes = list(processes(2).run(todo, heard.listener))
    # One that was not begun has no outcome; one that knows no carry_out yet has.
    assert {outcome.key for outcome in outcomes} == ({trial.key for trial in todo[:2]} if training else set())
    assert {outcome.state for outcome in outcomes} <= {"stopped"}
    saved = {path.parent.name for path in tmp_path.glob("*/checkpoint.safetensors")}
    assert saved == set(heard.training) and len(saved) == training
    assert not (tmp_path / todo[2].key).exists()  # it was never begun


def test_a_worker_that_dies_is_a_failure_and_none_outlives_the_generator(processes, trials, tmp_path):
    heard, todo, killed = Heard(), trials(tmp_path, 3, 100_000), []

    def tell(key, worker, event):
        heard.tell(key, worker, event)
        if len(heard.training) == 2 and not killed:
            killed.append(todo[0].key)
            os.kill(heard.training[todo[0].key], signal.SIGKILL)

    with closing(processes(2).run(todo, Listener(tell, lambda: False))) as outcomes:
        first = next(outcomes)
    assert [first.key] == killed
    assert (first.state, first.error) == ("failed", "its worker was killed by SIGKILL (out of memory?)")


def test_the_result_that_a_plugin_gets_is_on_the_page(processes, trials, tmp_path):
    assert [o.state for o in processes(1).run(trials(tmp_path, 1, 1), Heard().listener)] == ["done"]
    [path] = tmp_path.glob("*/results/*.json")
    document = Result.read(path).to_json()
    section = TEXT.partition("| `schema` | 1 |")[2].partition("\n### ")[0]
    names = [*document, *document["score"], *document["cost"], *document["provenance"]]
    names += [*document["provenance"]["host"]]
    assert [n for n in names if not n.endswith("_ci") and n != "schema" and f"`{n}`" not in section] == []
    named = re.search(r"`training` \((.*?) …\)", section)[1].replace("`", "").split(", ")
    assert set(named) <= set(document["provenance"]["training"])
    expression = re.search(r"```python\n(.*?)```", section, re.S)[1]
    column = eval(expression, {"Column": ctcbench.Column})
    assert column.text(document) == "1"
