import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from ctcbench.decoding import Hypothesis, beam_search
from ctcbench.decoding.arrays import as_array
from tests.decoding.decoding_cases import log_probs_of


@pytest.fixture
def log_probs_NTK():
    rng = np.random.default_rng(0)
    return np.stack([log_probs_of("noisy", rng, 20, 9) for _ in range(30)])


def test_shape_of_the_answer(log_probs_NTK):
    results = beam_search(log_probs_NTK, n_best=3)
    assert len(results) == 30
    assert all(len(result) == 3 and isinstance(result[0], Hypothesis) for result in results)
    assert beam_search(log_probs_NTK[4], n_best=3) == results[4]
    assert all(isinstance(label, int) for label in results[0][0].labels)


def test_n_best_are_the_first_of_more(log_probs_NTK):
    many = beam_search(log_probs_NTK, n_best=25)
    assert beam_search(log_probs_NTK) == [result[:1] for result in many]
    assert beam_search(log_probs_NTK, n_best=7) == [result[:7] for result in many]


def test_fewer_than_n_best_where_fewer_are_possible():
    log_probs_TK = np.array([[-np.inf, 0.0, -np.inf], [0.0, -np.inf, -np.inf]])
    assert beam_search(log_probs_TK, n_best=20) == [Hypothesis((1,), 0.0, (0,))]


def test_frames_rise_and_carry_their_label(log_probs_NTK):
    for values_TK, result in zip(log_probs_NTK, beam_search(log_probs_NTK, n_best=25), strict=True):
        for hypothesis in result:
            assert all(a < b for a, b in zip(hypothesis.frames, hypothesis.frames[1:], strict=False))
            assert len(hypothesis.frames) == len(hypothesis.labels)
            assert all(0 <= frame < len(values_TK) for frame in hypothesis.frames)


def test_lengths_leave_the_rest_unseen(log_probs_NTK):
    lengths = np.arange(30) % 21
    expected = [beam_search(x[:length]) for x, length in zip(log_probs_NTK, lengths, strict=True)]
    padded = log_probs_NTK.copy()
    padded[np.arange(20) >= lengths[:, None]] = np.nan
    for form in (lengths, lengths.tolist(), lengths.astype(np.uint8), lengths.astype(">i4")):
        assert beam_search(padded, form) == expected
    assert beam_search(padded[5], 5) == beam_search(padded[5], [5]) == expected[5]


def test_same_bits_for_any_threads_and_order(log_probs_NTK):
    alone = beam_search(log_probs_NTK, n_best=5, threads=1)
    for threads in (2, 3, 100, None):
        assert beam_search(log_probs_NTK, n_best=5, threads=threads) == alone
    assert beam_search(log_probs_NTK[::-1], n_best=5)[::-1] == alone


def test_nothing_to_decode():
    assert beam_search(np.zeros((0, 5, 3))) == []
    assert beam_search(np.zeros((0, 0, 3)), []) == []
    assert beam_search(np.zeros((2, 0, 3)), n_best=2) == [[Hypothesis((), 0.0, ())]] * 2
    assert beam_search(np.zeros((0, 3))) == [Hypothesis((), 0.0, ())]
    assert beam_search(np.zeros((2, 4, 3)), [0, 0]) == [[Hypothesis((), 0.0, ())]] * 2
    assert beam_search(np.zeros((4, 1))) == [Hypothesis((), 0.0, ())]  # the blank is the only class


def unaligned(x):
    raw = np.zeros(x.nbytes + 1, dtype=np.uint8)
    view = raw[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    assert not view.flags.aligned
    return view


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "fortran": np.asfortranarray,
    "time first": lambda x: np.ascontiguousarray(x.transpose(1, 0, 2)).transpose(1, 0, 2),
    "classes first": lambda x: np.ascontiguousarray(x.transpose(2, 0, 1)).transpose(1, 2, 0),
    "every other": lambda x: np.repeat(x, 2, axis=2)[:, :, ::2],
    "backwards": lambda x: np.ascontiguousarray(x[::-1, ::-1, ::-1])[::-1, ::-1, ::-1],
    "read-only": read_only,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "unaligned": unaligned,
    "nested lists": lambda x: x.tolist(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layouts(log_probs_NTK, layout, dtype):
    values = log_probs_NTK.astype(dtype)
    assert beam_search(LAYOUTS[layout](values), n_best=3) == beam_search(values, n_best=3)


@pytest.mark.parametrize("layout", ["fortran", "time first", "every other", "backwards", "read-only"])
def test_no_copy_where_the_layout_allows(log_probs_NTK, layout):
    values = LAYOUTS[layout](log_probs_NTK)
    assert np.shares_memory(as_array(values), values)


def test_half_precision(log_probs_NTK):
    half = log_probs_NTK.astype(np.float16)
    assert beam_search(half) == beam_search(half.astype(np.float32))


def test_torch_tensors(log_probs_NTK):
    torch = pytest.importorskip("torch")
    for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
        tensor = torch.tensor(log_probs_NTK).to(dtype)
        lengths = torch.arange(30) % 21
        assert beam_search(tensor, lengths) == beam_search(tensor.double().numpy(), lengths.numpy())
    tensor = torch.tensor(log_probs_NTK)
    assert np.shares_memory(as_array(tensor), tensor.numpy())
    assert beam_search(tensor.permute(2, 0, 1).contiguous().permute(1, 2, 0)) == beam_search(log_probs_NTK)


def test_dlpack_alone_will_do(log_probs_NTK):
    class Foreign:
        def __dlpack__(self, **options):
            return log_probs_NTK.__dlpack__(**options)

        def __dlpack_device__(self):
            return log_probs_NTK.__dlpack_device__()

    assert beam_search(Foreign()) == beam_search(log_probs_NTK)


def test_normalize_takes_logits():
    rng = np.random.default_rng(1)
    logits = 3 * rng.normal(size=(4, 10, 6))
    log_probs = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    got, expected = beam_search(logits, normalize=True), beam_search(log_probs)
    assert [r[0].labels for r in got] == [r[0].labels for r in expected]
    assert [r[0].log_prob for r in got] == pytest.approx([r[0].log_prob for r in expected])


def test_long_and_improbable_does_not_underflow():
    log_probs_TK = np.full((3000, 3), -1000.0)
    best = beam_search(log_probs_TK, beam_width=4)[0]
    assert -3_000_000 <= best.log_prob < -2_990_000


def test_other_python_threads_run_meanwhile():
    log_probs_TK = log_probs_of("flat", np.random.default_rng(2), 600, 40)
    took = []

    def decode():
        begin = time.perf_counter()
        beam_search(log_probs_TK, beam_width=300, threads=1)
        took.append(time.perf_counter() - begin)

    worker = threading.Thread(target=decode)
    worker.start()
    longest_wait, last = 0.0, time.perf_counter()
    while worker.is_alive():
        now = time.perf_counter()
        longest_wait, last = max(longest_wait, now - last), now
    worker.join()
    assert longest_wait < 0.5 * took[0], "the GIL was held while decoding"


def test_from_many_python_threads_at_once(log_probs_NTK):
    expected = beam_search(log_probs_NTK, n_best=3)
    answers = []
    workers = [
        threading.Thread(target=lambda: answers.append(beam_search(log_probs_NTK, n_best=3, threads=2)))
        for _ in range(6)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert answers == [expected] * 6


def test_torch_is_not_imported():
    code = "import sys, ctcbench.decoding; assert not {'torch', 'pydantic'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True)
