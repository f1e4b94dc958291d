"""Every code path of this machine is bit-identical to the others and agrees with the reference."""

import os
import subprocess
import sys

import numpy as np
import pytest

from ctcbench.decoding import Hypothesis, _core, beam, beam_search
from ctcbench.decoding.reference import beam_search_reference
from tests.decoding.decoding_cases import assert_same, log_probs_of, random_case

LANES = [path for path in _core.paths() if path != "exact"]


def decode(values_TK, path, **options):
    options = {"beam_width": 25, "blank": 0, "n_best": 25, "threads": 1} | options
    lengths_N = np.array([len(values_TK)])
    return _core.beam_search(values_TK[None], lengths_N, path=path, hypothesis=Hypothesis, **options)[0]


def test_paths_of_this_machine():
    assert _core.paths()[-2:] == ["portable", "exact"]
    with pytest.raises(ValueError, match="path must be"):
        decode(np.zeros((1, 2)), "mmx")


def test_all_paths_are_bit_identical():
    for seed in range(3000):
        case = random_case(seed)
        options = {"beam_width": case.beam_width, "n_best": case.beam_width, "blank": case.blank}
        first, *others = [decode(case.log_probs_TK, path, **options) for path in LANES]
        assert all(other == first for other in others), f"{seed=} {case}"
        assert_same(first, decode(case.log_probs_TK, "exact", **options), f"{seed=} {case}")


@pytest.mark.parametrize("kind", ["peaky", "noisy", "flat", "nearly flat", "ties", "repeats", "unnormalised"])
@pytest.mark.parametrize(
    ("num_frames", "num_classes", "width"), [(18, 63, 25), (90, 100, 70), (30, 9, 200), (20, 9, 3000)]
)
def test_all_paths_are_bit_identical_on_larger_inputs(kind, num_frames, num_classes, width):
    values_TK = log_probs_of(kind, np.random.default_rng(width), num_frames, num_classes).astype(np.float32)
    first, *others = [decode(values_TK, path, beam_width=width, n_best=width) for path in LANES]
    assert all(other == first for other in others)
    assert_same(first, decode(values_TK, "exact", beam_width=width, n_best=width))


@pytest.fixture(scope="module")
def by_reference():
    """Return random cases, their options, and what the reference finds, in Python and so slowly."""
    found = []
    for seed in range(9000, 9300):
        case = random_case(seed)
        options = {"beam_width": case.beam_width, "n_best": case.beam_width, "blank": case.blank}
        found.append((case, options, beam_search_reference(case.log_probs_TK, **options)))
    return found


@pytest.mark.parametrize("path", _core.paths())
def test_each_path_against_the_reference(by_reference, path):
    for case, options, expected in by_reference:
        assert_same(decode(case.log_probs_TK, path, **options), expected, str(case))


def far_apart(drop):
    """Return frames in which a character falls by `drop` a frame before it becomes probable again."""
    values_TK = np.full((40, 3), -np.inf)
    values_TK[0] = np.log([0.2, 0.5, 0.3])
    values_TK[1:30, 0] = -1e-3
    values_TK[1:30, 1:] = -drop
    values_TK[30:, 1] = -0.5
    values_TK[30:, 2] = -0.6
    return values_TK


@pytest.mark.parametrize("drop", [5.0, 20.0, 26.0, 40.0, 600.0, 800.0])
@pytest.mark.parametrize("width", [1, 2, 3, 25])
def test_totals_below_the_range_of_a_double_are_not_lost(drop, width):
    values_TK = far_apart(drop)
    expected = beam_search_reference(values_TK, beam_width=width, n_best=width)
    for path in _core.paths():
        assert_same(decode(values_TK, path, beam_width=width, n_best=width), expected, path)


def test_the_environment_variable_selects_a_path():
    code = (
        "import ctcbench.decoding.beam as beam, numpy as np;"
        "print(beam.PATH, beam.beam_search(np.log(np.full((3, 4), 0.25)))[0])"
    )
    printed = []
    for path in _core.paths():
        environment = os.environ | {"CTCBENCH_DECODER_PATH": path}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(path + " ")
        printed.append(done.stdout.removeprefix(path))
    assert len(set(printed[:-1])) == 1


def test_an_unknown_path_in_the_environment_is_an_error():
    environment = os.environ | {"CTCBENCH_DECODER_PATH": "neon"}
    code = "from ctcbench.decoding import beam_search; beam_search([[0.0, -1.0]])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "CTCBENCH_DECODER_PATH is 'neon'; it must be automatic" in done.stderr


def test_the_default_is_the_first_path(monkeypatch):
    monkeypatch.setattr(beam, "PATH", "automatic")  # whatever CTCBENCH_DECODER_PATH is
    values_TK = log_probs_of("noisy", np.random.default_rng(0), 18, 63)
    assert beam_search(values_TK, n_best=25) == decode(values_TK, _core.paths()[0])
