"""A tiny study as a process, its workers on the cluster, and its results."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

FLAGS = [
    *("--dataset", "captcha:width=60,height=24,length=2,alphabet=digits"),
    *("--head", "bigru1:width=8", "--decoder", "greedy", "--decoder", "beam_cpp", "--epochs", "30"),
    *("--train-samples", "70", "--val-samples", "10", "--test-samples", "12", "--batch-size", "16"),
    *("--checkpoint-seconds", "0", "--device", "cpu"),
]
ONE = [*FLAGS, "--backbone", "cnn3:width=4"]
GRID = [*ONE, "--backbone", "cnn2:width=4"]
_MARK = "CTCBENCH_TEST_STUDY"  # reaches the workers, as all of CTCBENCH_* does


def command(*arguments, executor):
    return [sys.executable, "-m", "ctcbench", "ablate", *map(str, arguments), "--executor", executor]


def ctcbench(*words):
    return _run([sys.executable, "-m", "ctcbench", *map(str, words)])


def ablate(*arguments, executor, **environment):
    return _run(command(*arguments, executor=executor), **environment)


def _run(words, **environment):
    return subprocess.run(
        words,
        env={**os.environ, "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


class Study:
    """`ctcbench ablate` in a process of its own group, and the processes that train for it."""

    def __init__(self, *arguments, executor, scratch, **environment):
        self.mark = f"{scratch}-{time.monotonic_ns()}"
        self.process = subprocess.Popen(
            command(*arguments, executor=executor),
            env={**os.environ, "COLUMNS": "120", _MARK: self.mark, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def workers(self):
        """Return for each running trial its process, its parent (a Ray worker) and its run folder's name."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if b"ctcbench.study.worker" not in (folder / "cmdline").read_bytes():
                    continue
                if f"{_MARK}={self.mark}\0".encode() not in (folder / "environ").read_bytes():
                    continue
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                opened = [str(link.readlink()) for link in (folder / "fd").iterdir()]
            except (OSError, ValueError):
                continue
            runs = [Path(name).parent.name for name in opened if name.endswith("/.lock")]
            found.append((int(folder.name), parent, runs[0] if runs else ""))
        return found

    def wait_for(self, happened):
        """Wait until `happened()` is true while the study runs, and return it."""
        deadline = time.monotonic() + 300  # two slow cores, on which other tests run as well
        while not (found := happened()):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.005)
        return found

    def end(self, code):
        """Wait for its end with exit code `code`; return its standard output and standard error."""
        said = self.process.communicate(timeout=600)
        assert self.process.returncode == code, said
        return said


def trained_a_while(out):
    """Return a function that returns the name of a run folder with a checkpoint and two epochs, or ``""``."""

    def happened():
        for path in Path(out).glob("*/checkpoint.safetensors"):
            metrics = path.parent / "metrics.jsonl"
            lines = metrics.read_text().splitlines() if metrics.exists() else []
            if sum('"epoch"' in line for line in lines) >= 2:
                return path.parent.name
        return ""

    return happened


def ending(out):
    """Return the contents of run folders that must not depend on the executor or on interruptions."""
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


def of_one(found):
    """Return the part of the results of `GRID` that a study of `ONE` has."""
    [key] = {n.partition("/")[0] for n, f in found.items() if n.endswith("config.toml") and b"cnn3" in f}
    return {name: content for name, content in found.items() if name.startswith(key)}


def descendants(pid):
    """Return the descendants of a process by number, each with its command line."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    found = {}
    for child in map(int, text.split()):
        found[child] = Path(f"/proc/{child}/cmdline").read_bytes()
        found |= descendants(child)
    return found


def alive(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
