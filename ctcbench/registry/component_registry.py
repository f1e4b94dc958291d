"""Registry: the components of all plugins by kind and name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.components import KINDS, Component, Kind
from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError, nearest
from ctcbench.contract.hooks import Column
from ctcbench.contract.specs import Alignment
from ctcbench.contract.word_lists import join_words, with_article
from ctcbench.files.shell_words import quote_word
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.plugin import BUILTIN, Plugin

_FUNCTIONS = ("augmentation", "loss", "decoder")  # kinds whose builders return a function


@dataclass(frozen=True)
class Registry:
    """Every component by kind and name, and every plugin, including those that failed."""

    plugins: tuple[Plugin, ...]

    def _owned(self) -> Iterator[tuple[Plugin, Component]]:
        return ((plugin, component) for plugin in self.plugins for component in plugin.components)

    @property
    def failed(self) -> list[Plugin]:
        """The plugins that failed to load, and are disabled."""
        return [plugin for plugin in self.plugins if plugin.error]

    def components(self, kind: Kind) -> dict[str, Component]:
        """Return the components of a kind by name: the built-in ones first, each group by name."""
        found = [(p.name != BUILTIN, c.name, c) for p, c in self._owned() if c.kind == kind]
        return {name: component for _, name, component in sorted(found, key=lambda entry: entry[:2])}

    @property
    def conflicts(self) -> list[str]:
        """An error message for each name that more than one plugin owns."""
        owners: dict[tuple[str, str], list[Plugin]] = {}
        for plugin, component in self._owned():
            owners.setdefault((component.kind, component.name), []).append(plugin)
        return [self._two_owners(kind, name, who) for (kind, name), who in owners.items() if len(who) > 1]

    def _two_owners(self, kind: str, name: str, owners: Sequence[Plugin]) -> str:
        last = owners[-1]  # the built-in plugin comes first, and can't be excluded
        others = ",".join(plugin.name for plugin in self.plugins if plugin.name not in (BUILTIN, last.name))
        return (
            f"{kind} {name!r} has {len(owners)} owners: {join_words(plugin.owner for plugin in owners)}; "
            f"uninstall one, or go without {last.owner}: CTCBENCH_PLUGINS={others}"
        )

    def owner(self, component: Component) -> Plugin:
        """Return the plugin that a component belongs to."""
        return next(plugin for plugin, owned in self._owned() if owned is component)

    def get(self, kind: Kind, name: str) -> Component:
        """Return a component.

        Raises:
            UsageError: there is no such component; the message has the nearest name and the failed plugins.
            PluginError: more than one plugin has a component of that name.
        """
        known = self.components(kind)
        # Reported when the name is used, not when plugins are loaded: a conflict must not stop a run that
        # uses neither component.
        owners = [p for p, c in self._owned() if (c.kind, c.name) == (kind, name)]
        if len(owners) > 1:
            raise PluginError(self._two_owners(kind, name, owners))
        if name in known:
            return known[name]
        hint = self._as_option(kind, name) or self._of_other_kinds(name) or nearest(name, known)
        message = f"no {kind} {name!r}{hint} (there are: {', '.join(known) or 'none'})"
        # The component may belong to a plugin that failed to load.
        if self.failed:
            message += f"; not loaded: {'; '.join(f'{p.owner}: {p.error}' for p in self.failed)}"
            message += " (see `ctcbench plugins`)"
        raise UsageError(message)

    def resolve(self, kind: Kind, text: str, *, every: bool = False) -> str:
        """Return the canonical form of a component string, with its options checked.

        Options at their default value are left out; with `every`, only those that were added later are.

        Raises:
            UsageError: the text can't be parsed, there is no such component, or an option is wrong.
        """
        given = self._parse(kind, text)
        component = self.get(kind, given.name)
        values = component.read(given.options)
        # Without defaults, two spellings of one component are equal, and a study trains the model once.
        kept = {
            name: option.as_text(values[name])
            for name, option in component.options.items()
            if values[name] != option.default or (every and not option.added_later)
        }
        return str(ComponentString(given.name, kept))

    def alignment(self, kind: Kind, text: str) -> Alignment:
        """Return how the loss or the decoder of a component string aligns frames with characters.

        Raises:
            UsageError: the text can't be parsed, or there is no such component.
        """
        return self.get(kind, self._parse(kind, text).name).alignment

    def on_device(self, kind: Kind, text: str) -> bool:
        """Return whether the loss or the augmentation of a component string reads no value on the host.

        Raises:
            UsageError: the text can't be parsed, or there is no such component.
        """
        return self.get(kind, self._parse(kind, text).name).on_device

    def _parse(self, kind: Kind, text: str) -> ComponentString:
        try:
            return ComponentString.parse(text)
        except UsageError as error:
            raise UsageError(f"{kind} {error}{self._as_option(kind, text)}") from None

    def _of_other_kinds(self, name: str) -> str:
        kinds = [kind for kind in KINDS if name in self.components(kind)]
        return f"; it is the name of {join_words(map(with_article, kinds))}" if kinds else ""

    def _as_option(self, kind: Kind, path: str) -> str:
        """Return how the path of an existing folder or file is given as an option, or ``""``."""
        paths = {
            name: one.options["path"] for name, one in self.components(kind).items() if "path" in one.options
        }
        # os.path, because the methods of Path raise an error for a text that is too long for a path.
        if os.path.isdir(path):  # noqa: PTH112
            # Others take a file, or a folder of files of one format.
            what = "folder"
            takers = [name for name, option in paths.items() if option.description.startswith("the folder")]
        else:
            what = "file"
            suffix = os.path.splitext(path)[1][1:].lower()  # noqa: PTH122
            takers = [name for name in paths if name == suffix and os.path.isfile(path)]  # noqa: PTH113
        if not takers:
            return ""
        meant = quote_word(str(ComponentString(takers[0], {"path": path})))
        return f"; a {what} is an option: {meant}"

    def build(self, kind: Kind, text: str, *context: Any) -> Any:
        """Build the component of a component string; `context` are the builder's positional arguments.

        Raises:
            UsageError: as `resolve`, or raised by the builder.
            PluginError: the builder failed; the message begins with its owner.
        """
        given = self._parse(kind, text)
        component = self.get(kind, given.name)
        values = component.read(given.options)
        try:
            with attribute_errors(f"{self.describe_owner(kind, text)} could not be built"):
                built = component.builder(*context, **values)
        except UsageError as error:
            # A builder may have named the component in its message already.
            named = str(error).startswith(f"{kind} ")
            raise UsageError(str(error) if named else f"{kind} {text}: {error}") from error
        if kind in _FUNCTIONS and not callable(built):
            got = type(built).__name__
            raise PluginError(
                f"{self.describe_owner(kind, text)}: its builder returned {got}, not a function"
            )
        return built

    def describe_owner(self, kind: Kind, text: str) -> str:
        """Return the owner, kind and component string of a component, the beginning of its error messages.

        Raises:
            UsageError: the text can't be parsed, or there is no such component.
        """
        return f"{self._owner_of(kind, text).owner}: {kind} {text!r}"

    def is_from_plugin(self, kind: Kind, text: str) -> bool:
        """Return whether a component comes from another plugin than the built-in one.

        Raises:
            UsageError: the text can't be parsed, or there is no such component.
        """
        return self._owner_of(kind, text).name != BUILTIN

    def plugins_of(self, components: Iterable[tuple[Kind, str]]) -> dict[str, list[str]]:
        """Return the names of components that plugins add, by distribution; those not installed under ""."""
        found: dict[str, list[str]] = {}
        for kind, text in components:
            try:
                owner = self._owner_of(kind, text)
            except CtcbenchError:
                found.setdefault("", []).append(text)
                continue
            if owner.name != BUILTIN:
                found.setdefault(owner.distribution, []).append(text.partition(":")[0])
        return found

    def _owner_of(self, kind: Kind, text: str) -> Plugin:
        return self.owner(self.get(kind, self._parse(kind, text).name))

    def call_hooks(self, hook: str, notice: Callable[[str], None], **arguments: Any) -> None:
        """Call a hook of every plugin that implements it.

        If one raises, `notice` is called with a message, and no hook of that plugin is called again.
        """
        for plugin in self.plugins:
            try:
                plugin.call_hook(hook, **arguments)
            except (Exception, SystemExit) as error:
                # Its components stay, because the run may use them. A tracker must not end a training.
                plugin.disable_hooks()
                notice(f"plugin {plugin.owner} is not called again in this run: {hook} raised {error!r}")

    def columns(self) -> list[Column]:
        """Return the extra report columns of every plugin."""
        return [column for plugin in self.plugins for column in plugin.columns]

    def compared_decoders(self) -> list[str]:
        """Return the decoders, with options, that the plugins add to comparisons of all decoders."""
        return [text for plugin in self.plugins for text in plugin.compared_decoders]

    def versions(self) -> Mapping[str, str]:
        """Return the version of every plugin that loaded, except the built-in one."""
        return {p.distribution: p.version for p in self.plugins if not p.error and p.name != BUILTIN}
