"""FILE_FORMATS: the formats in which a report can be written to a file, by the name that --format takes."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

from ctcbench.registry.component_registry import Registry
from ctcbench.reporting.report_model import Report


@dataclass(frozen=True)
class FileFormat:
    """A file format of a report.

    Attributes:
        writer: where the function that returns the text of the file is, as ``module:function``; the module
            is relative to `ctcbench.reporting.formats`. It is called as ``function(report)``.
        takes_registry: whether it is called as ``function(report, registry)`` instead.
        suffixes: endings of the names of such files.
        medium: what a file is, where a terminal can't show it: "page", "picture"; empty for plain text.
    """

    writer: str
    suffixes: tuple[str, ...] = ()
    takes_registry: bool = False
    medium: str = ""

    def has_suffix(self, path: Path) -> bool:
        """Return whether a file has the name of a file in this format."""
        return path.suffix.lower() in self.suffixes

    def render(self, report: Report, registry: Registry) -> str:
        """Return the text of the file."""
        # Imported here, so that a format does not load the dependencies of the others, such as jinja2.
        module, function = self.writer.split(":")
        write = getattr(importlib.import_module(f"{__package__}.{module}"), function)
        text: str = write(report, registry) if self.takes_registry else write(report)
        return text


def format_of(path: Path) -> str | None:
    """Return the name of the first format that the suffix of a file belongs to; None for other suffixes."""
    return next((name for name, form in FILE_FORMATS.items() if form.has_suffix(path)), None)


FILE_FORMATS = {
    "md": FileFormat("markdown:to_markdown", (".md", ".markdown")),
    "csv": FileFormat("csv_json:to_csv", (".csv",)),
    "latex": FileFormat("latex:to_latex", (".tex",)),
    "json": FileFormat("csv_json:to_json", (".json",)),
    "html": FileFormat("html.page:html_page", (".html", ".htm"), takes_registry=True, medium="page"),
    "svg": FileFormat("svg.curve_figure:curves_svg", (".svg",), medium="picture"),
    "card": FileFormat("model_card:model_card", (".md", ".markdown"), takes_registry=True),
}
