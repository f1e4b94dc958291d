"""The gallery of mistakes: which are shown, and all that is known of each: image, path, n-best."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.specs import BLANK
from ctcbench.decoding import beam_search, greedy_search
from ctcbench.evaluation.log_probs import load_log_probs
from ctcbench.registry.component_registry import Registry
from ctcbench.reporting.formats.html.images import Images
from ctcbench.reporting.formats.html.mistakes import KINDS, kind_of, marked
from ctcbench.reporting.members import Member
from ctcbench.reporting.report_model import Row
from ctcbench.results.run_folder import RunFolder

MOST_ENTRIES = 480
MOST_A_ROW = 40
MOST_IMAGE_BYTES = 4_000_000
_LONGEST_TEXT = 400
_N_BEST, _BEAM_WIDTH = 5, 25


def gallery(rows: Sequence[Row], registry: Registry) -> dict[str, Any]:
    """Return ``{"entries", "images", "kinds", "counts"}`` of the mistakes that are shown.

    Of each row its best run is looked at, and as many mistakes of every kind as there is room for.
    ``counts`` says for each row by number how many there are, of how many images, and why there is
    nothing where there is nothing.
    """
    images = Images(registry, MOST_IMAGE_BYTES)
    room = max(1, min(MOST_A_ROW, MOST_ENTRIES // max(1, len(rows))))
    entries: list[dict[str, Any]] = []
    counts: dict[int, dict[str, Any]] = {}
    for row in rows:
        member = row.members[row.best]
        wrong = _wrong(member)
        chosen = _spread(member, wrong)[:room]
        if len(entries) + len(chosen) > MOST_ENTRIES:
            chosen = []
        shown, note = _entries(row, member, chosen, images)
        entries += shown
        counts[row.number] = {
            "seed": member.seed,
            "wrong": len(wrong),
            "shown": len(shown),
            "images": len(member.predictions.texts) if member.predictions else 0,
            "note": note if member.predictions else "its predictions can't be had",
        }
    return {"entries": entries, "images": images.uris, "kinds": KINDS, "counts": counts}


def _wrong(member: Member) -> list[int]:
    if member.predictions is None:
        return []
    pairs = zip(member.predictions.texts, member.predictions.targets, strict=True)
    return [index for index, (text, target) in enumerate(pairs) if text != target]


def _spread(member: Member, wrong: Iterable[int]) -> list[int]:
    """Return mistakes in turns of their kinds, each kind in the order of the images."""
    assert member.predictions is not None or not wrong
    by_kind: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for index in wrong:
        assert member.predictions is not None
        by_kind[kind_of(member.predictions.texts[index], member.predictions.targets[index])].append(index)
    turns = zip_longest(*by_kind.values())
    return [index for index in chain.from_iterable(turns) if index is not None]


def _entries(
    row: Row, member: Member, chosen: Sequence[int], images: Images
) -> tuple[list[dict[str, Any]], str]:
    """Return the entries of a run, and what is missing from all of them."""
    if not chosen or member.predictions is None:
        return [], ""
    config: RunConfig | None = None
    log_probs: LogProbs | None = None
    note = ""
    try:
        config = RunConfig(**member.result.config)
        log_probs = load_log_probs(RunFolder(member.folder).log_probs_path(member.predictions.split))
        if log_probs.texts != member.predictions.targets:
            raise CtcbenchError("the log-probs are of other images")
    except CtcbenchError:
        log_probs, note = None, "no frame paths: its log-probs can't be had"
    entries = []
    for index in chosen:
        text, target = member.predictions.texts[index], member.predictions.targets[index]
        key, why = ("", "no image: settings of another version")
        if config is not None:
            key, why = images.key(config, member.predictions.fingerprint, index)
        target_parts, text_parts = marked(_short(text), _short(target))
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
        if log_probs is not None and config is not None:
            with contextlib.suppress(ValueError):  # a frame in which nothing is possible
                entry |= _reading(log_probs, config, index, by_ctc=_is_by_ctc(member))
        entries.append(entry)
    return entries, note


def _is_by_ctc(member: Member) -> bool:
    training = member.result.provenance.get("training")
    return not isinstance(training, Mapping) or training.get("alignment", "ctc") == "ctc"


def _reading(log_probs: LogProbs, config: RunConfig, index: int, *, by_ctc: bool) -> dict[str, Any]:
    """Return the likeliest class of each frame as a text, and the n-best of a beam search.

    Frames that are not CTC's have a best reading alone: a search would merge what is not to be merged.
    """
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
        (best,) = beam_search(
            one.values_NTK,
            one.lengths_N,
            beam_width=_BEAM_WIDTH,
            n_best=_N_BEST,
            threads=1,
            blank_penalty=penalty,
        )
    else:
        best = greedy_search(one.values_NTK, one.lengths_N, merge_repeats=False, blank_penalty=penalty)
    n_best = [
        [_short(one.alphabet.decode(hypothesis.labels)), round(hypothesis.log_prob, 3)]
        for hypothesis in best
        if math.isfinite(hypothesis.log_prob)
    ]
    return {"path": _short(path), "best": n_best}


def _blank_penalty(decoder: str) -> float:
    """Return the decoder's option ``blank_penalty``, 0 where it has none."""
    try:
        return float(ComponentString.parse(decoder).options.get("blank_penalty", 0))
    except ValueError:  # an option of that name of a plugin's decoder may hold anything
        return 0.0


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
