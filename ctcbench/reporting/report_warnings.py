"""Warnings of a report: what limits the conclusions that can be drawn from it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ctcbench.contract.word_lists import join_words
from ctcbench.files.shell_words import quote_word
from ctcbench.reporting.axes import Axes
from ctcbench.reporting.comparisons import ALL_PAIRS, is_comparable
from ctcbench.reporting.members import Member
from ctcbench.reporting.number_format import host, row_numbers
from ctcbench.reporting.report_model import Comparison, Effect, ReportWarning, Row

FEW_SEEDS = 3
FEW_IMAGES = 100
_MOST_VALUES = 6  # that one warning lists
_MOST_SEED_SETS = 4


def find_warnings(
    rows: Sequence[Row], axes: Axes, effects: Sequence[Effect], comparisons: Sequence[Comparison]
) -> list[ReportWarning]:
    """Return the warnings, those about the whole report first."""
    return [
        *_about_axes(axes),
        *_about_seeds(rows),
        *_about_images(rows),
        *_about_left_out(rows),
        *_about_predictions(rows),
        *_about_tests(comparisons),
        *_about_noise(rows, effects, comparisons),
        *_about_machines(rows),
        *_about_versions(rows),
        *_about_talk(rows),
    ]


def _about_axes(axes: Axes) -> Iterator[ReportWarning]:
    if axes.pooled:
        listed = ", ".join(axes.pooled)
        text = f"rows combine runs that differ in {listed}; --by {listed} separates them"
        yield ReportWarning("pooled", text)
    if axes.chosen:
        listed = join_words(axes.chosen)
        text = f"a budget of training time chose {listed}: rows are compared at equal time, not on equal data"
        yield ReportWarning("budget", text)
    # The axis "" has the settings that change with a combination of axes.
    for axis, others in axes.aliases.items():
        verb = "change" if len(others) > 1 else "changes"
        text = f"{', '.join(others)} {verb} together with {axis or 'the axes'}: their effects are confounded"
        yield ReportWarning("confounded", text)


def _about_seeds(rows: Sequence[Row]) -> Iterator[ReportWarning]:
    # With one seed there is no interval over seeds at all, with two Student's t is 12.7: two warnings.
    single = [row.number for row in rows if row.n == 1]
    few = [row.number for row in rows if 1 < row.n < FEW_SEEDS]
    if single:
        text = (
            f"{row_numbers(single)}: one seed each, which does not show how results vary over seeds; "
            "intervals (i) are over images, and differences are between these models, not configurations"
        )
        yield ReportWarning("few seeds", text, tuple(single))
    if few:
        text = f"{row_numbers(few)}: {FEW_SEEDS - 1} seeds each, too few for informative intervals"
        yield ReportWarning("few seeds", text, tuple(few))
    # Student's interval has no width then; scores of few test images agree by chance. Zero is no result.
    equal = [row.number for row in rows if row.metrics["exact"].sd == 0 and row.metrics["exact"].mean > 0]
    if equal:
        text = f"{row_numbers(equal)}: all seeds have the same score, so the interval shows no uncertainty"
        yield ReportWarning("equal seeds", text, tuple(equal))
    # Rows with different seeds are not paired by seed, and their means are over different draws.
    seeds = defaultdict(list)
    for row in rows:
        seeds[tuple(sorted({str(seed) for seed in row.seeds}))].append(row.number)
    if len(seeds) > 1:
        shown = list(seeds.items())[:_MOST_SEED_SETS]
        listed = "; ".join(f"{', '.join(key)} ({row_numbers(found)})" for key, found in shown)
        more = f"; and {len(seeds) - len(shown)} other sets" if len(seeds) > len(shown) else ""
        yield ReportWarning("unbalanced", f"rows have different seeds: {listed}{more}")


def _about_images(rows: Sequence[Row]) -> Iterator[ReportWarning]:
    small = [row.number for row in rows if min(m.result.score.images for m in row.members) < FEW_IMAGES]
    if small:
        text = f"{row_numbers(small)}: fewer than {FEW_IMAGES} test images, too few for firm conclusions"
        yield ReportWarning("few images", text, tuple(small))
    # Twelve hexadecimal digits tell test sets apart and leave room for the row numbers.
    sets = _by_value(rows, lambda member: member.fingerprint[:12] or "not recorded")
    if len(sets) > 1:
        text = f"test sets differ, and rows of different ones are not compared: {_list_values(sets)}"
        yield ReportWarning("test sets", text)


def _about_left_out(rows: Sequence[Row]) -> Iterator[ReportWarning]:
    for row in rows:
        # The numbers differ between seeds only if the pictures changed, and then the test sets differ too.
        data = _mapping(row.members[0].result.provenance.get("data"))
        left_out = [f"{n} {split}" for split, n in _mapping(data.get("left_out")).items() if n]
        if left_out:
            text = f"row {row.number}: images that could not be used are left out: {', '.join(left_out)}"
            yield ReportWarning("left out", text, (row.number,))
        if number := data.get("too_long"):
            text = f"row {row.number}: {number} test texts are too long for its frames, and count as errors"
            yield ReportWarning("too long", text, (row.number,))
        if number := data.get("unreadable"):
            text = f"{number} test texts have characters that its alphabet lacks, and count as errors"
            yield ReportWarning("not in alphabet", f"row {row.number}: {text}", (row.number,))


def _about_predictions(rows: Sequence[Row]) -> Iterator[ReportWarning]:
    # Results of early versions have no predictions. Paired tests and the gallery need them.
    lacking = [member for row in rows for member in row.members if member.predictions is None]
    without = [row.number for row in rows if any(m.predictions is None for m in row.members)]
    if lacking:
        run, decoder = str(lacking[0].folder), str(lacking[0].result.config.get("decoder"))
        command = f"ctcbench decode {quote_word(run)} --decoder {quote_word(decoder)}"
        others = f" ({len(lacking)} results lack them)" if len(lacking) > 1 else ""
        text = f"not in the paired tests, as no predictions are stored; `{command}` stores them{others}"
        yield ReportWarning("no predictions", f"{row_numbers(without)}: {text}", tuple(without))
    mixed = [row.number for row in rows if row.number not in without and not is_comparable(row)]
    if mixed and len(rows) > 1:
        text = f"{row_numbers(mixed)}: not in the paired tests, as their runs read different test images"
        yield ReportWarning("not compared", text, tuple(mixed))


def _about_tests(comparisons: Sequence[Comparison]) -> Iterator[ReportWarning]:
    # The best row of some test images is compared with each of the others of these images.
    if max(Counter(c.first for c in comparisons).values(), default=0) >= ALL_PAIRS:
        text = f"more than {ALL_PAIRS} rows of the same test images: each is compared with the best only"
        yield ReportWarning("many rows", text)


def _about_noise(
    rows: Sequence[Row], effects: Sequence[Effect], comparisons: Sequence[Comparison]
) -> Iterator[ReportWarning]:
    # Row 1 has the highest accuracy: whether the others differ from it is the question that a reader has.
    with_best = [c for c in comparisons if c.first == 1]
    tied = [c.second for c in with_best if c.verdict == "noise"]
    if tied:
        text = f"{row_numbers(tied)}: the difference from row 1 is within noise"
        yield ReportWarning("noise", text, tuple(tied))
    images_only = [c.second for c in with_best if c.verdict == "on these images" and c.seeds is not None]
    if images_only:
        text = "worse than row 1 on these images, but the difference is within the noise between seeds"
        yield ReportWarning("noise", f"{row_numbers(images_only)}: {text}", tuple(images_only))
    even = [
        f"{e.axis} {e.level} for {e.baseline}"
        for e in effects
        if e.metric == "exact" and e.within_noise and e.interval
    ]
    if even:
        yield ReportWarning("noise", f"main effects on exact accuracy within noise: {'; '.join(even)}")


def _about_machines(rows: Sequence[Row]) -> Iterator[ReportWarning]:
    machines = _by_value(rows, lambda member: host(_mapping(member.result.provenance)))
    if len(machines) > 1:
        text = f"hardware differs, so times are not comparable: {_list_values(machines)}"
        yield ReportWarning("hardware", text)


def _about_versions(rows: Sequence[Row]) -> Iterator[ReportWarning]:
    members = [member for row in rows for member in row.members]
    # One warning for each package that differs: a single one would have to list all versions of every row.
    for kind in ("versions", "plugins"):
        names = {name for member in members for name in _mapping(member.result.provenance.get(kind))}
        for name in sorted(names):

            def version(member: Member, kind: str = kind, name: str = name) -> str:
                return str(_mapping(member.result.provenance.get(kind)).get(name) or "none")

            found = _by_value(rows, version)
            if len(found) > 1:
                yield ReportWarning("versions", f"{name} differs: {_list_values(found)}")


def _about_talk(rows: Sequence[Row]) -> Iterator[ReportWarning]:
    for row in rows:
        # The talk's accuracy holds for its own numbers of images and epochs.
        if row.talk and row.talk.scaled:
            text = f"row {row.number}: {row.talk.preset} at another size than the talk's ({row.talk.scaled})"
            yield ReportWarning("scaled", text, (row.number,))


def _by_value(rows: Sequence[Row], value: Callable[[Member], str]) -> dict[str, list[int]]:
    """Return the numbers of the rows with each value; a row whose runs differ is under several."""
    # A dict without values is a set in order of insertion, so that rows are listed in their order.
    found: dict[str, dict[int, None]] = {}
    for row in rows:
        for member in row.members:
            found.setdefault(value(member), {})[row.number] = None
    return {key: list(numbered) for key, numbered in found.items()}


def _list_values(found: Mapping[str, list[int]]) -> str:
    return "; ".join(f"{key} ({row_numbers(rows)})" for key, rows in list(found.items())[:_MOST_VALUES])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
