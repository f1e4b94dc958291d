"""Package: a new plugin package, written from templates by `ctcbench new`."""

from __future__ import annotations

import ast
import builtins
import importlib.util
import keyword
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from ctcbench.contract.components import Kind
from ctcbench.contract.errors import UsageError, nearest
from ctcbench.files.atomic import unwritable
from ctcbench.registry.component_registry import Registry

TEMPLATES = Path(__file__).parent / "templates"
_SUFFIX = ".j2"
_LONGEST = 32
_STAND_IN = "stand_in_for_the_name"

ScaffoldKind = Literal["augmentation", "backbone", "head", "loss", "optimizer", "decoder", "dataset"]


@dataclass(frozen=True)
class Package:
    """A plugin package to write: the project ``ctcbench-my-net`` with the module ``ctcbench_my_net``."""

    kind: ScaffoldKind
    name: str

    @property
    def project(self) -> str:
        """The name of the project, for pip."""
        return f"ctcbench-{self.name.replace('_', '-')}"

    @property
    def module(self) -> str:
        """The name of the module, for import."""
        return f"ctcbench_{self.name}"

    def render(self) -> dict[str, str]:
        """Return the text of every file by its path in the folder of the package."""
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(
            # StrictUndefined: a misspelt variable of a template is an error, not an empty text.
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            keep_trailing_newline=True,
        )
        values = {"kind": self.kind, "name": self.name, "project": self.project, "module": self.module}
        return {
            path.relative_to(TEMPLATES / folder)
            .as_posix()
            .removesuffix(_SUFFIX)
            .replace("MODULE", self.module)
            .replace("NAME", self.name): environment.get_template(
                path.relative_to(TEMPLATES).as_posix()
            ).render(values)
            for folder in ("common", self.kind)
            for path in sorted((TEMPLATES / folder).rglob(f"*{_SUFFIX}"))
        }


def parse_kind(text: str) -> ScaffoldKind:
    """Return the kind of component called `text`.

    Raises:
        UsageError: there is no such kind, or no template for it.
    """
    kinds: tuple[ScaffoldKind, ...] = get_args(ScaffoldKind)
    for kind in kinds:
        if kind == text:
            return kind
    known = f"(there are: {', '.join(kinds)})"
    if text == "executor":
        raise UsageError(f"no template for executors {known}; docs/plugins.md#an-executor has one to copy")
    raise UsageError(f"no kind {text!r}{nearest(text, kinds)} {known}")


def write(package: Package, into: Path, registry: Registry) -> Path:
    """Write the package atomically into a new folder in `into`, and return that folder.

    Raises:
        UsageError: the name can't be used or is taken, the folder exists, or `into` can't be written.
    """
    _require_usable(package, registry)
    folder = into / package.project
    if folder.exists():
        raise UsageError(f"{folder}: exists already; remove it, or choose another name or --into")
    if not into.is_dir():
        raise UsageError(f"--into {into}: no such folder")
    try:
        # Written beside its place and moved: an interrupted command leaves no half of a package. In `into`,
        # because a folder is moved atomically within one file system only.
        with tempfile.TemporaryDirectory(prefix=f".{package.project}-", dir=into) as temporary:
            half = Path(temporary) / package.project
            for path, text in package.render().items():
                (half / path).parent.mkdir(parents=True, exist_ok=True)
                (half / path).write_text(text, encoding="utf-8")
            shutil.move(half, folder)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def _require_usable(package: Package, registry: Registry) -> None:
    name, kind = package.name, package.kind
    if not re.fullmatch(r"[a-z](_?[a-z0-9])*", name) or len(name) > _LONGEST:
        raise UsageError(
            f"name {name!r}: allowed are up to {_LONGEST} lower-case letters, digits and single underscores "
            f"between them, a letter first: my_net"
        )
    # A function `list` or `max` would hide Python's own in the code of the template.
    if keyword.iskeyword(name) or hasattr(builtins, name):
        raise UsageError(f"name {name!r}: means something in Python; try my_{name}")
    known = registry.components(kind)
    if name in known:
        raise UsageError(
            f"{kind} {name!r} exists already, {registry.owner(known[name]).owner} has it; try my_{name}"
        )
    if name in _words_of(kind):
        raise UsageError(f"name {name!r}: a new {kind} uses it for something else; try my_{name}")
    # Two packages with one module would overwrite each other when they are installed.
    if importlib.util.find_spec(package.module):
        raise UsageError(f"name {name!r}: a module {package.module} is installed already; try my_{name}")


def _words_of(kind: Kind) -> set[str]:
    """Return every name that the code of a template uses or defines."""
    words: set[str] = set()
    # Rendered with a name that is in no template, so that the words are those of the template alone.
    for path, text in Package(kind, _STAND_IN).render().items():  # type: ignore[arg-type]
        for node in ast.walk(ast.parse(text)) if path.endswith(".py") else ():
            names = (
                getattr(node, field, None) for field in ("id", "arg", "name", "asname", "attr", "module")
            )
            words |= {part for name in names if isinstance(name, str) for part in name.split(".")}
    return words
