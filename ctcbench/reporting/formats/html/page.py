"""html_page(): a report as one self-contained HTML file that makes no network request."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ctcbench import __version__
from ctcbench.files.text import printable, printable_lines
from ctcbench.registry.component_registry import Registry
from ctcbench.reporting import number_format
from ctcbench.reporting.formats.html import cell_format
from ctcbench.reporting.formats.html.breakdown_charts import breakdown_charts
from ctcbench.reporting.formats.html.cached_images import CachedImages
from ctcbench.reporting.formats.html.confidence_charts import confidence_charts
from ctcbench.reporting.formats.html.confusion_matrix import confusion_matrix
from ctcbench.reporting.formats.html.data_sheets import data_sheets
from ctcbench.reporting.formats.html.gallery import gallery
from ctcbench.reporting.formats.html.machine_groups import machine_groups
from ctcbench.reporting.formats.html.training_curves import training_curves
from ctcbench.reporting.report_model import Report
from ctcbench.reporting.tables import SCALED, comparison_table, effect_table, result_table

SCRIPTS = (
    "dom", "theme", "table", "axes", "row_choice", "sheets", "curves", "scatter", "confidence", "breakdown",
    "confusion", "gallery", "start",
)  # fmt: skip
STYLES = ("base", "tables", "charts", "gallery", "print")
# The page stays readable and below some megabytes; --format json has all of them.
MOST_COMPARISONS = 120
MOST_IMAGE_BYTES = 4_000_000
# Axes of the scatter plot.
_COSTS = {
    "parameters": "parameters",
    "train_seconds": "training time (s)",
    "decode_ms_per_image": "decoding (ms per image)",
    "peak_memory_mib": "peak memory (MiB)",
}


def html_page(report: Report, registry: Registry) -> str:
    """Return the page of a report, with all scripts, styles, data and images in it.

    The test images come from the cache of drawn images; for images that are not there the page names the
    command that draws them. All texts of the results are escaped, and a content security policy allows
    only the page's own script.
    """
    # One script in one scope, so that a single hash in the content security policy allows it.
    script = Markup("\n").join(_source(f"js/{name}.js") for name in SCRIPTS)
    # The first ones are those of the best rows.
    shown = sorted(report.comparisons, key=lambda comparison: (comparison.first, comparison.second))
    style = Markup("\n").join(_source(f"css/{name}.css") for name in STYLES)
    script = Markup('"use strict";\n(() => {\n') + script + Markup("\n})();")
    page = (
        _environment()
        .get_template("page.html")
        .render(
            report=report,
            scaled_note=SCALED,
            data=as_json(page_data(report, registry)),
            script=script,
            script_hash=_digest(script),
            style=style,
            results=result_table(report),
            effects=effect_table(report),
            tests=comparison_table(shown[:MOST_COMPARISONS]),
            scale=cell_format.Scale.of([row.metrics["exact"] for row in report.rows]),
            effect_scale=cell_format.Scale.of_effects(report.effects),
            machines=machine_groups(report.rows),
            models=len({folder for row in report.rows for folder in row.folders}),
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            version=__version__,
        )
    )
    # JSON can contain a lone surrogate, which UTF-8 cannot encode.
    return page.encode("utf-8", "replace").decode("utf-8")


def page_data(report: Report, registry: Registry) -> dict[str, Any]:
    """Return the data of the page's scripts."""
    rows = [
        {
            "number": row.number,
            "name": printable(row.name),
            "n": row.n,
            "exact": row.metrics["exact"].mean,
            "interval": row.metrics["exact"].interval,
            "cost": {name: row.cost[name].mean for name in _COSTS if name in row.cost},
        }
        for row in report.rows
    ]
    images = CachedImages(registry, MOST_IMAGE_BYTES)
    return {
        "rows": rows,
        "costs": _COSTS,
        "curves": training_curves(report.rows),
        # Before the gallery, which may use up the space for images.
        "sheets": data_sheets(report.rows, images),
        "confidence": confidence_charts(report.rows),
        "breakdown": breakdown_charts(report.rows),
        "confusion": confusion_matrix(report.rows),
        "gallery": gallery(report.rows, images),
        "images": images.uris,
    }


def as_json(data: Mapping[str, Any]) -> Markup:
    """Return `data` as JSON for a ``<script>`` element, without the characters that HTML interprets."""
    # A browser ends a <script> at the text `</script`, even within a string of JSON.
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _printable(value: object) -> object:
    """Return a text of the report with control characters escaped; Markup is our own."""
    return printable_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@functools.cache
def _environment() -> Environment:
    # StrictUndefined: a misspelt name in a template is an error, not an empty cell.
    environment = Environment(
        loader=PackageLoader("ctcbench.reporting.formats.html", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": cell_format.breakable,
        "share": cell_format.share,
        "count": number_format.count,
        "signed": number_format.signed,
        "numbers": number_format.ranges,
    }
    return environment


def _source(name: str) -> Markup:
    """Return a file of the package without escaping: it is our own code."""
    environment = _environment()
    assert environment.loader is not None
    text, _, _ = environment.loader.get_source(environment, name)
    return Markup(text)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
