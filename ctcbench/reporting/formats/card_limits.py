"""Intended use and limits of a recogniser, from what its run records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ctcbench.contract.errors import CtcbenchError
from ctcbench.evaluation.metrics import LOOKALIKES
from ctcbench.reporting.members import Member
from ctcbench.reporting.number_format import percent
from ctcbench.reporting.report_model import Report, Row
from ctcbench.results.run_folder import RunFolder

_FEW_IMAGES = 1000  # below, the interval of a share is up to 6 points wide or more


def limits(report: Report, row: Row, member: Member) -> Iterator[str]:
    """Yield paragraphs of Markdown; no text of the results is in them."""
    yield (
        "Intended for pictures like the test images: one text each, in the same fonts, on the same kind of "
        "background. On other pictures the accuracy is lower, and a confidence is no longer the probability "
        "that a text is right: both were measured on images of the same data set."
    )
    yield from _limits_of_input(member)
    yield from _limits_of_test(report, row, member)
    yield "Not intended to get past checks that keep programs out, such as the captchas of other people."


def _limits_of_input(member: Member) -> Iterator[str]:
    try:
        read = RunFolder(member.folder).read_log_probs(member.result.score.split)
    except CtcbenchError:
        return  # a result without its run, or without stored log-probabilities
    characters, frames = len(read.alphabet.characters), read.values_NTK.shape[1]
    yield (
        f"Only the {characters:,} characters of the alphabet can be read. Any other character is read as one "
        "of them, or left out."
    )
    # Of images of variable width, the widest test image has all frames of the array; others may be wider.
    subject = "A test picture has at most" if len(set(read.lengths_N.tolist())) > 1 else "A picture has"
    yield (
        f"{subject} {frames:,} frames, and a text at most as many characters as its picture has "
        "frames. With CTC, each pair of equal characters side by side needs one more frame."
    )


def _limits_of_test(report: Report, row: Row, member: Member) -> Iterator[str]:
    score = member.result.score
    if (runs := sum(len(other.members) for other in report.rows)) > 1:
        yield (
            f"This run was chosen from {runs} by its accuracy on the test images, so its accuracy on new "
            "images is likely lower."
        )
    if row.n == 1:
        yield "There is one seed of this configuration: how much the accuracy varies with seeds is not known."
    if score.images < _FEW_IMAGES:
        yield f"{score.images:,} test images are few: the intervals show how uncertain the scores are."
    if score.collapsed:
        yield "The recogniser has collapsed: it ignores its images, and its texts are of no use."
    if score.empty_outputs:
        yield f"{percent(score.empty_outputs)} of its texts are empty."
    data = member.result.provenance.get("data")
    too_long = data.get("too_long") if isinstance(data, Mapping) else None
    if isinstance(too_long, int) and too_long:
        yield f"{too_long:,} test texts are longer than the frames allow; they count as errors."
    unreadable = data.get("unreadable") if isinstance(data, Mapping) else None
    if isinstance(unreadable, int) and unreadable:
        yield f"{unreadable:,} test texts have characters that the alphabet lacks; they count as errors."
    folded, caseless = score.exact_folded, score.exact_caseless
    if folded is not None and folded > score.exact:
        groups = ", ".join(LOOKALIKES)
        yield f"With look-alikes ({groups}) merged, {percent(folded)} of the texts are right."
    if caseless is not None and caseless > score.exact:
        yield f"With case ignored, {percent(caseless)} of the texts are right."
