"""The columns of the tables of main effects and of paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ctcbench.evaluation.metrics import PERCENT
from ctcbench.reporting.columns import BETTER, EMPTY, ON_IMAGES
from ctcbench.reporting.number_format import MISSING, interval, p_value, signed
from ctcbench.reporting.report_column import ReportColumn
from ctcbench.reporting.report_model import Comparison, Effect

VERDICTS = {
    "better": f"{BETTER} better",
    "on these images": f"{ON_IMAGES} on these images",
    "noise": "noise",
}


@dataclass(frozen=True)
class EffectPair:
    """The main effects of one change of a level on exact accuracy and on the CER, if it was measured."""

    exact: Effect
    cer: Effect | None

    @property
    def change(self) -> str:
        """The change of the level as ``cnn2 → cnn3``."""
        return f"{self.exact.baseline or EMPTY} → {self.exact.level or EMPTY}"


def effect_pairs(effects: Sequence[Effect]) -> list[EffectPair]:
    """Return the effects with those of one change of a level together."""
    changes: dict[tuple[str, str, str], dict[str, Effect]] = {}
    for effect in effects:
        changes.setdefault((effect.axis, effect.baseline, effect.level), {})[effect.metric] = effect
    return [EffectPair(found["exact"], found.get("cer")) for found in changes.values()]


def _within_noise(pair: EffectPair) -> str:
    # With one seed nothing is known about the noise: neither yes nor no.
    if pair.exact.interval is None:
        return ""
    return "yes" if pair.exact.within_noise else "no"


def _low(effect: Effect | None) -> float | None:
    return effect.interval[0] if effect and effect.interval else None


EFFECT_COLUMNS: tuple[ReportColumn[EffectPair], ...] = (
    ReportColumn("axis", lambda pair: pair.exact.axis, kind="label", latex="results", cell="text"),
    ReportColumn("change", lambda pair: pair.change, kind="label", latex="results", cell="label"),
    ReportColumn(
        "exact, points", lambda pair: signed(pair.exact.difference), lambda pair: pair.exact.difference,
        help="effect on the exact accuracy in percentage points", latex="results", cell="bold",
    ),
    ReportColumn(
        # An interval is sorted by its lower bound.
        "95 % interval", lambda pair: interval(pair.exact.interval, PERCENT), lambda pair: _low(pair.exact),
        help="Student's over seeds", latex="results", cell="effect",
    ),
    ReportColumn(
        "CER, points", lambda pair: signed(pair.cer.difference) if pair.cer else "",
        lambda pair: pair.cer.difference if pair.cer else None,
        help="effect on the character error rate in percentage points", priority=1, latex="results",
    ),
    ReportColumn(
        "CER 95 %", lambda pair: interval(pair.cer.interval if pair.cer else None, PERCENT),
        lambda pair: _low(pair.cer), help="Student's interval over seeds", priority=2,
    ),
    ReportColumn(
        "seeds", lambda pair: str(pair.exact.seeds), lambda pair: pair.exact.seeds, priority=4,
        latex="results",
    ),
    ReportColumn(
        "pairs", lambda pair: str(pair.exact.pairs), lambda pair: pair.exact.pairs,
        help="pairs of results that agree in every other axis and in the seed", priority=3,
    ),
    ReportColumn(
        "within noise", _within_noise, lambda pair: float(pair.exact.within_noise),
        help="whether the interval includes 0",
    ),
)  # fmt: skip

COMPARISON_COLUMNS: tuple[ReportColumn[Comparison], ...] = (
    ReportColumn(
        # Sorted by the first row, then by the second, in reports of fewer than 1000 rows.
        "rows", lambda c: f"{c.first} – {c.second}", lambda c: c.first * 1000 + c.second, "key",
        latex="results", cell="rows",
    ),
    ReportColumn(
        "verdict", lambda c: VERDICTS[c.verdict], kind="label", latex="results", cell="verdict",
        help="“better” requires both the test over images and the test over seeds",
    ),
    ReportColumn(
        "exact, points", lambda c: signed(c.exact.difference), lambda c: c.exact.difference,
        help="difference of the exact accuracy in percentage points", latex="results", cell="bold",
    ),
    ReportColumn(
        "images", lambda c: f"{c.first_better} : {c.second_better}",
        lambda c: c.first_better - c.second_better,
        help="read correctly by the first row in more of its runs : by the second", priority=4,
        latex="results",
    ),
    ReportColumn(
        "p images", lambda c: p_value(c.exact.p_holm), lambda c: c.exact.p_holm,
        help="McNemar's exact test over images, after Holm's correction", latex="results", cell="p_value",
    ),
    ReportColumn(
        "p seeds", lambda c: p_value(c.seeds.p_holm) if c.seeds else MISSING,
        lambda c: c.seeds.p_holm if c.seeds else None,
        help="t-test of the exact accuracies over seeds, after Holm's correction", latex="results",
        cell="p_value",
    ),
    ReportColumn(
        "CER, points", lambda c: signed(c.cer.difference), lambda c: c.cer.difference,
        help="difference of the character error rate in percentage points", priority=3, latex="results",
    ),
    ReportColumn(
        "CER 95 %", lambda c: interval(c.cer.interval, PERCENT),
        lambda c: c.cer.interval[0] if c.cer.interval else None,
        help="paired bootstrap over images, not corrected", priority=1,
    ),
    ReportColumn(
        "p CER", lambda c: p_value(c.cer.p_holm), lambda c: c.cer.p_holm,
        help="paired bootstrap over images, after Holm's correction", priority=2, latex="results",
        cell="p_value",
    ),
)  # fmt: skip
