"""plan_document(): the JSON document of a plan, as plan.json in the study folder holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctcbench.registry.component_registry import Registry
from ctcbench.results import provenance
from ctcbench.study.plan import Plan
from ctcbench.study.study_folder import SCHEMA


def plan_document(
    registry: Registry, plan: Plan, executor: str, resources: Mapping[str, Any], source: str
) -> dict[str, Any]:
    """Return the JSON document of a plan: every configuration, the executor and the versions.

    `source` is the study file, or the command line if the study has none.
    """
    # With every setting of every configuration, and not the study file: presets and defaults can change
    # between versions, and `plan_changes` then reports it.
    return {
        "schema": SCHEMA,
        "name": plan.folder.name,
        "source": source,
        "created": provenance.now(),
        "versions": provenance.versions(),
        "plugins": dict(registry.versions()),
        "executor": executor,
        "resources": dict(resources),
        "scale": plan.scale,
        "budget": {"choices": {digest: choice.model_dump() for digest, choice in plan.choices.items()}}
        if plan.choices
        else None,
        "models": [
            {
                "key": model.key,
                "label": model.label,
                "results": {entry.result_key: entry.config.model_dump() for entry in model.entries},
                "chosen": list(model.entries[0].budget.chosen) if model.entries[0].budget else [],
                "names": {entry.result_key: entry.name for entry in model.entries},
            }
            for model in plan.models
        ],
    }
