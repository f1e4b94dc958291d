"""The gallery of mistakes: a selection of misread test images, each with its best path and n-best list."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.specs import BLANK
from ctcbench.decoding import beam_search, greedy_search
from ctcbench.files.text import one_line
from ctcbench.reporting.formats.html.cached_images import CachedImages
from ctcbench.reporting.members import Member
from ctcbench.reporting.mistakes import KINDS, kind_of, mark_differences
from ctcbench.reporting.report_model import Row
from ctcbench.results.run_folder import RunFolder

MOST_ENTRIES = 480
MOST_A_ROW = 40
_LONGEST_TEXT = 400
_N_BEST, _BEAM_WIDTH = 5, 25


def gallery(rows: Sequence[Row], images: CachedImages) -> dict[str, Any]:
    """Return ``{"entries", "kinds", "counts"}`` of the mistakes that are shown, with keys of `images`.

    They are from the best run of each row, with equal shares for every kind of mistake as far as there
    are so many. ``counts`` has for each row by number the mistakes in all, those shown, the test images,
    and a note on what is missing.
    """
    # Many rows share the entries, so that the file stays small.
    room = max(1, min(MOST_A_ROW, MOST_ENTRIES // max(1, len(rows))))
    entries: list[dict[str, Any]] = []
    counts: dict[int, dict[str, Any]] = {}
    for row in rows:
        member = row.members[row.best]
        wrong = _find_mistakes(member)
        # Taking turns: most mistakes are of one kind, and would fill the gallery alone.
        chosen = _take_turns(member, wrong)[:room]
        if len(entries) + len(chosen) > MOST_ENTRIES:
            chosen = []
        shown, note = _entries(row, member, chosen, images)
        entries += shown
        counts[row.number] = {
            "seed": member.seed,
            "wrong": len(wrong),
            "shown": len(shown),
            "images": len(member.predictions.texts) if member.predictions else 0,
            "note": note if member.predictions else "no predictions are stored; see the warnings",
        }
    return {"entries": entries, "kinds": KINDS, "counts": counts}


def _find_mistakes(member: Member) -> list[int]:
    if member.predictions is None:
        return []
    pairs = zip(member.predictions.texts, member.predictions.targets, strict=True)
    return [index for index, (text, target) in enumerate(pairs) if text != target]


def _take_turns(member: Member, wrong: Iterable[int]) -> list[int]:
    """Return the mistakes with their kinds taking turns, each kind in the order of the images."""
    assert member.predictions is not None or not wrong
    by_kind: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for index in wrong:
        assert member.predictions is not None
        by_kind[kind_of(member.predictions.texts[index], member.predictions.targets[index])].append(index)
    # The n-th mistakes of all kinds together; None where a kind has fewer.
    turns = zip_longest(*by_kind.values())
    return [index for index in chain.from_iterable(turns) if index is not None]


def _entries(
    row: Row, member: Member, chosen: Sequence[int], images: CachedImages
) -> tuple[list[dict[str, Any]], str]:
    """Return the entries of a run, and a note on what is missing from all of them."""
    if not chosen or member.predictions is None:
        return [], ""
    config: RunConfig | None = None
    log_probs: LogProbs | None = None
    note = ""
    try:
        # Either may fail: settings of other versions, log-probabilities that were deleted.
        config = RunConfig(**member.result.config)
        log_probs = RunFolder(member.folder).read_log_probs(member.predictions.split)
        # They are stored per split, so they may be of an earlier number of test images.
        if log_probs.texts != member.predictions.targets:
            raise CtcbenchError("the log-probabilities are of other images")
    except CtcbenchError as error:
        is_stored = os.path.lexists(RunFolder(member.folder).log_probs_path(member.predictions.split))
        reason = one_line(str(error)) if is_stored else "the log-probabilities are not stored"
        log_probs, note = None, f"no best paths: {reason}"
    entries = []
    for index in chosen:
        text, target = member.predictions.texts[index], member.predictions.targets[index]
        # A result of another version may have settings that this version lacks or refuses.
        key, why = ("", "no image: the settings are of another version of ctcbench")
        if config is not None:
            key, why = images.key(config, member.predictions.fingerprint, index)
        target_parts, text_parts = mark_differences(_truncate(text), _truncate(target))
        entry = {
            "row": row.number,
            "seed": member.seed,
            "index": index,
            "kind": kind_of(text, target),
            "target": target_parts,
            "read": text_parts,
            "image": key,
        }
        if not key:
            entry["why"] = why
        if config is not None and (name := images.name_of(config, member.predictions.fingerprint, index)):
            entry["name"] = _truncate(name)
        if log_probs is not None and config is not None:
            with contextlib.suppress(ValueError):  # a frame in which every class is impossible
                entry |= _frame_diagnostics(log_probs, config, index, by_ctc=_is_by_ctc(member))
        entries.append(entry)
    return entries, note


def _is_by_ctc(member: Member) -> bool:
    training = member.result.provenance.get("training")
    # Early results have no alignment: then there was only CTC.
    return not isinstance(training, Mapping) or training.get("alignment", "ctc") == "ctc"


def _frame_diagnostics(log_probs: LogProbs, config: RunConfig, index: int, *, by_ctc: bool) -> dict[str, Any]:
    """Return the best path as a text, and the n-best list of a beam search with log-probabilities.

    This is a diagnostic of the stored log-probabilities; the predictions of the result are not touched.
    """
    # Without CTC there is only the best path: a CTC beam search would merge repeated characters.
    one = LogProbs(
        log_probs.values_NTK[index : index + 1],
        log_probs.lengths_N[index : index + 1],
        log_probs.texts[index : index + 1],
        log_probs.alphabet,
    )
    penalty = _blank_penalty(config.decoder)
    values_TK = one.values_NTK[0, : int(one.lengths_N[0])].copy()
    values_TK[:, BLANK] -= penalty
    path = one.alphabet.path(values_TK.argmax(axis=1).tolist())
    if by_ctc:
        # In this process on one thread: single images are too small to share.
        (best,) = beam_search(
            one.values_NTK,
            one.lengths_N,
            beam_width=_BEAM_WIDTH,
            n_best=_N_BEST,
            threads=1,
            blank_penalty=penalty,
            frames=False,
        )
    else:
        best = greedy_search(one.values_NTK, one.lengths_N, merge_repeats=False, blank_penalty=penalty)
    n_best = [
        [_truncate(one.alphabet.decode(hypothesis.labels)), round(hypothesis.log_prob, 3)]
        for hypothesis in best
        if math.isfinite(hypothesis.log_prob)
    ]
    return {"path": _truncate(path), "best": n_best}


def _blank_penalty(decoder: str) -> float:
    """Return the decoder's option ``blank_penalty``, 0 if it has none."""
    try:
        return float(ComponentString.parse(decoder).options.get("blank_penalty", 0))
    except ValueError:  # an option of that name of a plugin's decoder may hold anything
        return 0.0


def _truncate(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
