"""The Python reference against enumeration of all alignments and against the forward recursion."""

import itertools

import numpy as np
import pytest

from ctcbench.decoding.reference import all_labellings, beam_search_reference, label_log_prob, peak_frames
from tests.decoding.decoding_cases import KINDS, log_probs_of, random_case


def collapse(path, blank):
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol != blank)


def pruned_by_hand(log_probs_TK, beam_width, blank):
    """Search over single alignments: every alignment of the kept labellings is extended separately."""
    weights = {(): 1.0}
    order = [()]
    for row in np.exp(log_probs_TK.astype(np.float64)):
        grown = {(*path, k): w * p for path, w in weights.items() for k, p in enumerate(row) if p > 0}
        totals = {}
        for path, weight in grown.items():
            totals.setdefault(collapse(path, blank), []).append(weight)
        order = sorted(totals, key=lambda labels: -sum(totals[labels]))[:beam_width]
        weights = {path: w for path, w in grown.items() if collapse(path, blank) in order}
    return order


@pytest.mark.parametrize("kind", KINDS)
def test_an_unlimited_beam_has_the_exact_sums(kind):
    rng = np.random.default_rng(KINDS.index(kind))
    for num_frames, num_classes in [(1, 2), (4, 2), (5, 3), (4, 4)]:
        log_probs_TK = log_probs_of(kind, rng, num_frames, num_classes)
        blank = int(rng.integers(num_classes))
        exact = all_labellings(log_probs_TK, blank)
        found = beam_search_reference(log_probs_TK, beam_width=10_000, n_best=10_000, blank=blank)
        assert {h.labels for h in found} == set(exact)
        for hypothesis in found:
            assert hypothesis.log_prob == pytest.approx(exact[hypothesis.labels], rel=1e-12, abs=1e-12)
            by_recursion = label_log_prob(log_probs_TK, hypothesis.labels, blank)
            assert hypothesis.log_prob == pytest.approx(by_recursion, rel=1e-12, abs=1e-12)


def test_narrow_beams_agree_with_the_search_over_alignments():
    rng = np.random.default_rng(0)
    for beam_width in (1, 2, 3, 4):
        for _ in range(20):
            log_probs_TK = log_probs_of("noisy", rng, 6, 3)
            found = beam_search_reference(log_probs_TK, beam_width=beam_width, n_best=beam_width, blank=1)
            assert [h.labels for h in found] == pruned_by_hand(log_probs_TK, beam_width, 1)


def test_a_narrow_beam_never_exceeds_the_exact_sum():
    for seed in range(60):
        case = random_case(seed)
        if len(case.log_probs_TK) > 5:
            continue
        found = beam_search_reference(case.log_probs_TK, beam_width=2, n_best=2, blank=case.blank)
        for hypothesis in found:
            exact = label_log_prob(case.log_probs_TK, hypothesis.labels, case.blank)
            assert hypothesis.log_prob <= exact + 1e-9 * max(1.0, abs(exact))


def test_frames_are_peaks_of_a_best_alignment():
    rng = np.random.default_rng(1)
    for kind in ("noisy", "peaky", "unnormalised"):  # no ties, so that there is one right answer
        for _ in range(15):
            values = log_probs_of(kind, rng, 5, 3)
            paths = {}
            for path in itertools.product(range(3), repeat=5):
                weight = sum(values[t, k] for t, k in enumerate(path))
                paths.setdefault(collapse(path, 0), []).append((weight, path))
            for labels, alignments in paths.items():
                _, best = max(alignments)
                runs = [list(run) for k, run in itertools.groupby(range(5), lambda t: best[t]) if k != 0]  # noqa: B023
                expected = tuple(max(run, key=lambda t: values[t, best[t]]) for run in runs)
                assert peak_frames(values, labels, 0) == expected


def test_frames_of_ties_are_the_earliest():
    flat_TK = np.full((5, 3), -1.0)
    assert peak_frames(flat_TK, (1,), 0) == (0,)
    assert peak_frames(flat_TK, (1, 2), 0) == (0, 1)
    assert peak_frames(flat_TK, (1, 1), 0) == (0, 2)
    assert peak_frames(flat_TK, (), 0) == ()


def test_forward_recursion_by_hand():
    half = np.log(np.full((2, 2), 0.5))
    assert label_log_prob(half, (1,)) == pytest.approx(np.log(0.75))
    assert label_log_prob(half, ()) == pytest.approx(np.log(0.25))
    assert label_log_prob(half, (1, 1)) == -np.inf
    assert label_log_prob(half[:0], ()) == 0.0
    assert label_log_prob(half[:0], (1,)) == -np.inf


def test_forward_recursion_agrees_with_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(2)
    values = log_probs_of("noisy", rng, 12, 5)
    for labels in [(1,), (1, 1, 2), (4, 3, 2, 1, 1)]:
        loss = torch.nn.functional.ctc_loss(
            torch.tensor(values)[:, None], torch.tensor([labels]), [12], [len(labels)], reduction="sum"
        )
        assert label_log_prob(values, labels) == pytest.approx(-loss.item(), rel=1e-9)
