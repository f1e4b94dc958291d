"""Guides: what is refused, the arrays of automata in C++, products, pickling."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ctcbench.decoding import Automaton, Hotwords, LanguageModel, _core, beam_search, train_kneser_ney
from ctcbench.decoding.guides import SupportsGuide
from ctcbench.decoding.reference_guided import PlainAutomaton
from tests.decoding.guided_cases import random_automaton, weighted

VALUES_TK = np.log(np.full((3, 4), 0.25))
ARRAYS = {
    "classes": 4,
    "start": 0,
    "accepting": np.array([False, True]),
    "offsets": np.array([0, 2, 2]),
    "labels": np.array([1, 3], dtype=np.int32),
    "targets": np.array([1, 0], dtype=np.int32),
}


@pytest.mark.parametrize("guide", ["abc", 3, [None], object(), Automaton, Hotwords])
def test_what_is_no_guide_is_a_type_error(guide):
    with pytest.raises(TypeError, match="guide"):
        beam_search(VALUES_TK, guide=guide)


@pytest.mark.parametrize("form", [None, 3, Automaton(4, 0, [True], [0, 0], [], [])])
def test_as_guide_must_return_the_form_in_the_extension(form):
    class Other:
        def as_guide(self):
            return form

    with pytest.raises(TypeError, match=r"as_guide\(\) of .*Other returned .*; it must be a .*_core\.Guide"):
        beam_search(VALUES_TK, guide=Other())


def test_a_guide_for_other_classes_is_an_error_that_names_both():
    with pytest.raises(ValueError, match="guide is for 5 classes, but log_probs has 4"):
        beam_search(VALUES_TK, guide=Automaton(5, 0, [True], [0, 0], [], []))


def test_an_automaton_with_the_blank_as_a_label_is_an_error():
    automaton = Automaton(4, 0, [True], [0, 1], [2], [0])
    assert beam_search(VALUES_TK, guide=automaton)
    with pytest.raises(ValueError, match="guide has labellings with class 2, which is the blank"):
        beam_search(VALUES_TK, blank=2, guide=[automaton])


def test_the_blank_must_have_no_character_in_a_guide():
    characters = ["a", "b", "c", None]
    model = train_kneser_ney([list("abc")], 2).model
    for guide in (Hotwords(["ab"], characters), LanguageModel(model, characters)):
        assert beam_search(VALUES_TK, blank=3, guide=guide)
        with pytest.raises(ValueError, match=r"class 0, which is the blank.*must be the index of None"):
            beam_search(VALUES_TK, guide=guide)


WITHOUT_OBJECT = """
from ctcbench.decoding import _core
for call in (
    _core.Guide,
    lambda: _core.Guide.__new__(_core.Guide),
    lambda: object.__new__(_core.Guide),
    lambda: type("Derived", (_core.Guide,), {}),
):
    try:
        call()
    except TypeError:
        continue
    raise AssertionError(call)
"""


def test_a_guide_without_its_object_in_the_extension_is_refused():
    # In a process of its own, which a null pointer would end.
    subprocess.run(
        [sys.executable, "-c", WITHOUT_OBJECT], check=True, cwd=Path(__file__).parents[2], timeout=60
    )


def int32(*values):
    return np.array(values, dtype=np.int32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": 0}, "at least one class"),
        ({"start": 2}, "start"),
        ({"start": -1}, "start"),
        ({"accepting": np.array([], dtype=bool), "offsets": np.array([0])}, "states"),
        ({"offsets": np.array([0, 2])}, "offsets"),
        ({"offsets": np.array([0, 2, 9])}, "offsets"),
        ({"offsets": np.array([0, 9, 2])}, "must not decrease"),
        ({"offsets": np.array([0, -5, 2])}, "must not decrease"),
        ({"labels": int32(1, 4)}, "must be classes"),
        ({"labels": int32(-1, 2)}, "ascend"),
        ({"labels": int32(3, 3)}, "ascend"),
        ({"targets": int32(1, 2)}, "must be states"),
        ({"targets": int32(1, -1)}, "must be states"),
        ({"targets": int32(1)}, "one length"),
        ({"log_weights": np.zeros(1)}, "for each edge"),
        ({"log_weights": np.array([0.0, np.nan])}, "must lie in"),
        ({"log_weights": np.array([0.0, np.inf])}, "must lie in"),
        ({"final_log_weights": np.zeros(3)}, "for each state"),
        ({"final_log_weights": np.array([-np.inf, 0.0])}, "must lie in"),
        ({"labels": int32(1, 3)[None]}, "one dimension"),
    ],
)
def test_arrays_that_are_no_automaton_are_refused_in_cpp(change, message):
    _core.automaton_guide(**ARRAYS)
    with pytest.raises(ValueError, match=message):
        _core.automaton_guide(**ARRAYS | change)


def test_states_outside_of_a_guide_are_index_errors():
    guide = _core.automaton_guide(**ARRAYS)
    for call in (guide.row, guide.shortest, guide.final_log_weight, lambda s: guide.shortest_after(1, s)):
        for state in (-1, 2):
            with pytest.raises(IndexError):
                call(state)


def test_frames_to_the_end_agree_with_the_plain_automaton():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        automaton = random_automaton(rng, 4, 0)
        compiled, plain = automaton.as_guide(), PlainAutomaton(automaton)
        for state in range(automaton.num_states):
            assert compiled.shortest(state) == plain.frames_needed(state, None)
            for label in automaton.used_labels:
                assert compiled.shortest_after(label, state) == plain.frames_needed(state, label)


def test_a_state_that_never_ends_has_no_bound():
    guide = _core.automaton_guide(**ARRAYS | {"accepting": np.array([False, False])})
    assert guide.shortest(0) == guide.shortest_after(3, 0) == 2**31 - 1
    assert beam_search(VALUES_TK, guide=guide) == []


def test_a_product_permits_what_all_parts_permit_and_adds_their_weights():
    rng = np.random.default_rng(3)
    first, _ = weighted(rng, random_automaton(rng, 4, 0))
    second, _ = weighted(rng, random_automaton(rng, 4, 0))
    product = _core.product_guide([first, second])
    assert product.states == first.states * second.states
    for a in range(first.states):
        for b in range(second.states):
            state = a + b * first.states
            next_K, weights_K = product.row(state)
            for k in range(4):
                targets = first.row(a)[0][k], second.row(b)[0][k]
                if -1 in targets:
                    assert (next_K[k], weights_K[k]) == (-1, 0)
                else:
                    assert next_K[k] == targets[0] + targets[1] * first.states
                    assert weights_K[k] == first.row(a)[1][k] + second.row(b)[1][k]
            expected = first.final_log_weight(a) + second.final_log_weight(b)
            assert product.final_log_weight(state) == expected
            assert product.shortest(state) == max(first.shortest(a), second.shortest(b))


def test_products_that_cannot_be_are_refused():
    guide = _core.automaton_guide(**ARRAYS)
    with pytest.raises(ValueError, match="at least one"):
        _core.product_guide([])
    with pytest.raises(TypeError):
        _core.product_guide([guide, None])
    with pytest.raises(ValueError, match="same number of classes"):
        _core.product_guide([guide, Automaton(5, 0, [True], [0, 0], [], []).as_guide()])
    with pytest.raises(ValueError, match=r"2\*\*62 states"):
        beam_search(VALUES_TK, guide=[guide] * 63)
    assert _core.product_guide([guide] * 62).states == 2**62


def test_an_automaton_can_be_pickled_after_its_use():
    automaton = Automaton(**ARRAYS)
    assert isinstance(automaton, SupportsGuide)
    before = beam_search(VALUES_TK, guide=automaton)
    assert beam_search(VALUES_TK, guide=pickle.loads(pickle.dumps(automaton))) == before
