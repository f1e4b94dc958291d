"""The cost of constraints: what is measured, and that the automata are what they are called."""

from dataclasses import replace

import numpy as np

from ctcbench.benchmarks import constraint_cost
from ctcbench.benchmarks.constraint_cost import constraint_costs
from ctcbench.benchmarks.workloads import find_workload


def test_costs_of_all_constraints(monkeypatch):
    monkeypatch.setattr(constraint_cost, "_WORDS", 500)
    log_probs = replace(find_workload("captcha-noisy"), images=4).draw()
    costs = constraint_costs(log_probs, rounds=3, seconds=0.01)
    assert list(costs) == ["length=5", "pattern", "lexicon"]
    assert all(0 < cost.low <= cost.median <= cost.high for cost in costs.values())
    line = replace(find_workload("line-confident"), images=1).draw()
    assert list(constraint_costs(line, rounds=1, seconds=0.01)) == ["length=40", "pattern"]


def test_the_lexicon_has_its_words_and_no_other():
    words = {(1, 2, 3), (1, 2, 4), (2, 2, 2), (4, 1, 1)}
    tree = constraint_cost._tree(np.array(sorted(words) * 2), 5)
    assert all(tree.accepts(word) for word in words)
    accepted = [labels for labels in np.ndindex(5, 5, 5) if tree.accepts(labels)]
    assert set(accepted) == words
