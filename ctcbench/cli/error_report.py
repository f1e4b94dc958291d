"""How a command ends: each error as one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import Any

from ctcbench.contract.errors import CtcbenchError, Interrupted, UsageError, nearest
from ctcbench.files.text import one_line
from ctcbench.registry.plugin import culprit
from ctcbench.training.distributed.process_rank import has_the_word

DONE, FAILED, MISTAKE, INTERRUPTED = 0, 1, 2, 130
# What the machine refuses, as against what we got wrong.
_OUTSIDE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENOMEM}


def report(error: BaseException, arguments: list[str]) -> int:
    """Say on standard error why the command ended, in one line, and return the exit code."""
    if isinstance(error, SystemExit) and not isinstance(error.code, str):
        return int(error.code or 0)
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has gone; what is still buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    code, message = _judge(error)
    if not has_the_word(error):
        return code
    if os.environ.get("CTCBENCH_TRACEBACK"):
        traceback.print_exception(error)
    try:
        print(f"{command_path(arguments)}: {one_line(message)}", file=sys.stderr)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    return code


def command_path(arguments: list[str]) -> str:
    """Return the command that these arguments name, as in ``ctcbench data preview``."""
    from ctcbench.cli.app import click_command

    path, node = "ctcbench", click_command()
    for word in arguments:
        if word not in getattr(node, "commands", {}):
            break
        path, node = f"{path} {word}", node.commands[word]
    return path


def _judge(error: BaseException) -> tuple[int, str]:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, Interrupted):
        return INTERRUPTED, str(error)
    if isinstance(error, KeyboardInterrupt) or "Abort" in kinds:
        return INTERRUPTED, "interrupted"
    if isinstance(error, CtcbenchError):
        return (MISTAKE if isinstance(error, UsageError) else FAILED), str(error)
    if "ClickException" in kinds:  # by name: typer brings click along, older ones import it
        return MISTAKE, _typers(error)
    if "OutOfMemoryError" in kinds or isinstance(error, MemoryError):
        return FAILED, f"out of memory ({error}): try a smaller --batch-size"
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        # Our own names are short: it is one that was typed, in whichever command.
        return MISTAKE, f"{error.filename or 'a file'}: too long for a name of a file; give a shorter one"
    if isinstance(error, OSError) and error.errno in _OUTSIDE:
        return FAILED, f"{error.filename or 'a file'}: {error.strerror}"
    whose = culprit(error)
    where = f"{whose.owner} ({whose.place})" if whose else "ctcbench or in a plugin"
    return FAILED, (
        f"a bug in {where}: {type(error).__name__}: {error} "
        f"(CTCBENCH_TRACEBACK=1 shows where; please report it)"
    )


def _typers(error: Any) -> str:
    """Return what typer has to say about a command line, with the nearest option."""
    command: Any = getattr(getattr(error, "ctx", None), "command", None)
    option = getattr(error, "option_name", None)
    parameters = getattr(command, "params", ())
    arguments = {parameter.name for parameter in parameters if parameter.param_type_name == "argument"}
    if option and option.removeprefix("--") in arguments:
        name = option.removeprefix("--")
        usage = f"`{error.ctx.command_path} {name.upper()}`"
        return f"{option} is no option here: give the {name} by itself, {usage}"
    known = [name for parameter in parameters if parameter.name not in arguments for name in parameter.opts]
    if option and command and option not in known:
        return f"no option {option}{nearest(option, known)} (`{error.ctx.command_path} --help` lists them)"
    message = str(error.format_message()).rstrip(".").replace("Value error, ", "").replace("Input ", "")
    if message == "Missing command" and command:
        return f"missing command (there are: {', '.join(command.commands)})"
    return message[:1].lower() + message[1:]
