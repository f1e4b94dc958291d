"""Plugin: one entry point, loaded in isolation, checked against the hooks, and disabled if it fails."""

from __future__ import annotations

import contextlib
import importlib.metadata
import sys
import time
import traceback
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pluggy

from ctcbench.contract import hooks
from ctcbench.contract.components import Component
from ctcbench.contract.errors import CtcbenchError, PluginError, nearest
from ctcbench.contract.hooks import Column

ENTRY_POINT_GROUP = "ctcbench"
BUILTIN = "builtin"  # the entry point of the components that ship


@dataclass
class Plugin:
    """One entry point: its distribution, what its hooks list, and its load time or its error."""

    name: str
    distribution: str
    version: str
    module_name: str
    module: ModuleType | None = None
    components: tuple[Component, ...] = ()
    columns: tuple[Column, ...] = ()
    compared_decoders: tuple[str, ...] = ()
    load_ms: float = 0.0
    loads_torch: bool = False  # so that every command waits for it, `--help` as well
    error: str = ""
    traceback: str = ""
    _manager: pluggy.PluginManager | None = field(default=None, repr=False)

    @property
    def owner(self) -> str:
        """The plugin in error messages: the distribution, and the entry point where the names differ."""
        return self.distribution if self.name == self.distribution else f"{self.distribution} ({self.name})"

    def disable(self, error: BaseException) -> None:
        """Record why this plugin failed, and remove its components, its other lists and its hooks."""
        text = str(error).strip() or type(error).__name__
        # Errors of ctcbench are sentences. The text of others, such as KeyError, needs the type beside it.
        known = isinstance(error, CtcbenchError)
        self.error = text if known else f"{type(error).__name__}: {text}"
        self.traceback = "".join(traceback.format_exception(error))
        self.components, self.columns, self.compared_decoders = (), (), ()
        self.disable_hooks()

    def disable_hooks(self) -> None:
        """Ignore the hooks of this plugin from now on; its components stay."""
        self._manager = None

    def has_hook(self, hook: str) -> bool:
        """Return whether this plugin implements a hook."""
        return self._manager is not None and bool(getattr(self._manager.hook, hook).get_hookimpls())

    def call_hook(self, hook: str, **arguments: Any) -> list[Any]:
        """Call a hook of this plugin; return an empty list if it does not implement the hook."""
        if self._manager is None:
            return []
        results: list[Any] = getattr(self._manager.hook, hook)(**arguments)
        return results

    @classmethod
    def from_entry_point(cls, point: importlib.metadata.EntryPoint) -> Plugin:
        """Return the plugin of an entry point, without loading it."""
        distribution = point.dist
        name = distribution.metadata["Name"] if distribution else point.name
        version = distribution.version if distribution else "unknown"
        return cls(point.name, name, version, point.value)

    def load(self, entry_point: importlib.metadata.EntryPoint) -> None:
        """Import the plugin, check its hooks, and collect what they list."""
        started = time.perf_counter()
        without_torch = "torch" not in sys.modules
        try:
            with contextlib.redirect_stdout(sys.stderr):  # standard output may be a JSON document
                self.module = entry_point.load()
                self._manager = _manager_for(self.name, self.module)
                self.components = _listed(self, "ctcbench_components", Component)
                self.columns = _listed(self, "ctcbench_columns", Column)
                self.compared_decoders = _listed(self, "ctcbench_compared_decoders", str)
                for component in self.components:
                    _ = component.options  # an invalid signature raises here, not in the middle of a run
        except (Exception, SystemExit) as error:  # SystemExit: a module may call sys.exit() when imported
            self.disable(error)
        self.loads_torch = without_torch and "torch" in sys.modules
        self.load_ms = (time.perf_counter() - started) * 1000


def _manager_for(name: str, module: ModuleType) -> pluggy.PluginManager:
    """Return a pluggy manager with one plugin registered.

    Raises:
        PluginError: a hook is unknown or lacks its mark, or there is none.
        pluggy.PluginValidationError: a hook has an argument that its specification lacks.
    """
    # A manager of its own: in a shared one, a hook that raises would end the calls of the other plugins' too.
    manager = pluggy.PluginManager(ENTRY_POINT_GROUP)
    manager.add_hookspecs(hooks)
    manager.register(module, name)
    known = [spec for spec in vars(hooks) if spec.startswith("ctcbench_")]
    # pluggy ignores a function without the mark, so the plugin would have no effect and no error.
    unmarked = [
        n
        for n in vars(module)
        if n.startswith("ctcbench_") and manager.parse_hookimpl_opts(module, n) is None
    ]
    if unmarked:
        raise PluginError(f"{unmarked[0]} lacks the mark @hookimpl (from ctcbench import hookimpl)")
    # Before `check_pending`, which reports the same but does not name the nearest hook.
    for attribute in vars(module):
        if manager.parse_hookimpl_opts(module, attribute) is not None and attribute not in known:
            raise PluginError(f"no hook {attribute!r}{nearest(attribute, known)} (hooks: {', '.join(known)})")
    manager.check_pending()
    if not manager.get_hookcallers(module):
        raise PluginError(f"has no hook at all; a plugin has at least one of {', '.join(known)}")
    return manager


def _listed(plugin: Plugin, hook: str, kind: type) -> tuple[Any, ...]:
    """Return the items of a hook that returns a list, each checked to be a `kind`."""
    listed: list[Any] = []
    results = plugin.call_hook(hook)
    if not results and plugin.has_hook(hook):
        results = [None]  # pluggy drops results that are None
    for result in results:
        if not isinstance(result, list | tuple):
            raise PluginError(f"{hook} returned {result!r}; it must return a list")
        listed += result
    for thing in listed:
        # A likely mistake with its own message: a component in a module of the same name.
        if isinstance(thing, ModuleType):
            file = thing.__name__.rpartition(".")[2] + ".py"
            raise PluginError(
                f"{hook} listed the module {thing.__name__}: once imported, {file} replaces the component "
                f"of the same name in its package; rename the file"
            )
        if not isinstance(thing, kind):
            raise PluginError(
                f"{hook} listed {thing!r}, which is no {kind.__name__}"
                + ("; is its decorator (@backbone, @head, …) missing?" if kind is Component else "")
            )
    names = [(c.kind, c.name) for c in listed if isinstance(c, Component)]
    for pair in names:
        if names.count(pair) > 1:
            raise PluginError(f"lists {pair[0]} {pair[1]!r} twice")
    return tuple(listed)
