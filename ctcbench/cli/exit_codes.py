"""The exit codes of the program."""

from ctcbench.processes.program_signals import INTERRUPTED as INTERRUPTED

DONE, FAILED, USAGE_ERROR = 0, 1, 2
