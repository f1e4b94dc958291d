"""The blank penalty of the decoders: subtract it from the blank, then normalise again."""

import numpy as np
import pytest

from ctcbench.builtin.decoders import beam, beam_cpp, greedy
from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import Alphabet
from ctcbench.decoding import beam_search, beam_search_arrays, greedy_search
from ctcbench.decoding.reference import beam_search_reference
from tests.decoding.decoding_cases import assert_same, log_probs_of


@pytest.fixture
def values_NTK():
    rng = np.random.default_rng(0)
    return np.stack([log_probs_of("noisy", rng, 10, 5) for _ in range(20)])


def by_hand(values_NTK, penalty, blank):
    values_NTK = values_NTK.copy()
    values_NTK[:, :, blank] -= penalty
    return values_NTK - np.log(np.exp(values_NTK).sum(axis=2, keepdims=True))


def test_it_is_subtracted_from_the_blank_and_normalised(values_NTK):
    penalised = by_hand(values_NTK, 2.0, 3)
    for decode in (beam_search, beam_search_reference):
        for got, expected in zip(
            decode(values_NTK, blank=3, blank_penalty=2), decode(penalised, blank=3), strict=True
        ):
            assert_same(got, expected)
    assert_same(greedy_search(values_NTK, blank=3, blank_penalty=2), greedy_search(penalised, blank=3))
    arrays = beam_search_arrays(values_NTK, blank=3, blank_penalty=2.0)
    assert np.array_equal(arrays.labels, beam_search_arrays(penalised, blank=3).labels)


def test_a_mask_still_means_zero_if_the_blank_falls_below_it():
    values_TK = [[0.0, -2e9], [0.0, -2e9]]
    for decode in (beam_search, beam_search_reference):
        assert decode(values_TK, blank_penalty=3e9)[0].labels == ()
    assert greedy_search(values_TK, blank_penalty=3e9).labels == ()


@pytest.mark.filterwarnings("error")
def test_a_penalty_that_overflows_causes_no_warning():
    assert beam_search([[-0.1, -3.0], [-1e300, 0.0]], blank_penalty=1.7e308)[0].labels == (1,)
    assert beam_search([[-1.7e308, 0.0]], blank_penalty=1.7e308, normalize=True)[0].labels == (1,)


def test_zero_changes_nothing(values_NTK):
    assert beam_search(values_NTK, blank_penalty=0) == beam_search(values_NTK)


def test_logits_with_a_penalty(values_NTK):
    got = beam_search(values_NTK + 7.0, normalize=True, blank_penalty=1.5)
    for a, b in zip(got, beam_search(by_hand(values_NTK, 1.5, 0)), strict=True):
        assert_same(a, b)


@pytest.mark.parametrize("decode", [beam_search, beam_search_reference, greedy_search, beam_search_arrays])
@pytest.mark.parametrize(
    ("penalty", "error"),
    [
        (-1, ValueError),
        (np.nan, ValueError),
        (np.inf, ValueError),
        ("2", TypeError),
        (None, TypeError),
        (True, TypeError),
    ],
)
def test_bad_penalties(values_NTK, decode, penalty, error):
    with pytest.raises(error, match=r"blank_penalty is .*; it must be a"):
        decode(values_NTK, blank_penalty=penalty)


@pytest.mark.parametrize("builder", [greedy, beam, beam_cpp])
def test_the_decoder_components_have_the_option(values_NTK, builder):
    alphabet = Alphabet("abcd")
    lengths_N = np.full(len(values_NTK), 10)
    texts = ("",) * len(values_NTK)
    read = LogProbs(values_NTK.astype(np.float32), lengths_N, texts, alphabet)
    penalised = LogProbs(by_hand(read.values_NTK, 3.0, 0).astype(np.float32), lengths_N, texts, alphabet)
    with_option = builder(alphabet, blank_penalty=3.0)(read)
    assert [h.labels for h in with_option] == [h.labels for h in builder(alphabet)(penalised)]
    assert [h.labels for h in with_option] != [h.labels for h in builder(alphabet)(read)]
