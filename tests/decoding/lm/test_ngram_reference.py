import itertools
import math

import pytest

from ctcbench.decoding.lm.arpa_reader import read_arpa
from ctcbench.decoding.lm.arpa_writer import write_arpa
from ctcbench.decoding.lm.kneser_ney import train_kneser_ney
from ctcbench.decoding.lm.ngram_reference import score_words

CORPUS = ["one two two", "two one", "one one two three", "three", "two two two one"]


@pytest.mark.parametrize("order", [2, 3])
def test_scores_equal_those_of_kenlm(order, tmp_path):
    kenlm = pytest.importorskip("kenlm")
    path = tmp_path / "model.arpa"
    write_arpa(train_kneser_ney(map(str.split, CORPUS), order).model, path)
    model, theirs = read_arpa(path), kenlm.Model(str(path))
    for words in itertools.product(["one", "two", "three", "four"], repeat=4):
        ours = list(score_words(model, words))
        expected = list(theirs.full_scores(" ".join(words)))
        assert [score.known for score in ours] == [not unknown for _, _, unknown in expected]
        for score, (log_10, _, _) in zip(ours, expected, strict=True):
            assert score.log_prob == pytest.approx(log_10 * math.log(10), abs=1e-5)  # it has float32
