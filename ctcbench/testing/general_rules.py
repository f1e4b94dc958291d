"""Rules for a component of any kind: its name, its help and its options."""

from __future__ import annotations

import importlib.util
import keyword
import sys
from pathlib import Path

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import CtcbenchError
from ctcbench.registry.discovery import load_registry
from ctcbench.testing.case import Case, Rule

_LONGEST_HELP = 120


def has_a_name_that_can_be_typed(case: Case) -> None:
    """The name is valid in a component string, and is not a Python keyword."""
    name = getattr(case.component.builder, "__name__", "")
    try:
        typed = ComponentString.parse(name).name == name
    except CtcbenchError:
        typed = False
    case.require(
        typed and not keyword.iskeyword(name),
        "its name must be an identifier, as it is typed in component strings",
        repr(name),
        "rename the builder function",
    )


def has_a_name_of_its_own(case: Case) -> None:
    """No built-in component of its kind has its name: with two owners of a name, neither can be used."""
    found = load_registry([]).components(case.component.kind).get(case.component.name)
    rule = f"no {case.component.kind} of ctcbench may have its name"
    is_own = found is None or found.builder is case.component.builder
    case.require(is_own, rule, f"the name {case.component.name!r}", "rename the builder function")


def is_not_hidden_by_a_file(case: Case) -> None:
    """No other module of its package has its name: importing that module would replace the component."""
    builder, name = case.component.builder, case.component.name
    package = sys.modules.get(builder.__module__)
    # Only an attribute of the package can be replaced by a submodule of that name.
    is_attribute = getattr(package, name, None) is case.component or builder.__qualname__ == name
    if not (hasattr(package, "__path__") and is_attribute and name.isidentifier()):
        return
    # find_spec() finds the file without importing it, which would do the damage.
    found = importlib.util.find_spec(f"{builder.__module__}.{name}")
    if found is None:
        return
    folders = [Path(folder) for folder in found.submodule_search_locations or ()]
    # A folder without __init__.py is a package as well; one that holds only data is never imported.
    holds_code = bool(found.origin) or any(any(folder.glob("*.py")) for folder in folders)
    what, where = ("folder", name) if folders else ("file", Path(found.origin or name).name)
    rule, remedy = f"no file of its package {builder.__module__} may be called {name}", f"rename the {what}"
    case.require(not holds_code, rule, f"the {what} {where}, which would hide the component", remedy)


def has_help(case: Case) -> None:
    """The first line of the docstring describes the component in one line of `run --help`."""
    summary = case.component.summary
    case.require(
        0 < len(summary) <= _LONGEST_HELP,
        f"its docstring's first line is its help, 1 to {_LONGEST_HELP} characters long",
        f"{len(summary)} characters ({summary!r})",
        "describe it in one line, and add details in further lines",
    )


def has_options_with_help_and_bounds(case: Case) -> None:
    """Each option has a type that can be typed in, a description, and a default within its own bounds."""
    options = case.attempt("have its options read", lambda: case.component.options)
    for option in options.values():
        rule = f"option {option.name!r} needs a description, which --help shows"
        remedy = f"write {option.name}: Annotated[…, Field(description='…')]"
        case.require(bool(option.description), rule, "none", remedy)
        if option.required:
            continue
        rule = f"the default of option {option.name!r} must lie within its own bounds"
        try:
            read = option.read(option.default)
        except CtcbenchError as error:
            case.require(False, rule, error, "change the default or the bounds")
        # Run folders and tables store options as text, so a default must survive the way there and back.
        typed = option.as_text(option.default)
        rule = f"the default of option {option.name!r} must come back when it is typed"
        try:
            read = option.read(typed)
        except CtcbenchError as error:
            case.require(False, rule, error, "use a default of its own type")
        case.require(
            bool(read == option.default),
            rule,
            f"{read!r} from {typed!r}, not {option.default!r}",
            "use a type that text can be turned into",
        )


RULES: tuple[Rule, ...] = (
    has_a_name_that_can_be_typed,
    has_a_name_of_its_own,
    is_not_hidden_by_a_file,
    has_help,
    has_options_with_help_and_bounds,
)
