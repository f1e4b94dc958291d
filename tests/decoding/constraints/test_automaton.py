"""Automaton: what it accepts, its distances, and arrays that are no automaton."""

from itertools import product

import numpy as np
import pytest

from ctcbench.decoding.constraints import Automaton

# One or more 1s, then at most one 2: start 0, after a 1 state 1, after the 2 state 2.
GOOD = {
    "classes": 3,
    "start": 0,
    "accepting": [False, True, True],
    "offsets": [0, 1, 3, 3],
    "labels": [1, 1, 2],
    "targets": [1, 1, 2],
}


def make(**changes):
    return Automaton(**(GOOD | changes))


def test_it_accepts_the_labellings_of_its_paths():
    accepted = [labels for n in range(4) for labels in product((1, 2), repeat=n) if make().accepts(labels)]
    assert accepted == [(1,), (1, 1), (1, 2), (1, 1, 1), (1, 1, 2)]


def test_labels_without_an_edge_are_refused():
    assert not make().accepts((0,))
    assert not make().accepts((7,))
    assert not make().accepts((-1,))
    assert make().after(1, 2) == 2
    assert make().after(2, 1) is None


@pytest.mark.parametrize("state", [-1, 2])
def test_a_state_that_there_is_not(state):
    with pytest.raises(IndexError, match=rf"state is {state}; it must lie in \[0, 1\)"):
        Automaton(3, 0, [True], [0, 1], [1], [0]).after(state, 1)


def test_shortest_is_the_least_number_of_further_labels():
    assert make().shortest().tolist() == [1, 0, 0]
    chain = make(accepting=[False, False, True], offsets=[0, 1, 2, 2], labels=[2, 1], targets=[1, 2])
    assert chain.shortest().tolist() == [2, 1, 0]
    assert chain.shortest().dtype == np.int32


def test_only_the_empty_labelling():
    empty = Automaton(1, 0, [True], [0, 0], [], [])
    assert empty.accepts(())
    assert not empty.accepts((1,))
    assert (empty.num_states, empty.num_edges) == (1, 0)


def test_the_arrays_are_copies_that_cannot_change():
    labels = np.array(GOOD["labels"], np.int32)
    automaton = make(labels=labels)
    labels[:] = 0
    assert automaton.labels.tolist() == [1, 1, 2]
    for array in (automaton.labels, automaton.shortest(), automaton.accepting):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert [
        a.dtype for a in (automaton.accepting, automaton.offsets, automaton.labels, automaton.targets)
    ] == [
        np.bool_,
        np.int64,
        np.int32,
        np.int32,
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": 0}, "classes is 0"),
        ({"start": 3}, "start is 3"),
        ({"start": -1}, "start is -1"),
        ({"accepting": []}, "0 states"),
        ({"accepting": [[True]]}, "2 dimensions"),
        ({"offsets": [0, 1, 3]}, "one element more"),
        ({"offsets": [1, 1, 3, 3]}, "from 0 to E"),
        ({"offsets": [0, 1, 2, 2]}, "from 0 to E"),
        ({"offsets": [0, 3, 1, 3]}, "must not decrease"),
        ({"targets": [1, 1]}, "targets has 2"),
        ({"labels": [1, 1, 3]}, r"\[0, 3\)"),
        ({"labels": [1, 1, -1]}, "labels must lie in"),
        ({"labels": [1, 1, 2**40]}, "labels must lie in"),
        ({"targets": [1, 1, 3]}, "targets must lie in"),
        ({"targets": [1, -1, 2]}, "targets must lie in"),
        ({"labels": [1, 2, 1]}, "must ascend"),
        ({"labels": [1, 1, 1]}, "must ascend"),
        ({"targets": [1, 1, 1]}, "cannot be reached from the start"),
        ({"accepting": [False, True, False]}, "no accepting state"),
        ({"accepting": [False] * 3}, "no accepting state"),
    ],
)
def test_arrays_that_are_no_automaton(changes, message):
    with pytest.raises(ValueError, match=message):
        make(**changes)


@pytest.mark.parametrize(
    "changes",
    [{"labels": [1.0, 1.0, 2.0]}, {"accepting": ["a", "b", "c"]}, {"start": 0.0}, {"classes": True}],
)
def test_arguments_of_another_type(changes):
    with pytest.raises(TypeError):
        make(**changes)
