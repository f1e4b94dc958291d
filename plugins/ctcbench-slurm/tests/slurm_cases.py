"""A tiny study as a process, the jobs that carry it out, and its results."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

FLAGS = [
    *("--dataset", "captcha:width=60,height=24,length=2,alphabet=digits"),
    *("--backbone", "cnn3:width=4", "--head", "bigru1:width=8", "--decoder", "greedy", "--epochs", "16"),
    *("--train-samples", "70", "--val-samples", "10", "--test-samples", "12", "--batch-size", "16"),
    *("--checkpoint-seconds", "0", "--device", "cpu"),
]
_ENVIRONMENT = {"COLUMNS": "120"}


def _command(*words):
    return [sys.executable, "-m", "ctcbench", *map(str, words)]


def ctcbench(*words):
    environment = {**os.environ, **_ENVIRONMENT}
    return subprocess.run(_command(*words), env=environment, capture_output=True, text=True, timeout=600)


def start(*words):
    """Start a command in a session of its own."""
    return subprocess.Popen(
        _command(*words),
        env={**os.environ, **_ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def jobs(out, module="submitit.core._submit"):
    """Return the processes of the jobs of the studies in `out`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if module in line and str(out) in line:
            found.append(int(folder.name))
    return found


def wait_until(happened, process=None):
    """Wait until `happened()` is true, while the process runs, and return it."""
    deadline = time.monotonic() + 120
    while not (found := happened()):
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def has_epochs(out, count=2):
    """Return whether a run has a checkpoint and so many epochs."""
    for path in Path(out).glob("*/checkpoint.safetensors"):
        metrics = path.parent / "metrics.jsonl"
        lines = metrics.read_text().splitlines() if metrics.exists() else []
        if sum('"epoch"' in line for line in lines) >= count:
            return True
    return False


def ending(out):
    """Return the contents of run folders that must not depend on the executor or on interruptions."""
    found = {}
    for path in sorted(Path(out).glob("*/**/*")):
        name = str(path.relative_to(out))
        if path.parent.name == "results" and path.suffix == ".json":
            document = json.loads(path.read_text())
            found[name] = (document["config"], document["score"])
        elif path.name in ("weights.safetensors", "config.toml"):
            found[name] = path.read_bytes()
    return found
