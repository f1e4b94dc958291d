"""Decoding in pieces: the results of decoding at once, bit for bit, and a prefix that never changes."""

import copy
import decimal
import pickle
import threading

import numpy as np
import pytest

from ctcbench.decoding import BeamSearchStream, Hypothesis, _core, beam_search
from ctcbench.decoding.reference import ARITHMETIC, ONE, Probability, advance, keep_best, probabilities
from tests.decoding.decoding_cases import log_probs_of, random_case
from tests.decoding.test_code_paths import far_apart


def in_pieces(values_TK, rng):
    """Divide frames at random into pieces, some of them without a frame."""
    cuts = np.sort(rng.integers(len(values_TK) + 1, size=rng.integers(6)))
    return np.split(values_TK, cuts)


def stream_of(pieces, **options):
    stream = BeamSearchStream(**options)
    for piece_TK in pieces:
        stream.push(piece_TK)
    return stream


def reference_beams(values_TK, beam_width, blank):
    """Return the beam after each frame, best first, by the slow search in Python."""
    with decimal.localcontext(ARITHMETIC):
        beam = {(): Probability(blank=ONE)}
        for values_K in values_TK.astype(np.float64):
            beam = keep_best(advance(beam, probabilities(values_K), blank), beam_width)
            yield list(beam)


def common_prefix(beam):
    same = [len(set(labels)) == 1 for labels in zip(*beam, strict=False)]
    return beam[0][: [*same, False].index(False)]


def check_random_cases(seeds):
    for seed in seeds:
        kind, values_TK, width, blank = random_case(seed)
        rng = np.random.default_rng(seed)
        options = {"beam_width": width, "blank": blank, "n_best": width}
        expected = beam_search(values_TK, **options)
        assert stream_of(in_pieces(values_TK, rng), **options).finish() == expected, f"{seed=} {kind}"


def check_prefixes(seeds):
    for seed in seeds:
        kind, values_TK, width, blank = random_case(seed)
        stream = BeamSearchStream(beam_width=width, blank=blank)
        for frame_K, beam in zip(values_TK, reference_beams(values_TK, width, blank), strict=True):
            stream.push(frame_K[np.newaxis])
            assert stream.stable_prefix() == common_prefix(beam), f"{seed=} {kind}"
            assert stream.best().labels == beam[0], f"{seed=} {kind}"


def test_random_cases_in_random_pieces():
    check_random_cases(range(600))


@pytest.mark.slow
def test_many_random_cases_in_random_pieces():
    check_random_cases(range(100_000, 160_000))


def test_best_and_stable_prefix_after_each_frame_against_the_reference():
    check_prefixes(range(5000, 5100))


@pytest.mark.slow
def test_best_and_stable_prefix_of_many_cases_against_the_reference():
    check_prefixes(range(200_000, 205_000))


@pytest.mark.parametrize("path", _core.paths())
def test_each_code_path_in_pieces(path):
    values_TK = log_probs_of("noisy", np.random.default_rng(1), 60, 40)[None]
    at_once = _core.beam_search(
        values_TK,
        np.array([60]),
        beam_width=20,
        blank=3,
        n_best=5,
        threads=1,
        path=path,
        hypothesis=Hypothesis,
    )
    stream = _core.Stream(beam_width=20, blank=3, n_best=5, path=path)
    for first in range(0, 60, 7):
        piece_TK = values_TK[:, first : first + 7]
        stream.push(piece_TK, np.array([piece_TK.shape[1]]))
    assert stream.finish(Hypothesis) == at_once[0]


@pytest.mark.parametrize("drop", [26.0, 40.0, 800.0])
@pytest.mark.parametrize("size", [1, 3, 40])
def test_the_exact_search_takes_over_within_a_stream(drop, size):
    values_TK = far_apart(drop)
    stream = BeamSearchStream(beam_width=3, n_best=3)
    for first in range(0, 40, size):
        stream.push(values_TK[first : first + size])
        so_far = beam_search(values_TK[: first + size], beam_width=3)[0]
        assert stream.best() == so_far._replace(frames=())
    assert stream.finish() == beam_search(values_TK, beam_width=3, n_best=3)


def test_best_is_that_of_the_frames_so_far():
    values_TK = log_probs_of("noisy", np.random.default_rng(3), 30, 12).astype(np.float32)
    stream = BeamSearchStream()
    assert stream.best() == Hypothesis((), 0.0, ())
    assert stream.stable_prefix() == ()
    for t in range(30):
        stream.push(values_TK[t : t + 1])
        assert stream.best() == beam_search(values_TK[: t + 1], frames=False)[0]


def test_a_stable_prefix_grows_and_begins_every_later_result():
    # Ten characters, each clear in its frame and the earlier ones the clearest, with blanks between.
    values_TK = np.repeat(np.linspace(-40.0, -15.0, 40)[:, np.newaxis], 5, axis=1)
    peaks_T = np.where(np.arange(40) % 4 == 2, 1 + np.arange(40) // 4 % 4, 0)
    values_TK[np.arange(40), peaks_T] = -0.1
    stream = BeamSearchStream(beam_width=4)
    prefixes = []
    for t in range(40):
        stream.push(values_TK[t : t + 1])
        prefixes.append(stream.stable_prefix())
    labels = stream.finish()[0].labels
    assert len(labels) == 10
    assert len(prefixes[-1]) >= 8
    for before, after in zip(prefixes, [*prefixes[1:], labels], strict=True):
        assert after[: len(before)] == before


@pytest.mark.parametrize("options", [{"normalize": True}, {"blank_penalty": 2.0}, {"frames": False}])
@pytest.mark.parametrize("layout", ["C", "F"])
def test_options_and_layouts(options, layout):
    values_TK = np.asarray(log_probs_of("noisy", np.random.default_rng(4), 37, 300), order=layout)
    expected = beam_search(values_TK, n_best=4, **options)
    for size in (1, 5, 37):
        pieces = [values_TK[first : first + size] for first in range(0, 37, size)]
        assert stream_of(pieces, n_best=4, **options).finish() == expected


def test_pieces_of_both_float_types():
    values_TK = log_probs_of("noisy", np.random.default_rng(5), 20, 9).astype(np.float32)
    stream = stream_of([values_TK[:6], values_TK[6:11].astype(np.float64), values_TK[11:]], n_best=3)
    assert stream.finish() == beam_search(values_TK, n_best=3)


def test_without_frames():
    assert BeamSearchStream().finish() == [Hypothesis((), 0.0, ())]
    assert stream_of([np.zeros((0, 4))]).finish() == beam_search(np.zeros((0, 4)))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[-1.0, -1.0], [-1.0, np.nan]], "frame 1, class 1 is nan"),
        ([[-1.0, -1.0], [-np.inf, -np.inf]], "frame 1 holds nothing above"),
        ([[-1.0, 3.0]], "class 1 is 3, but logarithms"),
        ([[-1.0, -1.0, -1.0]], "3 classes; the earlier frames of the stream have 2"),
        ([[-1.0]], "1 classes; the earlier frames of the stream have 2"),
        ([-1.0, -1.0], r"shape \(2,\); a piece must be \(T, K\), a single frame \(1, K\)"),
        ([[[-1.0, -1.0]]], "a piece must be"),
        (np.zeros((2, 0)), "no classes"),
    ],
)
def test_a_bad_piece_leaves_the_stream_as_it_was(bad, message):
    values_TK = log_probs_of("noisy", np.random.default_rng(6), 12, 2)
    stream = stream_of([values_TK[:5]], n_best=5)
    with pytest.raises(ValueError, match=message):
        stream.push(bad)
    assert stream.best() == beam_search(values_TK[:5], frames=False)[0]
    stream.push(values_TK[5:])
    assert stream.finish() == beam_search(values_TK, n_best=5)


def test_a_bad_first_piece_does_not_fix_the_number_of_classes():
    stream = BeamSearchStream()
    with pytest.raises(ValueError, match="is nan"):
        stream.push([[np.nan, 0.0, 0.0]])
    stream.push([[-1.0, -1.0]])
    assert stream.finish() == beam_search([[-1.0, -1.0]])


def test_not_usable_after_finish():
    stream = stream_of([[[-1.0, -2.0]]])
    stream.finish()
    for use in (stream.finish, stream.best, stream.stable_prefix, lambda: stream.push([[-1.0, -2.0]])):
        with pytest.raises(ValueError, match="the stream is finished; create a new one"):
            use()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"beam_width": 0}, ValueError, "beam_width is 0"),
        ({"n_best": 26}, ValueError, "n_best is 26, more than beam_width"),
        ({"blank": -1}, ValueError, "blank is -1"),
        ({"blank_penalty": -1.0}, ValueError, "blank_penalty"),
        ({"frames": 1}, TypeError, "frames"),
        ({"normalize": "yes"}, TypeError, "normalize"),
    ],
)
def test_bad_options(options, error, message):
    with pytest.raises(error, match=message):
        BeamSearchStream(**options)


def test_a_blank_that_is_no_class_of_the_first_piece():
    with pytest.raises(ValueError, match="blank is 3"):
        BeamSearchStream(blank=3).push([[-1.0, -1.0]])


def test_a_piece_may_be_overwritten_after_the_call():
    values_TK = log_probs_of("noisy", np.random.default_rng(7), 12, 8)
    stream = BeamSearchStream()
    buffer_TK = np.empty((3, 8))
    for first in range(0, 12, 3):
        buffer_TK[:] = values_TK[first : first + 3]
        stream.push(buffer_TK)
    assert stream.finish() == beam_search(values_TK)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_stream_cannot_be_duplicated(duplicate):
    with pytest.raises(TypeError, match="a BeamSearchStream can't be copied or pickled"):
        duplicate(BeamSearchStream())


def test_threads_may_share_a_stream():
    values_TK = log_probs_of("noisy", np.random.default_rng(8), 1, 30)
    stream = BeamSearchStream(n_best=3)

    def push_fifty():
        for _ in range(50):
            stream.push(values_TK)
            stream.best()

    threads = [threading.Thread(target=push_fifty) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stream.finish() == beam_search(np.repeat(values_TK, 200, axis=0), n_best=3)
