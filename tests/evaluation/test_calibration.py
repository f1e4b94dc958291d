import numpy as np
import pytest

from ctcbench import Alphabet
from ctcbench.contract.data import LogProbs
from ctcbench.decoding import beam_search
from ctcbench.evaluation.calibration import fit_sharpness
from ctcbench.evaluation.ctc_likelihood import text_log_probs

ALPHABET = Alphabet("abcd")


def read(count, sharpness=1.0, frames=3, seed=0):
    """Log-probs from which texts are drawn as they say, and are then flattened to p^(1/sharpness)."""
    generator = np.random.default_rng(seed)
    values_NTK = 2 * generator.standard_normal((count, frames, 5))
    values_NTK -= np.log(np.exp(values_NTK).sum(-1, keepdims=True))
    texts = []
    for probs_TK in np.exp(values_NTK):
        path = [generator.choice(5, p=probs_K) for probs_K in probs_TK]
        kept = [k for k, before in zip(path, [0, *path], strict=False) if k and k != before]
        texts.append(ALPHABET.decode(kept))
    flat_NTK = values_NTK / sharpness
    flat_NTK -= np.log(np.exp(flat_NTK).sum(-1, keepdims=True))
    return LogProbs(flat_NTK.astype(np.float32), np.full(count, frames), tuple(texts), ALPHABET)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0, 5.0])
def test_the_temperature_of_flattened_log_probs_is_recovered(sharpness):
    assert fit_sharpness(read(500, sharpness)) == pytest.approx(sharpness, rel=0.15)


def test_calibrated_confidence_equals_accuracy_on_held_out_images():
    found = read(500, sharpness=3.0)
    sharpness = fit_sharpness(found)
    held_out = read(4000, sharpness=3.0, seed=1)
    labels = [best.labels for best, *_ in beam_search(held_out.values_NTK, held_out.lengths_N)]
    right = np.array([ALPHABET.decode(k) == t for k, t in zip(labels, held_out.texts, strict=True)])
    sure = np.exp(text_log_probs(held_out, labels, sharpness))
    for low, high in ((0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
        some = (sure >= low) & (sure < high)
        assert right[some].mean() == pytest.approx(sure[some].mean(), abs=0.06)


def test_the_probability_of_a_text_equals_that_of_the_decoder():
    found = read(20)
    hypotheses = [best for best, *_ in beam_search(found.values_NTK, found.lengths_N, beam_width=500)]
    probabilities = text_log_probs(found, [h.labels for h in hypotheses], 1.0)
    assert probabilities == pytest.approx([h.log_prob for h in hypotheses], abs=1e-4)


@pytest.mark.parametrize("count", [4, 40])
def test_images_that_are_all_right_do_not_make_a_text_certain(count):
    """With as many images, an accuracy of more than n/(n + 1) is not known."""
    values_NTK = np.full((count, 2, 5), np.log(0.1), np.float32)
    values_NTK[:, 0, 1] = values_NTK[:, 1, 0] = np.log(0.6)
    found = LogProbs(values_NTK, np.full(count, 2), ("a",) * count, ALPHABET)
    sharpness = fit_sharpness(found)
    [sure] = set(np.exp(text_log_probs(found, [[1]] * count, sharpness)).round(6))
    assert sure == pytest.approx(count / (count + 1), abs=0.03) and sharpness < 8


def test_without_images_the_temperature_is_one():
    assert fit_sharpness(read(0)) == 1.0


def test_an_impossible_text_changes_nothing():
    found = read(40, sharpness=3.0)
    more = LogProbs(
        np.concatenate([found.values_NTK, found.values_NTK[:3]]),
        np.append(found.lengths_N, [3, 3, 3]),
        (*found.texts, "abcdabcd", "aa" * 3, "é"),
        ALPHABET,
    )
    assert fit_sharpness(more) == pytest.approx(fit_sharpness(found))
    impossible = LogProbs(more.values_NTK[-3:], more.lengths_N[-3:], more.texts[-3:], ALPHABET)
    assert fit_sharpness(impossible) == 1
