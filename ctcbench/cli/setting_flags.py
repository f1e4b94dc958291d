"""A flag for every setting of RunConfig, and the precedence of presets, files and flags."""

from __future__ import annotations

import functools
import inspect
import typing
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ctcbench.cli.completion import complete_choice, complete_component, complete_preset
from ctcbench.cli.installed_plugins import registry
from ctcbench.config.component_settings import COMPONENT_KINDS, canonical_value
from ctcbench.config.presets import DEFAULT, read_preset, read_settings
from ctcbench.config.run_config import RunConfig, flag, setting_fields
from ctcbench.contract.errors import UsageError
from ctcbench.contract.options import describe_type, show
from ctcbench.contract.pydantic_words import describe_bounds

FROM = "Presets and files (default preset < --preset < --config < flags)"
_METAVAR_WIDTH = 22  # longer lists of choices are in the help text instead
_PARTS, _IMAGES, _TRAINING, _MACHINE = "Components", "Images", "Training", "Device and precision"
# Panel of the help by setting; those that are not listed are under "Training".
THEMES = {
    **dict.fromkeys([*COMPONENT_KINDS, "extra_share", "shortcut"], _PARTS),
    **dict.fromkeys(("train_samples", "val_samples", "test_samples", "skip_bad"), _IMAGES),
    **dict.fromkeys(("device", "amp", "amp_dtype", "channels_last", "compile", "deterministic"), _MACHINE),
}


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Add a flag for each setting to a command whose first parameter is a `RunConfig`.

    The flags are parsed as text and checked by `RunConfig`, so that names, bounds, help and errors have
    one source for the command line and for files.
    """

    @functools.wraps(command)
    def wrapper(*, preset: list[str] | None, config: Path | None, **given: Any) -> None:
        flags = {name: given.pop(name) for name in setting_fields()}
        chosen = {name: _last_value(flag(name), values) for name, values in flags.items() if values}
        command(layer_settings(_last_value("--preset", preset) if preset else None, config, chosen), **given)

    return _with_parameters(command, wrapper, 1, [*_sources(), *map(_parameter, setting_fields())])


def with_axes(command: Callable[..., None]) -> Callable[..., None]:
    """Add repeatable flags to a command whose first two parameters are presets and settings.

    The settings are a mapping from the names of the flags that were given to their values, as text.
    """

    @functools.wraps(command)
    def wrapper(*, preset: list[str] | None, **given: Any) -> None:
        flags = {name: given.pop(name) for name in setting_fields()}
        command(preset or [], {name: values for name, values in flags.items() if values}, **given)

    return _with_parameters(command, wrapper, 2, [_preset(), *map(_parameter, setting_fields())])


def _last_value(name: str, values: Sequence[Any]) -> Any:
    # The last value is used, because scripts append flags to override earlier ones. A user may have meant
    # one run for each value, hence the notice; with --amp --no-amp that can't be.
    if len(set(values)) > 1 and not isinstance(values[0], bool):
        given = ", ".join(map(str, values))
        advice = "the last is used; `ctcbench ablate` compares several values"
        typer.echo(f"{name}: given {len(values)} times ({given}); {advice}", err=True)
    return values[-1]


def _with_parameters(
    command: Callable[..., None], wrapper: Any, taken: int, parameters: list[inspect.Parameter]
) -> Callable[..., None]:
    """Return `wrapper` with the signature `parameters` + those of the command without its first `taken`."""
    # Annotations are strings here (`from __future__ import annotations`); typer needs the Annotated objects.
    hints = typing.get_type_hints(command, include_extras=True)
    own = list(inspect.signature(command).parameters.values())[taken:]
    parameters = [*parameters, *(p.replace(annotation=hints[p.name]) for p in own)]
    # typer makes the flags of a command from its signature.
    wrapper.__signature__ = inspect.Signature(parameters)
    wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return wrapper  # type: ignore[no-any-return]


def layer_settings(preset: str | None, file: Path | None, flags: dict[str, Any]) -> RunConfig:
    """Return the configuration of the default preset, overridden by `preset`, then `file`, then `flags`.

    Raises:
        UsageError: a name or a value is wrong; the message names the file that it comes from.
    """
    known = setting_fields()
    settings: dict[str, Any] = {}
    # A preset states only what differs from the default preset.
    for name in dict.fromkeys([DEFAULT, DEFAULT if preset is None else preset]):
        settings |= read_preset(name, known)
    if file is not None:
        settings |= read_settings(file, known)
        # Checked before the flags are applied: a wrong value in the file is an error that names the file,
        # also if a flag overrides it.
        try:
            read = RunConfig(**settings)
            for name in COMPONENT_KINDS:
                canonical_value(registry(), name, getattr(read, name))
        except UsageError as error:
            raise UsageError(f"{file}: {error}") from None
    return RunConfig(**settings | flags)


def _sources() -> list[inspect.Parameter]:
    config = typer.Option("--config", metavar="FILE", help="settings in a TOML file", rich_help_panel=FROM)
    return [_preset(), _keyword("config", Path | None, config)]


def _preset() -> inspect.Parameter:
    option = typer.Option(
        "--preset",
        metavar="NAME",
        help="a preset; `ctcbench presets` lists them",
        rich_help_panel=FROM,
        autocompletion=complete_preset,
    )
    return _keyword("preset", list[str] | None, option)


def _parameter(name: str) -> inspect.Parameter:
    field = setting_fields()[name]
    is_switch = field.annotation in (bool, bool | None)
    option = typer.Option(
        f"{flag(name)}/--no-{flag(name)[2:]}" if is_switch else flag(name),
        metavar=None if is_switch else _metavar(name, field.annotation),
        help=_help(name),
        # `_help` states the default of the setting; that of the flag is None, for "not given".
        show_default=False,
        rich_help_panel=THEMES.get(name, _TRAINING),
        autocompletion=complete_component(COMPONENT_KINDS[name])
        if name in COMPONENT_KINDS
        else complete_choice(_choices(field.annotation)),
    )
    # Lists, so that a repeated flag can be detected.
    return _keyword(name, list[bool] | None if is_switch else list[str] | None, option)


def _keyword(name: str, kind: Any, option: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option]
    )


def _metavar(name: str, annotation: Any) -> str:
    if name in COMPONENT_KINDS:
        return "NAME"
    if name == "init_from":
        return "RUN"
    if choices := _choices(annotation):
        written = "|".join(choices)
        return written if len(written) <= _METAVAR_WIDTH else "NAME"
    return {"whole number": "N", "number": "X", "text": "TEXT"}.get(describe_type(annotation), "TEXT")


def _help(name: str) -> str:
    """Return the description of a setting with its bounds and default."""
    field = setting_fields()[name]
    default = field.get_default(call_default_factory=True)
    limits = "" if field.annotation is str else describe_bounds(field)
    choices = _choices(field.annotation)
    if len("|".join(choices)) > _METAVAR_WIDTH:
        limits = ", ".join(choices)
    extras = [limits, f"default: {show(default)}" if default not in (None, "") else ""]
    noted = "; ".join(extra for extra in extras if extra)
    return (field.description or "") + (f" ({noted})" if noted else "")


def _choices(annotation: Any) -> list[str]:
    return (
        [str(a) for a in typing.get_args(annotation)]
        if typing.get_origin(annotation) is typing.Literal
        else []
    )
