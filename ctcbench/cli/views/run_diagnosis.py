"""Remarks about one result: the signs of a collapse with remedies, and the comparison with the talk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from ctcbench.contract.word_lists import counted
from ctcbench.reporting.members import STUCK_STEPS
from ctcbench.reporting.number_format import host, percent, seconds
from ctcbench.reporting.talk_figures import TALK_EXACT, is_talk_data
from ctcbench.results.result import Result

# Fewer steps than these end on the plateau for that reason alone.
_FEW_STEPS = 1000
_TALK = "the talk (Cheliotis 2025; A100, 60 epochs, 100,000 images)"


def talk_comparison(result: Result) -> Text | None:
    """Return the exact accuracy compared with the talk's, or None if the data are of another kind."""
    if not is_talk_data(result.config):
        return None
    ours = result.score.exact
    spent = result.cost.get("train_seconds")
    training = f"{result.config.get('train_samples', 0):,} images"
    if spent:
        training = f"{seconds(spent)} of training on {training}, {host(result.provenance)}"
    points = (ours - TALK_EXACT) * 100
    above = points > 0
    return Text.assemble(
        "exact ",
        (percent(ours), "bold"),
        f" ({training}), compared with {percent(TALK_EXACT)} in {_TALK}: ",
        (f"{abs(points):.2f} points {'above' if above else 'below'}", "bold green" if above else "yellow"),
    )


def diagnosis(result: Result) -> Text | None:
    """Return the signs of a collapsed, stuck or very short run with remedies, the most effective first."""
    score = result.score
    training = result.provenance.get("training") or {}
    plateau_steps = training.get("plateau_steps_at_end") or 0
    stuck = plateau_steps >= STUCK_STEPS
    steps = training.get("steps")
    if not (score.collapsed or stuck):
        # The best path of the validation images: a constraint of the decoder can make every text wrong.
        has_read = score.exact or (training.get("best_val_exact") or 0) > 0
        if has_read or steps is None or steps >= _FEW_STEPS:
            return None
        return Text.assemble(
            ("Hardly trained: ", "bold red"),
            f"no text is right after {counted(steps, 'step')}.\nWhat to try:\n"
            f"  more --epochs: reading begins after hundreds of steps, of small sets after more\n"
            "  --init-from RUN, a recogniser of similar pictures, such as drawn ones",
        )
    # Results without the key are of versions that trained with CTC only.
    aligned_by_ctc = training.get("alignment", "ctc") == "ctc"
    if score.empty_outputs >= 0.5 or stuck:
        signs = "the blank plateau" if aligned_by_ctc else "a plateau"
        if score.empty_outputs >= 0.5:
            signs += f": {percent(score.empty_outputs)} of the outputs are empty"
        if score.blank_probability is not None and score.blank_probability >= 0.5:
            signs += f", the mean probability of the blank is {percent(score.blank_probability)}"
    else:
        signs = "all outputs are the same text"
    blank_steps = training.get("blank_steps_at_end") or 0
    if blank_steps and blank_steps >= plateau_steps:
        signs += f"; all blank for the last {blank_steps:,} steps"
    elif plateau_steps:
        blank_or = "blank or " if aligned_by_ctc else ""
        signs += f"; {blank_or}no better than guessing for the last {plateau_steps:,} steps"
    # Only settings that the run did not use are suggested.
    remedies = "\n".join(f"  {remedy}" for remedy in _remedies(result.config, aligned_by_ctc, steps))
    name = "Collapsed: " if score.collapsed else "Stuck: "
    return Text.assemble((name, "bold red"), f"{signs}.\nWhat to try:\n{remedies}")


def _remedies(config: Mapping[str, Any], aligned_by_ctc: bool, steps: int | None) -> list[str]:
    """Return the remedies that the run did not use, the most effective first."""
    more = "more --epochs or --train-samples"
    is_short = steps is not None and steps < _FEW_STEPS
    return [
        remedy
        for applies, remedy in (
            (is_short, f"{more}: this run had {steps} steps, and the plateau can last more than 1,000"),
            (
                aligned_by_ctc and config.get("shortcut") != "sum",
                "--shortcut sum (connects the backbone to the classifier directly; most effective)",
            ),
            (
                str(config.get("optimizer")).startswith("adamw"),
                "--optimizer muon (its step size does not shrink with the gradient)",
            ),
            (
                aligned_by_ctc and "label_smoothing" not in str(config.get("loss")),
                "--loss ctc:label_smoothing=0.5 (penalises the certainty of all-blank outputs)",
            ),
            (aligned_by_ctc and not config.get("blank_penalty"), "--blank-penalty 2"),
            (not config.get("clip"), "--clip 5"),
            (config.get("lr", 0) > 3e-3, "--lr 0.003"),
            (not is_short, f"{more}: the plateau can last more than 1,000 steps"),
            (True, "another --seed"),
        )
        if applies
    ]
