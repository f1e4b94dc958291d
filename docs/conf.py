"""Configuration of the documentation site: `make docs` builds it into build/docs."""

import re
from pathlib import Path
from typing import Any

from sphinx.util.typing import stringify_annotation

import ctcbench
from ctcbench import RunConfig
from ctcbench.contract.options import show
from ctcbench.decoding.arrays import LogProbsLike

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


def keep_colons(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Keep napoleon from reading the text before a colon, in the first line of an attribute, as its type."""
    if what in ("attribute", "data", "property"):
        lines.insert(0, "")


def end_code(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """End the code in text such as `Trial`s, where reStructuredText wants a space after the backtick."""
    lines[:] = [re.sub(r"(?<!`)`([^`]+)`(?=\w)", r"`\1`\\ ", line) for line in lines]


def skip_tuple_field(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out the fields of a named tuple: its own docstring describes them."""
    return True if str(getattr(obj, "__doc__", "")).startswith("Alias for field number") else None


def shorten_signature(
    app: Any, what: str, name: str, obj: Any, options: Any, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Write `LogProbsLike` in place of the types that it stands for."""
    long = stringify_annotation(LogProbsLike, "smart")
    return signature and signature.replace(long, "LogProbsLike"), returned


def setup(app: Any) -> None:
    """Connect the functions above to Sphinx."""
    app.connect("source-read", rewrite_page)
    app.connect("include-read", rewrite_included)
    app.connect("autodoc-process-docstring", describe_settings)
    app.connect("autodoc-process-docstring", end_code)
    app.connect("autodoc-process-docstring", keep_colons, priority=100)  # before napoleon's 500
    app.connect("autodoc-skip-member", skip_tuple_field)
    app.connect("autodoc-process-signature", shorten_signature)
