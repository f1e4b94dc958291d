"""The cost of constraints and of a model: what is measured, and that they are what they are called."""

from dataclasses import replace

import numpy as np

from ctcbench.benchmarks import guide_cost
from ctcbench.benchmarks.guide_cost import guide_costs
from ctcbench.benchmarks.workloads import find_workload


def test_costs_of_all_guides(monkeypatch):
    monkeypatch.setattr(guide_cost, "_WORDS", 500)
    log_probs = replace(find_workload("captcha-noisy"), images=4).draw()
    costs = guide_costs(log_probs, rounds=3, seconds=0.01)
    assert list(costs) == ["length=5", "pattern", "lexicon", "3-gram model"]
    assert all(0 < cost.low <= cost.median <= cost.high for cost in costs.values())
    line = replace(find_workload("line-confident"), images=1).draw()
    assert list(guide_costs(line, rounds=1, seconds=0.01)) == ["length=40", "pattern", "3-gram model"]


def test_the_lexicon_has_its_words_and_no_other():
    words = {(1, 2, 3), (1, 2, 4), (2, 2, 2), (4, 1, 1)}
    tree = guide_cost._tree(np.array(sorted(words) * 2), 5)
    assert all(tree.accepts(word) for word in words)
    accepted = [labels for labels in np.ndindex(5, 5, 5) if tree.accepts(labels)]
    assert set(accepted) == words


def test_the_model_prefers_the_characters_that_follow_often():
    log_probs = replace(find_workload("captcha-noisy"), images=1).draw()
    guide = guide_cost._model(log_probs).as_guide()
    next_K, log_weight_K = guide.row(guide.start)
    assert (next_K[1:] >= 0).all()
    # At the start of a text the first character is 62 times as probable as the last one. The weight is 0.5.
    assert 1.5 < log_weight_K[1:].max() - log_weight_K[1:].min() < 4
