"""The C++ search against the Python reference: all kept labellings in order, scores and frames."""

import numpy as np
import pytest

from ctcbench.decoding import Hypothesis, _core, beam_search
from ctcbench.decoding.reference import beam_search_reference
from tests.decoding.decoding_cases import assert_same, log_probs_of, random_case


def compare(log_probs_TK, context, **options):
    assert_same(beam_search(log_probs_TK, **options), beam_search_reference(log_probs_TK, **options), context)


def compare_seeds(seeds):
    for seed in seeds:
        case = random_case(seed)
        width = case.beam_width
        compare(case.log_probs_TK, f"{seed=} {case}", beam_width=width, n_best=width, blank=case.blank)


@pytest.mark.parametrize(
    "part", [0, *(pytest.param(part, marks=pytest.mark.landing) for part in (1, 2, 3, 4, 5))]
)
def test_thousands_of_random_cases(part):
    compare_seeds(range(part * 1000, (part + 1) * 1000))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_a_hundred_thousand_random_cases(part):
    compare_seeds(range(1_000_000 + part * 5000, 1_000_000 + (part + 1) * 5000))


@pytest.mark.parametrize("kind", ["noisy", "flat", "ties", "minus infinity", "underflow"])
def test_beam_larger_than_all_labellings(kind):
    log_probs_TK = log_probs_of(kind, np.random.default_rng(3), 5, 3)
    compare(log_probs_TK, kind, beam_width=1000, n_best=1000)


@pytest.mark.landing
@pytest.mark.parametrize("kind", ["peaky", "noisy", "flat", "ties", "underflow"])
@pytest.mark.parametrize(
    ("num_frames", "num_classes", "beam_width"), [(18, 63, 25), (4, 5000, 10), (60, 30, 50), (1, 5000, 25)]
)
def test_larger_inputs(kind, num_frames, num_classes, beam_width):
    rng = np.random.default_rng(num_classes)
    log_probs_TK = log_probs_of(kind, rng, num_frames, num_classes).astype(np.float32)
    compare(log_probs_TK, kind, beam_width=beam_width, n_best=beam_width, blank=num_classes - 1)


@pytest.mark.parametrize("kind", ["repeats", "ties"])
def test_two_thousand_frames_mostly_blank(kind):
    log_probs_TK = log_probs_of(kind, np.random.default_rng(4), 2000, 4)
    log_probs_TK[:, 1:] -= 3.0
    compare(log_probs_TK.astype(np.float32), kind, beam_width=5, n_best=2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["peaky", "repeats", "ties", "flat", "underflow"])
def test_two_thousand_frames(kind):
    log_probs_TK = log_probs_of(kind, np.random.default_rng(4), 2000, 5).astype(np.float32)
    compare(log_probs_TK, kind, beam_width=5, n_best=3)


def best_of_three(*differences):
    """Return the order of three labellings of one frame whose log-probabilities differ by `differences`."""
    row = np.concatenate([[-9.0], -0.9 + np.array(differences)])
    return [h.labels[0] for h in beam_search(row[None], n_best=3) if h.labels][:3]


def test_of_a_tie_the_smaller_labelling_is_first():
    assert best_of_three(0.0, 5e-13) == [1, 2]
    assert best_of_three(0.0, 2e-12) == [2, 1]


def test_a_group_of_ties_starts_at_its_most_probable_labelling():
    # 3 leads, 2 ties with it; 1 ties with 2 but not with 3, so it is in a separate group.
    assert best_of_three(-16e-13, -8e-13, 0.0) == [2, 3, 1]


def test_a_group_of_ties_across_the_beam_width_keeps_its_smallest_labellings():
    row = np.concatenate([[-9.0], np.full(9, -0.9), [-0.8]])
    for order in (row, row + np.arange(11) * 1e-14):
        found = beam_search(order[None], beam_width=4, n_best=4)
        assert [h.labels for h in found] == [(10,), (1,), (2,), (3,)]


def test_the_single_best_is_ranked_with_labellings_that_tie_with_it():
    # By total class 2 is the best, but class 1 is less than a tie below it, and comes first by spelling.
    values_TK = np.array([[-9.0, -0.9 - 5e-13, -0.9]])
    for path in _core.paths():
        options = {"beam_width": 25, "blank": 0, "threads": 1, "hypothesis": Hypothesis, "path": path}
        [[best]] = _core.beam_search(values_TK[None], np.array([1]), n_best=1, **options)
        assert best.labels == (1,), path


@pytest.mark.parametrize("step", [3.7e-13, 6e-13, 8e-13])
@pytest.mark.parametrize("width", [1, 2, 7, 25, 39])
def test_a_chain_of_near_ties_across_the_beam_width(step, width):
    values_TK = np.append(-30.0, -0.9 - np.arange(39) * step)[None]
    expected = beam_search_reference(values_TK, beam_width=width, n_best=width)
    assert_same(beam_search(values_TK, beam_width=width, n_best=width), expected)


def test_a_symbol_below_the_range_of_a_double_is_kept():
    assert [best.labels for best in beam_search([[-1.0, -700.0]], n_best=5)] == [(), (1,)]


def test_a_labelling_that_leaves_and_returns_is_one_entry():
    # A prefix leaves the beam while a longer one stays, and returns: it must not become two entries.
    rng = np.random.default_rng(5)
    for _ in range(300):
        values = log_probs_of("repeats", rng, 25, 3)
        found = beam_search(values, beam_width=4, n_best=4)
        assert len({h.labels for h in found}) == len(found)
        assert_same(found, beam_search_reference(values, beam_width=4, n_best=4))
