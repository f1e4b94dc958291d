"""The exit codes of the program."""

DONE, FAILED, USAGE_ERROR, INTERRUPTED = 0, 1, 2, 130
