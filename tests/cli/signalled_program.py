"""`python -m tests.cli.signalled_program …`: the program, which sends itself a signal in a phase.

The variable SIGNALLED is ``phase:number``, or ``phase:number:parent`` for a signal to the parent.
"""

import os
import sys
import time

from ctcbench.__main__ import main
from ctcbench.cli import progress, result_output
from ctcbench.pipeline import decoding_stage
from ctcbench.results.run_folder import RunFolder
from ctcbench.study import plan
from ctcbench.training import recorder

PHASE, NUMBER, *PARENT = os.environ["SIGNALLED"].split(":")
# Where each phase is: a function, and its arguments that are meant.
PHASES = {
    "drawing": (progress.ConsoleProgress, "images_drawn", "train"),
    "validating": (progress.ConsoleProgress, "images_read", "val"),
    "saving a checkpoint": (recorder, "format_checkpoint", None),
    "reading": (progress.ConsoleProgress, "images_read", "test"),
    "storing log-probabilities": (RunFolder, "write_log_probs", None),
    "decoding": (decoding_stage, "score", None),
    "reporting": (result_output, "print_report", None),
    "planning": (plan, "_model", None),
}


def signalled(function, argument):
    def call(*arguments, **keywords):
        if argument is None or argument in arguments:
            os.kill(os.getppid() if PARENT else os.getpid(), int(NUMBER))
            time.sleep(2.0 if PARENT else 0.0)  # until torchrun has passed it on
        return function(*arguments, **keywords)

    return call


owner, name, argument = PHASES[PHASE]
setattr(owner, name, signalled(getattr(owner, name), argument))
sys.exit(main())
