"""Helpers of the tests of studies: a tiny grid, studies in this process and in others, the final state."""

import contextlib
import io
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ctcbench.__main__ import main
from ctcbench.cli.installed_plugins import registry
from tests import forked_python
from tests.tiny_config import TINY

SETTINGS = {**TINY, "backbone": "cnn3:width=4", "head": "bigru1:width=8"}
ROOT = Path(__file__).parents[2]


def flags(**settings):
    """Return the flags of the tiny study; a list repeats a flag."""
    words = []
    for name, value in {**SETTINGS, **settings}.items():
        for one in value if isinstance(value, list) else [value]:
            words += ["--" + name.replace("_", "-"), str(one)]
    return words


def environment(*folders):
    paths = [*map(str, folders), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "COLUMNS": "120"}


def ablate(*arguments, plugins=()):
    """Run `ctcbench ablate` to its end in a forked process, whose workers are forks too."""
    return forked_python.run("ctcbench", "ablate", *arguments, env=environment(*plugins))


def ablate_with_new_interpreters(*arguments, plugins=()):
    """Run `ctcbench ablate` to its end as a user does: each process imports torch by itself."""
    return subprocess.run(
        [sys.executable, "-m", "ctcbench", "ablate", *map(str, arguments)],
        env=environment(*plugins),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


HERE = """
    from ctcbench import carry_out, executor, hookimpl

    class Here:
        def __init__(self, workers):
            self.workers = workers

        def describe(self):
            return {"workers": self.workers, "threads": 1}

        def run(self, trials, listener):
            for trial in trials:
                def on_event(event):
                    listener.tell(trial.key, "here", event)
                    if listener.cancelled(trial.key):
                        raise KeyboardInterrupt
                yield carry_out(trial.order, on_event)

    @executor
    def here(*, workers: int = 1, label: str = "none"):
        \"\"\"Runs trials one after another in the process of the study.\"\"\"
        return Here(workers)

    @hookimpl
    def ctcbench_components():
        return [here]
"""


@contextlib.contextmanager
def in_process(folder):
    """Run the trials of `ctcbench ablate` in this process, unless it names an executor.

    A worker process imports torch for each trial, which takes longer than the training itself.
    """
    installed = plugin(folder / "in-process", "in_process", HERE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(installed)
        patch.setattr("ctcbench.cli.study_run._DEFAULT_EXECUTOR", "here")
        patch.setattr("ctcbench.cli.search_run._DEFAULT_EXECUTOR", "here")
        patch.setenv("COLUMNS", "120")
        registry.cache_clear()
        yield
    sys.modules.pop("in_process", None)
    registry.cache_clear()


def ablate_here(*arguments, plugins=()):
    """Run `ctcbench ablate` in this process; the return value is that of `ablate`."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        for folder in plugins:
            patch.syspath_prepend(folder)
        registry.cache_clear()
        code = main(["ablate", *map(str, arguments)])
    for folder in plugins:
        for path in Path(folder).glob("*.py"):
            sys.modules.pop(path.stem, None)
    registry.cache_clear()
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def plan_of(capsys, out, *arguments):
    """Return the JSON document of a dry run."""
    capsys.readouterr()
    assert main(["ablate", *arguments, "--out", str(out), "--dry-run", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def records(out):
    """Return the records of the trials of all studies in a folder."""
    return [json.loads(path.read_text()) for path in sorted(out.glob("studies/*/trials/*.json"))]


def start(*arguments):
    """Start a study in a forked process with a session of its own, whose workers are forks too."""
    return forked_python.ForkedPython("ctcbench", "ablate", *arguments, env=environment())


def children(pid):
    """Return the IDs of the child processes of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def alive(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def ending(out):
    """Return the parts of all run folders that must not depend on how often a study was stopped."""
    found = {}
    for folder in sorted(path.parent for path in Path(out).glob("*/config.toml")):
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            name = str(path.relative_to(out))
            if path.suffix == ".tmp" or path.name == ".lock.holder":
                continue  # of a process that was killed while it wrote; the run does not read them
            if path.suffix == ".json" and path.parent.name == "results":
                document = json.loads(path.read_text())
                found[name] = (document["config"], document["score"])
            elif path.name == "metrics.jsonl":
                lines = map(json.loads, path.read_text().splitlines())
                found[name] = [{k: v for k, v in line.items() if k != "seconds"} for line in lines]
            elif path.name == "manifest.json":  # results hold times, so that their digests differ
                found[name] = sorted(json.loads(path.read_text())["files"])
            elif path.name not in ("summary.json", "checkpoint.safetensors", ".lock"):
                found[name] = path.read_bytes()
            else:
                found[name] = None
    return found


def plugin(folder, name, source):
    """Put a plugin package into a folder that importlib.metadata sees as if it were installed there."""
    folder.mkdir(exist_ok=True, parents=True)
    (folder / f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[ctcbench]\n{name} = {name}\n")
    return folder


# A plugin with parts that raise.
BROKEN = '''
    from ctcbench import decoder, head, hookimpl

    @head
    def weak(sequence):
        """A head that raises when it is used."""
        from torch import nn

        class Weak(nn.Module):
            def forward(self, feats_TNF):
                if self.training:
                    raise RuntimeError("weak as water")
                return feats_TNF
        return Weak()

    @head
    def memory_hog(sequence):
        """A head that runs out of memory."""
        raise MemoryError("no room")

    @decoder
    def mute(alphabet):
        """A decoder that raises."""
        def decode(read):
            raise ValueError("mute")
        return decode

    @decoder
    def hoarse(alphabet):
        """Another decoder that raises."""
        def decode(read):
            raise LookupError("hoarse")
        return decode

    @hookimpl
    def ctcbench_components():
        return [weak, memory_hog, mute, hoarse]
'''
