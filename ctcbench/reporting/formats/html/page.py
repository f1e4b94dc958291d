"""html_page(): a report as one HTML file that opens from anywhere and asks the network for nothing."""

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
from ctcbench.registry.component_registry import Registry
from ctcbench.reporting import number_format as figures
from ctcbench.reporting.formats.html import cells
from ctcbench.reporting.formats.html.confusion import confusion
from ctcbench.reporting.formats.html.curves import training_curves
from ctcbench.reporting.formats.html.gallery import gallery
from ctcbench.reporting.formats.html.provenance import sources
from ctcbench.reporting.plateaus import Plateaus
from ctcbench.reporting.report_cells import SCALED, p_value, with_plateaus
from ctcbench.reporting.report_model import Report
from ctcbench.reporting.report_warnings import ranges

SCRIPTS = ("dom", "theme", "table", "axes", "curves", "scatter", "confusion", "gallery", "start")
STYLES = ("base", "tables", "charts", "gallery", "print")
MOST_COMPARISONS = 120
_COSTS = {
    "parameters": "parameters",
    "train_seconds": "training time (s)",
    "decode_ms_per_image": "decoding (ms an image)",
    "peak_memory_mib": "peak memory (MiB)",
}


def html_page(report: Report, registry: Registry) -> str:
    """Return the page of a report: UTF-8, scripts, styles, data and images all inside.

    The test images come from the cache of drawn images, drawn anew if need be; where they are not
    to be had, the page says why. Nothing of the results can become markup or code: texts are escaped,
    and the browser is told to run the page's own scripts alone.
    """
    script = Markup("\n").join(_source(f"js/{name}.js") for name in SCRIPTS)
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
            scale=cells.Scale.of([row.metrics["exact"] for row in report.rows]),
            effect_scale=cells.Scale.of_effects(report.effects),
            comparisons=sorted(report.comparisons, key=lambda c: (c.first, c.second))[:MOST_COMPARISONS],
            sources=sources(report.rows),
            with_plateau=with_plateaus(report),
            models=len({folder for row in report.rows for folder in row.folders}),
            made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            version=__version__,
        )
    )
    # A lone surrogate, which JSON can smuggle in, has no place in UTF-8.
    return page.encode("utf-8", "replace").decode("utf-8")


def page_data(report: Report, registry: Registry) -> dict[str, Any]:
    """Return what the scripts draw from."""
    rows = [
        {
            "number": row.number,
            "name": row.name,
            "n": row.n,
            "exact": row.metrics["exact"].mean,
            "interval": row.metrics["exact"].interval,
            "cost": {name: row.cost[name].mean for name in _COSTS if name in row.cost},
        }
        for row in report.rows
    ]
    return {
        "rows": rows,
        "costs": _COSTS,
        "curves": training_curves(report.rows),
        "confusion": confusion(report.rows),
        "gallery": gallery(report.rows, registry),
    }


def as_json(data: Mapping[str, Any]) -> Markup:
    """Return `data` as JSON that can stand in a ``<script>``: no character in it that HTML knows."""
    text = json.dumps(data, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ctcbench.reporting.formats.html", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "breakable": cells.breakable,
        "count": figures.count,
        "seconds": figures.seconds,
        "host": figures.host,
        "share": cells.share,
        "points": cells.points,
        "p_value": p_value,
        "plateau": Plateaus.of,
        "numbers": ranges,
    }
    return environment


def _source(name: str) -> Markup:
    """Return a file of the package as it is: code of ours, so that nothing in it is escaped."""
    environment = _environment()
    assert environment.loader is not None
    text, _, _ = environment.loader.get_source(environment, name)
    return Markup(text)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
