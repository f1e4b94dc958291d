"""report_error(): an error as one line on standard error, and the exit code that belongs to it."""

from __future__ import annotations

import errno
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from ctcbench.cli.exit_codes import FAILED, INTERRUPTED, USAGE_ERROR
from ctcbench.cli.standard_streams import STANDARD_OUTPUT
from ctcbench.config.legacy_settings import removed_flag
from ctcbench.contract.errors import CtcbenchError, UsageError, nearest
from ctcbench.contract.pydantic_words import explain
from ctcbench.files.text import abbreviated, one_line
from ctcbench.processes.out_of_memory import describe_shortage, is_out_of_memory
from ctcbench.processes.program_signals import program_signals
from ctcbench.processes.signals import Interrupted
from ctcbench.registry.attribution import find_plugin_frame
from ctcbench.training.distributed.process_rank import should_report_error

# Conditions of the machine (disk full, no permission, too many files): not a bug, and no traceback helps.
_ENVIRONMENT_ERRORS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE,
    errno.ENFILE,
}  # fmt: skip
_LONGEST_REASON = 1000  # characters of an unexpected error
_WITH_BATCH_SIZE = ("ctcbench run", "ctcbench ablate", "ctcbench bench train", "ctcbench bench seeds")


def report_error(error: BaseException, command: str) -> int:
    """Print why `command` failed as one line on standard error, and return the exit code.

    With ``CTCBENCH_TRACEBACK=1`` the traceback is printed before the line.
    """
    if isinstance(error, SystemExit) and not isinstance(error.code, str):
        return int(error.code or 0)
    code, message = _classify(error, command)
    if not should_report_error(error):  # under torchrun, one process reports
        return code
    if os.environ.get("CTCBENCH_TRACEBACK"):
        traceback.print_exception(error)
    print(f"{command}: {one_line(message)}", file=sys.stderr)
    return code


def _classify(error: BaseException, command: str) -> tuple[int, str]:
    """Return the exit code and the message of an error."""
    # Classes of torch and click are recognised by name, so that neither is imported to report an error.
    class_names = {base.__name__ for base in type(error).__mro__}
    if isinstance(error, Interrupted):
        return INTERRUPTED, str(error)
    signals = program_signals()
    # A signal in the middle of somebody's code can end in any error, which is then no error of the program.
    if isinstance(error, KeyboardInterrupt) or "Abort" in class_names or (signals and signals.requested):
        return INTERRUPTED, "interrupted"
    if isinstance(error, CtcbenchError):
        return (USAGE_ERROR if isinstance(error, UsageError) else FAILED), str(error)
    if "ClickException" in class_names:
        return USAGE_ERROR, _parser_message(error)
    if is_out_of_memory(error):
        return FAILED, f"out of memory ({describe_shortage(error)}): {_memory_remedy(command)}"
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        # The names that ctcbench itself chooses are short, so the user typed this one.
        return USAGE_ERROR, f"{error.filename or 'a file'}: too long for a file name; use a shorter one"
    if isinstance(error, OSError) and (
        error.errno in _ENVIRONMENT_ERRORS or error.filename == STANDARD_OUTPUT
    ):
        return FAILED, f"{error.filename or 'a file'}: {error.strerror}"
    origin = find_plugin_frame(error)
    where = f"{origin.owner} ({origin.location})" if origin else "ctcbench or in a plugin"
    return FAILED, (
        # Errors of extensions may quote whole arrays.
        f"a bug in {where}: {type(error).__name__}: {abbreviated(str(error), _LONGEST_REASON)} "
        f"(CTCBENCH_TRACEBACK=1 shows the traceback; please report it)"
    )


def _is_of_pydantic(error: BaseException | None) -> bool:
    # By name, as the classes of click; typer checks numbers and their bounds by pydantic.
    return type(error).__name__ == "ValidationError"


def _as_flag(argument: str, known: Sequence[str]) -> str:
    """Return the flag of a command by which a folder or a file is given, or how to see its flags."""
    # Not Path.is_file(), which raises an error for a text that is too long for a path.
    settings = os.path.join(argument, "config.toml")  # noqa: PTH118
    if "--config" in known and os.path.isfile(settings):  # noqa: PTH113
        return f": --config {settings} takes the settings of that run"
    if "--config" in known and argument.endswith(".toml"):
        return f": --config {argument} takes the settings in a file"
    if "--dataset" in known and os.path.isdir(argument):  # noqa: PTH112
        return ": --dataset takes the pictures in a folder (`--help` describes how)"
    return " (`--help` describes what this command takes)"


def _memory_remedy(command: str) -> str:
    """Return what reduces the memory that a command takes."""
    if command in _WITH_BATCH_SIZE:
        return "try a smaller --batch-size"
    return "end other programs, or use a machine with more memory"


def _parser_message(error: Any) -> str:
    """Return the message of a typer or click error, with the nearest option where one was mistyped."""
    command: Any = getattr(getattr(error, "ctx", None), "command", None)
    option = getattr(error, "option_name", None)
    parameters = getattr(command, "params", ())
    arguments = {parameter.name for parameter in parameters if parameter.param_type_name == "argument"}
    if option and option.removeprefix("--") in arguments:
        name = option.removeprefix("--")
        usage = f"`{error.ctx.command_path} {name.upper()}`"
        return f"{option} is not an option of this command: give the {name} as an argument, {usage}"
    known = [name for parameter in parameters if parameter.name not in arguments for name in parameter.opts]
    if option and command and option not in known:
        if removed := removed_flag(option, known):
            return removed
        close = nearest(option, known)
        if not close and arguments:
            close = ", and what begins with a hyphen is an option; give a file of such a name after `--`"
        return f"no option {option}{close} (`{error.ctx.command_path} --help` lists them)"
    if "BadParameter" in {base.__name__ for base in type(error).__mro__} and _is_of_pydantic(
        error.__context__
    ):
        first = error.__context__.errors()[0]
        return f"{error.param.opts[0]} {first['input']}: {explain(error.__context__)}"
    # typer ends some messages with a period.
    message = str(error.format_message()).rstrip(".")
    if extra := re.fullmatch(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", message, re.DOTALL):
        return f"unexpected argument {extra[1]}{_as_flag(extra[1], known)}"
    if message.startswith(("Missing argument", "Missing option")) and command:
        message += f" (`{error.ctx.command_path} --help` describes it)"
    if message == "Missing command" and command:
        return f"missing command (there are: {', '.join(command.commands)})"
    return message[:1].lower() + message[1:]
