"""Configuration of the documentation site: `make docs` builds it into build/docs."""

import functools
import inspect
import re
from pathlib import Path
from typing import Any

import ctcbench
from ctcbench import RunConfig
from ctcbench.contract.options import show

project = "ctcbench"
author = "The ctcbench authors"
version = release = ctcbench.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
# The docstrings write code between single backticks, as Markdown does.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"ctcbench {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_copy_source = False
html_theme_options = {
    "source_repository": "https://github.com/ctcbench/ctcbench",
    "source_branch": "main",
    "source_directory": "docs/",
}

REPOSITORY = "https://github.com/ctcbench/ctcbench/blob/main/"
_LINK = re.compile(r"(?<=\]\()(?!https?:|#)([^)\s]+)(?=\))")


def rewrite_link(target: str, folder: Path) -> str:
    """Return a link of a page in `folder` for the site: to another page, or to the file on GitHub."""
    root = Path(__file__).parent.parent
    path, _, anchor = target.partition("#")
    found = (root / folder / path).resolve()
    behind = f"#{anchor}" if anchor else ""
    if found.is_relative_to(root / "docs"):
        return found.relative_to(root / "docs").as_posix() + behind
    return REPOSITORY + found.relative_to(root).as_posix() + behind


def rewrite_page(app: Any, name: str, source: list[str]) -> None:
    """Rewrite the links of a page of docs/."""
    if "/" not in name:  # the pages of api/ link to nothing in the repository
        source[0] = _LINK.sub(lambda match: rewrite_link(match[1], Path("docs")), source[0])


def rewrite_included(app: Any, path: Path, name: str, source: list[str]) -> None:
    """Rewrite the links of README.md and CHANGELOG.md, which pages of the site include."""
    source[0] = _LINK.sub(lambda match: rewrite_link(match[1], Path()), source[0])


def describe_settings(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Append the description and the default of a setting to the documentation of `RunConfig`."""
    if obj is not RunConfig:
        return
    lines += [
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - setting",
        "     - default",
        "     - what it is",
    ]
    for setting, field in RunConfig.model_fields.items():
        shown = show(field.get_default(call_default_factory=True)) or "''"
        description = re.sub(r"--[\w-]+", r"``\g<0>``", field.description or "")
        lines += [f"   * - ``{setting}``", f"     - ``{shown}``", f"     - {description}"]


def restore_property(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Undo what napoleon does to a property: it takes the text before a colon for the property's type."""
    if isinstance(obj, property | functools.cached_property):
        lines[:] = inspect.cleandoc(obj.__doc__ or "").splitlines()


def setup(app: Any) -> None:
    """Connect the functions above to Sphinx."""
    app.connect("source-read", rewrite_page)
    app.connect("include-read", rewrite_included)
    app.connect("autodoc-process-docstring", describe_settings)
    app.connect("autodoc-process-docstring", restore_property, priority=900)  # after napoleon's 500
