"""The layout of `--help`: one renderer for every command, the same under every version of typer."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from ctcbench.cli.output import output_console, standard_output_reserved
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.contract.word_lists import join_words

_WIDEST = 110  # longer lines are hard to read
# What other programs call the commands.
_OTHER_NAMES = {
    "help": "--help",
    "version": "--version",
    "train": "run",
    "fit": "run",
    "test": "evaluate",
    "eval": "evaluate",
    "score": "evaluate",
    "read": "predict",
    "recognise": "predict",
    "recognize": "predict",
    "infer": "predict",
    "sweep": "tune",
    "search": "tune",
    "study": "ablate",
}
PATH_METAVARS = ("FILE", "FOLDER", "RUN", "PNG", "CSV")
"""The metavars of options that take the path of a file or folder."""


# typer's own layout differs between its versions, and docs/cli.md would with it.
class Command(TyperCommand):
    """A command with the help layout of ctcbench, whose components print on standard error."""

    def get_help_option_names(self, ctx: Any) -> list[str]:
        """Return the names of the help flag in their given order."""
        # click returns those of a set, whose order differs between processes.
        return sorted(super().get_help_option_names(ctx), key=ctx.help_option_names.index)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments.

        Raises:
            UsageError: a positional argument is empty, or an option that takes a path.
        """
        if not ctx.resilient_parsing and any(not arg or arg.endswith("=") for arg in args):
            self._refuse_empty(ctx, args)
        return super().parse_args(ctx, args)

    def _refuse_empty(self, ctx: Any, args: list[str]) -> None:
        # Before the conversion, in which an empty path becomes the current folder. The parser empties the
        # list that it reads.
        given, _, parameters = self.make_parser(ctx).parse_args(list(args))
        for parameter in parameters:
            value = given.get(parameter.name)
            is_empty = value == "" or (isinstance(value, list | tuple) and "" in value)
            if is_empty and not self._may_be_empty(parameter):
                is_option = parameter.param_type_name == "option"
                name = parameter.opts[0] if is_option else parameter.metavar or parameter.name.upper()
                what = "the path" if is_option else "an argument"
                raise UsageError(f"{name}: {what} is empty; perhaps a shell variable is not set")

    def _may_be_empty(self, parameter: Any) -> bool:
        # An empty text turns some settings off.
        return parameter.param_type_name == "option" and parameter.metavar not in PATH_METAVARS

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with standard_output_reserved():
            return super().invoke(ctx)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        print_help(command_help(self, ctx))


class TextCommand(Command):
    """A command whose repeated argument is a text, which may be empty."""

    def _may_be_empty(self, parameter: Any) -> bool:
        return parameter.nargs == -1 or super()._may_be_empty(parameter)


class Commands(TyperGroup):
    """A group with the help layout of ctcbench; an unknown command is an error that names the nearest."""

    def get_help_option_names(self, ctx: Any) -> list[str]:
        """Return the names of the help flag in their given order."""
        # click returns those of a set, whose order differs between processes.
        return sorted(super().get_help_option_names(ctx), key=ctx.help_option_names.index)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        print_help(command_help(self, ctx))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the first argument names.

        Raises:
            UsageError: there is no such command.
        """
        # While the shell completes a command (resilient_parsing), an unfinished word is not an error.
        if args and args[0] not in self.commands and not ctx.resilient_parsing:
            known = ", ".join(self.commands)
            raise UsageError(f"no command {args[0]!r}{self._meant(args[0])} (there are: {known})")
        return super().resolve_command(ctx, args)

    def _meant(self, given: str) -> str:
        """Return ``"; did you mean 'x'?"`` for what a command that does not exist may mean, or ``""``."""
        commands = self.commands
        if (other := _OTHER_NAMES.get(given.casefold())) in (*commands, "--help", "--version"):
            return f"; did you mean {other!r}?"
        groups = [name for name, group in commands.items() if given in getattr(group, "commands", ())]
        inner = join_words((repr(f"{group} {given}") for group in groups), "or")
        return f"; did you mean {inner}?" if inner else nearest(given, commands)


def print_help(parts: Iterable[RenderableType]) -> None:
    """Print the parts of a help text on standard output, at most 110 columns wide."""
    console = output_console()
    # Also without a terminal, so that the help in a file or a pipe has readable lines.
    console.width = min(console.width, _WIDEST)
    for part in parts:
        console.print(part)


def command_help(command: Any, ctx: Any) -> Iterator[RenderableType]:
    """Yield the usage, the description, a panel for each group of parameters, and the commands of a group."""
    yield Text(command.get_usage(ctx).strip(), "bold")
    paragraphs = inspect.cleandoc(command.help or "").split("\n\n")
    for paragraph in filter(None, paragraphs):
        yield Padding(Text(" ".join(paragraph.split())), (1, 0, 0, 0))
    yield ""
    panels: dict[str, list[Any]] = {"Arguments": []}
    for parameter in command.get_params(ctx):
        if not getattr(parameter, "hidden", False):
            is_argument = parameter.param_type_name == "argument"
            theme = getattr(parameter, "rich_help_panel", None) or ("Arguments" if is_argument else "Options")
            panels.setdefault(theme, []).append(parameter)
    panels["Options"] = panels.pop("Options", [])  # last, because --help is in it
    for theme, parameters in panels.items():
        if parameters:
            yield panel(theme, rows((_written(p), _described(p)) for p in parameters))
    if commands := getattr(command, "commands", None):
        # The list has only the first paragraph; the command's own --help has the rest.
        first = {name: inspect.cleandoc(c.help or "").split("\n\n")[0] for name, c in commands.items()}
        yield panel("Commands", rows((Text(name, "bold cyan"), Text(text)) for name, text in first.items()))


def panel(title: str, content: RenderableType) -> Panel:
    """Return a panel of the help."""
    return Panel(content, title=Text(title), title_align="left", border_style="dim")


def rows(entries: Iterable[tuple[Text, Text]]) -> Table:
    """Return a table of two columns: a flag and its description."""
    table = Table.grid(padding=(0, 2))
    # A long flag wraps, so that it does not narrow the descriptions of all others.
    table.add_column(max_width=34)
    table.add_column(ratio=1)
    for left, right in entries:
        table.add_row(left, right)
    return table


def _written(parameter: Any) -> Text:
    """Return a parameter as it is written on the command line."""
    if parameter.param_type_name == "argument":
        return Text(parameter.metavar or parameter.name.upper(), "bold cyan")
    text = Text(", ".join(parameter.opts), "bold cyan")
    for negative in parameter.secondary_opts:
        positive = parameter.opts[0]
        # On one line if both fit.
        text.append(f" / {negative}" if len(positive) + len(negative) < 30 else f"\n{negative}", "cyan")
    if not parameter.is_flag:
        text.append(f" {parameter.metavar or 'VALUE'}", "green")
    return text


def _described(parameter: Any) -> Text:
    text = Text(parameter.help or "")
    default = parameter.default
    # These defaults mean that nothing is set, which the description states.
    if parameter.show_default and not callable(default) and default not in (None, False, "", ()):
        text.append(f" (default: {default})")
    if parameter.required and parameter.param_type_name == "option":
        text.append(" (required)", "red")
    return text
