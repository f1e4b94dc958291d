"""Starts tests' trainings by torchrun: a driver that records and disturbs, and what a run must end with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_results import find_results
from tests import forked_python

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[3]
DRIVER, CHECKS = HERE / "torchrun_driver.py", HERE / "two_process_checks.py"

# No dropout, as each process draws its own; 65 images in batches of 15 are parts of 7 and 8, and at an
# epoch's end of 2 and 3.
SETTINGS = {
    "dataset": "captcha:width=60,height=24,length=2,alphabet=digits",
    "backbone": "cnn3:width=4",
    "head": "bigru1:width=8",
    "decoder": "greedy",
    "train_samples": 65,
    "val_samples": 10,
    "test_samples": 12,
    "epochs": 6,
    "batch_size": 15,
    "device": "cpu",
    "amp": False,
    "optimizer": "adamw",  # with muon rounding grows sooner
    "loss": "ctc",
}


def flags(**settings):
    words = []
    for name, value in {**SETTINGS, **settings}.items():
        name = name.replace("_", "-")
        words += (
            [f"--{'' if value else 'no-'}{name}"] if isinstance(value, bool) else [f"--{name}", str(value)]
        )
    return words


def environment(*folders, **more):
    paths = [*map(str, folders), str(ROOT), os.environ.get("PYTHONPATH", "")]
    found = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "COLUMNS": "200", **more}
    return {name: value for name, value in found.items() if name != "CTCBENCH_TRACEBACK"}


def torchrun(*command, processes=2, folders=(), timeout=180, **more):
    """Run a program in several processes to its end, and return that."""
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *_arguments(command, processes)],
        env=environment(*folders, **more),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def forked_torchrun(*command, processes=2, folders=(), timeout=180, **more):
    """Do the same in forked processes, none of which has to import torch."""
    words = ["torch.distributed.run", *_arguments(command, processes)]
    return forked_python.run(*words, env=environment(*folders, **more), timeout=timeout)


def _arguments(command, processes):
    return ["--standalone", "--nproc-per-node", str(processes), *map(str, command)]


def drive(out, *arguments, order=None, settings=None, **keywords):
    """Run `ctcbench run` by the driver, which gets `order`."""
    words = ["run", *flags(**(settings or {})), "--out", out, *arguments]
    return forked_torchrun(DRIVER, *words, DRIVER_ORDER=json.dumps(order or {}), **keywords)


def said(done):
    """The lines on standard error that are ctcbench's, not torchrun's."""
    return [line for line in done.stderr.splitlines() if line.startswith("ctcbench run:")]


def losses(folder):
    """Each process's losses by step, as the driver wrote them."""
    return [
        {record["step"]: record for record in map(json.loads, path.read_text().splitlines())}
        for path in sorted(Path(folder).glob("losses-*.jsonl"))
    ]


def ending(out):
    """Everything of a run that must not depend on how often it was stopped."""
    (folder,) = [RunFolder(path) for path in Path(out).iterdir()]
    metrics = [{k: v for k, v in r.items() if k != "seconds"} for r in folder.read_metrics()]
    (result,), problems = find_results(folder)
    assert not problems
    log_probs = folder.log_probs_path("test").read_bytes()
    return folder.weights_path.read_bytes(), log_probs, metrics, result.score


def stored(out):
    """The run folder of a run, its files' names and its weights."""
    (path,) = Path(out).iterdir()
    names = {str(file.relative_to(path)) for file in path.rglob("*") if file.is_file()}
    return RunFolder(path), names, load_file(path / "weights.safetensors")


def furthest(ours, theirs):
    """The largest difference between two sets of tensors."""
    assert ours.keys() == theirs.keys()
    return max((ours[name].double() - theirs[name].double()).abs().max().item() for name in ours)


def close(ours, theirs, atol=1e-5, rtol=1e-4):
    return torch.allclose(ours, theirs, atol=atol, rtol=rtol)
