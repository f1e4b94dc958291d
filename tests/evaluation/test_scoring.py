"""score() compared with examples worked by hand and with plain implementations."""

import pytest
from hypothesis import given

from ctcbench.contract.errors import UsageError
from ctcbench.evaluation.confidence_intervals import wilson
from ctcbench.evaluation.scoring import edit_distances, score
from tests.evaluation.text_pairs import pairs


def levenshtein(a, b):
    """Wagner and Fischer's table (1974), row by row."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        previous, row = row, [i]
        for j, y in enumerate(b, start=1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (x != y)))
    return row[-1]


def test_a_split_worked_by_hand():
    #            right    case     looks alike  one short  empty
    targets = ["1C19k", "aBcde", "O0l1x", "12345", "vwxyz"]
    outputs = ["1C19k", "abcde", "0OI1X", "1345", ""]
    s = score(outputs, targets, "test")
    assert (s.split, s.images) == ("test", 5)
    assert s.exact == pytest.approx(1 / 5)
    assert s.exact_caseless == pytest.approx(2 / 5)  # "O0l1x" is another text, case or not
    assert s.exact_folded == pytest.approx(2 / 5)  # "aBcde": b and B can be told apart
    assert s.char_accuracy == pytest.approx((5 + 4 + 1 + 1 + 0) / 25)
    assert s.edit_distance == pytest.approx((0 + 1 + 4 + 1 + 5) / 5)
    assert s.cer == pytest.approx(11 / 25)
    assert s.empty_outputs == pytest.approx(1 / 5)
    assert s.mean_length == pytest.approx(19 / 5)
    assert s.collapsed is False
    assert s.exact_ci == wilson(1, 5)
    assert s.exact_caseless_ci == s.exact_folded_ci == wilson(2, 5)


def test_char_accuracy_is_averaged_over_images_and_cer_over_characters():
    s = score(["a", "bbbbbbbbbc"], ["x", "bbbbbbbbbb"], "val")
    assert s.char_accuracy == pytest.approx((0.0 + 0.9) / 2)
    assert s.cer == pytest.approx(2 / 11)


@given(pairs)
def test_values_agree_with_plain_definitions(ps):
    outputs, targets = [p for p, _ in ps], [t for _, t in ps]
    s = score(outputs, targets, "val", resamples=50)
    n, edits = len(ps), [levenshtein(p, t) for p, t in ps]
    assert list(edit_distances(outputs, targets)) == edits
    assert s.edit_distance == pytest.approx(sum(edits) / n)
    assert s.cer == pytest.approx(sum(edits) / sum(map(len, targets)))
    assert s.exact == pytest.approx(sum(p == t for p, t in ps) / n)
    assert s.exact <= s.exact_caseless <= 1
    assert s.exact <= s.exact_folded <= 1
    assert 0 <= s.char_accuracy <= 1
    assert (s.exact == 1) == (s.cer == 0)
    for name in ("exact", "exact_caseless", "exact_folded"):
        low, high = getattr(s, name + "_ci")
        assert low <= getattr(s, name) <= high


def test_nothing_to_score_is_an_error():
    with pytest.raises(UsageError, match="'test' has no images"):
        score([], [], "test")
    with pytest.raises(UsageError, match="every target is empty"):
        score(["a"], [""], "test")
    with pytest.raises(ValueError, match="1 predictions, but 2 targets"):
        score(["a"], ["a", "b"], "test")


def test_ten_thousand_images():
    targets = [f"{i:05d}" for i in range(10_000)]
    s = score([t[:-1] + "0" for t in targets], targets, "test")
    assert s.exact == pytest.approx(0.1)
    assert s.edit_distance == pytest.approx(0.9)
