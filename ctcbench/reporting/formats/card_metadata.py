"""Metadata of a model card: the YAML block at its beginning, as the Hugging Face hub reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError
from ctcbench.files.text import one_line
from ctcbench.results.result import Result

TASK = "image-to-text"


def card_metadata(result: Result, name: str) -> str:
    """Return the YAML block of a model card, between lines of three hyphens.

    ``model-index`` has the test scores in the form of the hub's model card metadata (``exact_match`` and
    ``cer`` are names of metrics there).
    """
    dataset = str(result.config.get("dataset", ""))
    scores = [{"type": "exact_match", "name": "exact accuracy, case counted", "value": result.score.exact}]
    if result.score.cer is not None:
        scores.append({"type": "cer", "name": "character error rate", "value": result.score.cer})
    results = {
        "task": {"type": TASK, "name": "text recognition"},
        "dataset": {"type": _name_of(dataset), "name": dataset, "split": result.score.split},
        "metrics": scores,
    }
    components = (_name_of(str(result.config.get(kind, ""))) for kind in ("dataset", "backbone"))
    document = {
        "library_name": "ctcbench",
        "pipeline_tag": TASK,
        "tags": [*dict.fromkeys(("ocr", "text-recognition", "ctc", *filter(None, components)))],
        "metrics": [metric["type"] for metric in scores],
        "model-index": [{"name": name, "results": [results]}],
    }
    licence = "# license: the licence of these weights, such as mit"
    return "\n".join(["---", licence, *_lines(document), "---"]) + "\n"


def _name_of(component: str) -> str:
    try:
        return ComponentString.parse(component).name
    except UsageError:  # a result of another version may have anything there
        return component


def _lines(value: Mapping[str, Any] | Sequence[Any], indent: str = "") -> list[str]:
    """Return a mapping or a list in YAML's block style."""
    found = []
    items = value.items() if isinstance(value, Mapping) else (("-", item) for item in value)
    for key, item in items:
        head = f"{indent}{key}" if key == "-" else f"{indent}{key}:"
        if not isinstance(item, Mapping | list):
            found.append(f"{head} {_scalar(item)}")
        elif key == "-":
            # The first line of the item follows the hyphen.
            first, *rest = _lines(item, indent + "  ")
            found += [f"{head} {first.strip()}", *rest]
        else:
            found += [head, *_lines(item, indent + "  ")]
    return found


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        # With an exponent and no point, as in 2e-05, it would be a text in YAML 1.1.
        text = f"{value:.6f}".rstrip("0")
        return f"{text}0" if text.endswith(".") else text
    # A string of JSON is one of YAML as well. Invisible characters, which YAML may refuse, are escaped.
    return json.dumps(one_line(value) if isinstance(value, str) else value, ensure_ascii=False)
