"""Sentences about a result: beside the talk's figure, and what ails a run that collapsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError
from ctcbench.reporting.number_format import host, percent, seconds
from ctcbench.results.result import Result

TALK_EXACT = 0.5306
_STUCK_STEPS = 200
_TALK = "the talk (Cheliotis 2025; A100, 60 epochs, 100,000 images)"
# The talk's kind of data: what a captcha's options have to be, where they are given.
_TALKS_OPTIONS = {
    "width": "150",
    "height": "40",
    "length": "5",
    "alphabet": "alnum",
    "noise": "both",
    "fonts": "",
}


def is_talks_data(config: Mapping[str, Any]) -> bool:
    """Say whether a run read captchas like the talk's: 150×40, five of 62 characters."""
    try:
        dataset = ComponentString.parse(str(config.get("dataset", "")))
    except UsageError:
        return False
    return dataset.name == "captcha" and all(
        dataset.options.get(k, v) == v for k, v in _TALKS_OPTIONS.items()
    )


def beside_the_talk(result: Result) -> Text | None:
    """Return the line that sets the exact accuracy beside the talk's, or None for other data."""
    if not is_talks_data(result.config):
        return None
    ours = result.score.exact
    spent = result.cost.get("train_seconds")
    training = f"{result.config.get('train_samples', 0):,} images"
    if spent:
        training = f"{seconds(spent)} of training on {training}, {host(result.provenance)}"
    points = (ours - TALK_EXACT) * 100
    verdict, style = (
        (f"{points:.2f} points above", "bold green")
        if points > 0
        else (f"{-points:.2f} points below", "yellow")
    )
    return Text.assemble(
        "exact ",
        (percent(ours), "bold"),
        f" ({training}) beside {percent(TALK_EXACT)} of {_TALK}: ",
        (verdict, style),
    )


def diagnosis(result: Result) -> Text | None:
    """Return what ails a run whose recogniser ignores its images, and what to try; None for others."""
    score = result.score
    training = result.provenance.get("training") or {}
    on_plateau = training.get("plateau_steps_at_end") or 0
    stuck = on_plateau >= _STUCK_STEPS
    if not (score.collapsed or stuck):
        return None
    aligned_by_ctc = training.get("alignment", "ctc") == "ctc"
    if score.empty_outputs >= 0.5 or stuck:
        seen = "the blank plateau" if aligned_by_ctc else "a plateau"
        if score.empty_outputs >= 0.5:
            seen += f": {percent(score.empty_outputs)} of the outputs are empty"
        if score.blank_probability is not None and score.blank_probability >= 0.5:
            seen += f", the blank has {percent(score.blank_probability)} of the probability"
    else:
        seen = "every image is read as the same text"
    blank = training.get("blank_steps_at_end") or 0
    if blank and blank >= on_plateau:
        seen += f"; all blank for the last {blank:,} steps"
    elif on_plateau:
        blank_or = "blank or " if aligned_by_ctc else ""
        seen += f"; {blank_or}no better than guessing for the last {on_plateau:,} steps"
    tries = "\n".join(f"  {advice}" for advice in _remedies(result.config, aligned_by_ctc))
    name = "Collapsed: " if score.collapsed else "Stuck: "
    return Text.assemble((name, "bold red"), f"{seen}.\nWhat to try:\n{tries}")


def _remedies(config: Mapping[str, Any], aligned_by_ctc: bool) -> list[str]:
    """Return what to try, the likeliest first; only what the run did not have."""
    return [
        advice
        for applies, advice in (
            (
                aligned_by_ctc and config.get("shortcut") != "sum",
                "--shortcut sum (lets the classifier see the backbone; the surest)",
            ),
            (
                config.get("optimizer") == "adamw",
                "--optimizer muon (its steps are as long where gradients are weak)",
            ),
            (
                aligned_by_ctc and "label_smoothing" not in str(config.get("loss")),
                "--loss ctc:label_smoothing=0.5 (blanks alone are certain, which it charges for)",
            ),
            (aligned_by_ctc and not config.get("blank_penalty"), "--blank-penalty 2"),
            (not config.get("clip"), "--clip 5"),
            (config.get("lr", 0) > 3e-3, "--lr 0.003"),
            (True, "more --epochs or --train-samples: the plateau can last 1,000 steps and more"),
            (True, "another --seed"),
        )
        if applies
    ]
