"""ctcbench's command line, with each step's loss written down, and disturbed as DRIVER_ORDER says.

``losses``: a folder for a file of losses a process. ``signal`` [step, rank, number, whom]: that
process sends a signal after a step, to itself or to its ``parent``, torchrun, and goes slowly from
there. ``fail`` [step, rank]: it raises. ``spoil`` [step, rank]: its gradient is infinite.
``saves``: a file to which each process adds its rank and step when it saves a checkpoint.
``impatient``: what a process waits for before it speaks, in seconds.
"""

import json
import os
import sys
import time
from pathlib import Path

from ctcbench.__main__ import main
from ctcbench.training import checkpoint, loop, recorder, step
from ctcbench.training.distributed import process_rank

ORDER = json.loads(os.environ["DRIVER_ORDER"])
RANK = int(os.environ.get("RANK", 0))


def observed(state, batch, config):
    number = state.step + 1
    if ORDER.get("spoil") == [number, RANK]:
        next(state.model.parameters()).register_hook(lambda gradient: gradient * float("inf"))
    if ORDER.get("fail") == [number, RANK]:
        raise MemoryError("as a test asked for")
    metrics = step.train_step(state, batch, config)
    if "losses" in ORDER:
        record = {"step": number, "loss": metrics.loss.item(), "grad_norm": metrics.grad_norm.item(),
                  "images": len(batch.images_NCHW)}  # fmt: skip
        with Path(f"{ORDER['losses']}/losses-{RANK}.jsonl").open("a") as file:
            file.write(json.dumps(record) + "\n")
    if "signal" in ORDER and number >= ORDER["signal"][0]:
        at, rank, which, whom = ORDER["signal"]
        if [number, RANK] == [at, rank]:
            os.kill(os.getppid() if whom == "parent" else os.getpid(), which)
        time.sleep(0.3)
    return metrics


def format_checkpoint(state, *more):
    if "saves" in ORDER:
        with Path(ORDER["saves"]).open("a") as file:
            file.write(f"{RANK} {state.step}\n")
    return checkpoint.format_checkpoint(state, *more)


loop.train_step = observed
recorder.format_checkpoint = format_checkpoint
if "impatient" in ORDER:
    process_rank._OWN_ERROR_SECONDS = process_rank._EXTERNAL_ERROR_SECONDS = ORDER["impatient"]
sys.exit(main())
