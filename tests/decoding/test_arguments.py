"""Errors for arguments that the decoders do not accept."""

import numpy as np
import pytest

from ctcbench.decoding import _core, beam, beam_search, greedy_search
from ctcbench.decoding.reference import beam_search_reference

GOOD = np.log(np.full((2, 4, 3), 1 / 3))


def with_value(value, where=(1, 2, 0)):
    values = GOOD.copy()
    values[where] = value
    return values


BAD_LOG_PROBS = [
    (with_value(np.nan), ValueError, "sequence 1, frame 2, class 0 is nan"),
    (with_value(np.inf), ValueError, "sequence 1, frame 2, class 0 is inf"),
    (with_value(-np.inf, (0, 3)), ValueError, "sequence 0, frame 3 holds nothing above"),
    (with_value(-1e30, (0, 3)), ValueError, "sequence 0, frame 3 holds nothing above"),
    (
        with_value(0.3),
        ValueError,
        "class 0 is 0.3.*look like logits or probabilities; apply log_softmax.*normalize=True",
    ),
    (np.exp(GOOD), ValueError, "look like logits or probabilities"),
    (GOOD[0, 0], ValueError, r"shape \(3,\); it must be \(N, T, K\)"),
    (GOOD[None], ValueError, r"shape \(1, 2, 4, 3\)"),
    (np.float64(-1.0), ValueError, r"shape \(\)"),
    (np.zeros((2, 4, 0)), ValueError, "no classes"),
    (np.zeros((0, 0)), ValueError, "no classes"),
    (np.zeros((2, 4, 3), dtype=int), TypeError, "dtype int64; it must be float32 or float64"),
    (np.zeros((2, 4, 3), dtype=bool), TypeError, "dtype bool"),
    (np.zeros((2, 4, 3), dtype=complex), TypeError, "dtype complex128"),
    (np.zeros((2, 4, 3), dtype=object), TypeError, "dtype object"),
    ([[0.0, -1.0], [0.0]], TypeError, "cannot be read as an array.*different lengths are padded to one"),
    ("captcha", TypeError, "dtype <U7"),
    (None, TypeError, "log_probs, of type NoneType, has dtype object.*: convert it"),
    (np.ma.masked_array(GOOD, mask=GOOD < -9), TypeError, "masked array"),
]

BAD_OPTIONS = [
    ({"lengths": [4, 5]}, ValueError, r"lengths\[1\] is 5; it must lie in \[0, 4\]"),
    ({"lengths": [-1, 4]}, ValueError, r"lengths\[0\] is -1"),
    ({"lengths": [4]}, ValueError, r"lengths has shape \(1,\); it must be \(2,\)"),
    ({"lengths": [2, 2, 2, 2]}, ValueError, r"must be \(2,\), one.*: transpose \(T, N, K\) first"),
    ({"lengths": 4}, ValueError, r"lengths has shape \(\)"),
    ({"lengths": [[4, 4]]}, ValueError, r"lengths has shape \(1, 2\)"),
    ({"lengths": [4.0, 4.0]}, TypeError, "lengths has dtype float64"),
    ({"lengths": [True, True]}, TypeError, "lengths has dtype bool"),
    ({"lengths": "ab"}, TypeError, "lengths, of type str, has dtype"),
    ({"lengths": np.array([2**63, 1], dtype=np.uint64)}, ValueError, r"lengths\[0\] is 9223372036854775808"),
    ({"blank": 3}, ValueError, "blank is 3; it must be a whole number of at least 0 and at most 2"),
    ({"blank": -1}, ValueError, "blank is -1"),
    ({"blank": 0.0}, TypeError, "blank is 0.0, of type float"),
    ({"normalize": "yes"}, TypeError, "normalize is 'yes'"),
]

BAD_BEAM_OPTIONS = [
    ({"beam_width": 0}, ValueError, "beam_width is 0; it must be a whole number of at least 1"),
    ({"beam_width": -5}, ValueError, "beam_width is -5"),
    ({"beam_width": 2.5}, TypeError, "beam_width is 2.5"),
    ({"beam_width": True}, TypeError, "beam_width is True"),
    ({"beam_width": 10**20}, ValueError, "below 2\\*\\*31"),
    ({"n_best": 0}, ValueError, "n_best is 0"),
    ({"n_best": 26}, ValueError, "n_best is 26, more than beam_width, which is 25"),
    ({"n_best": "3"}, TypeError, "n_best is '3'"),
]


@pytest.mark.parametrize("decode", [beam_search, beam_search_reference, greedy_search])
@pytest.mark.parametrize(("log_probs", "error", "message"), BAD_LOG_PROBS)
def test_bad_log_probs(decode, log_probs, error, message):
    with pytest.raises(error, match=message) as caught:
        decode(log_probs)
    assert "log_probs" in str(caught.value)


@pytest.mark.parametrize("path", _core.paths())
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [3, 8, 9, 63])  # below, at, just above and far above one register
@pytest.mark.parametrize("order", "CF")
def test_a_bad_value_is_found_at_any_position(monkeypatch, path, dtype, classes, order):
    monkeypatch.setattr(beam, "PATH", path)
    for label in {0, 3 % classes, classes // 2, classes - 1}:
        for value, shown in [(np.nan, "nan"), (np.inf, "inf"), (0.01, "0.01")]:
            values_TK = np.full((3, classes), np.log(1 / classes), dtype=dtype, order=order)
            beam_search(values_TK)
            values_TK[1, label] = value
            with pytest.raises(ValueError, match=f"sequence 0, frame 1, class {label} is {shown}"):
                beam_search(values_TK)


def test_logits_may_be_below_the_lowest_log_prob():
    logits_TK = [[-6e9, -5e9]]
    assert beam_search(logits_TK, normalize=True)[0].labels == (1,)
    assert beam_search_reference(logits_TK, normalize=True)[0].labels == (1,)
    assert greedy_search(logits_TK, normalize=True).labels == (1,)
    for decode in (beam_search, beam_search_reference, greedy_search):
        with pytest.raises(ValueError, match="frame 0 holds nothing above -inf"):
            decode([[-np.inf, -np.inf]], normalize=True)


@pytest.mark.parametrize("decode", [beam_search, beam_search_reference, greedy_search])
@pytest.mark.parametrize(("options", "error", "message"), BAD_OPTIONS)
def test_bad_options(decode, options, error, message):
    with pytest.raises(error, match=message):
        decode(GOOD, **options)


@pytest.mark.parametrize("decode", [beam_search, beam_search_reference])
@pytest.mark.parametrize(("options", "error", "message"), BAD_BEAM_OPTIONS)
def test_bad_beam_options(decode, options, error, message):
    with pytest.raises(error, match=message):
        decode(GOOD, **options)


@pytest.mark.parametrize(("threads", "error"), [(0, ValueError), (-1, ValueError), (1.0, TypeError)])
def test_bad_threads(threads, error):
    with pytest.raises(error, match=f"threads is {threads}"):
        beam_search(GOOD, threads=threads)


def test_logits_may_be_positive_but_not_nan():
    assert beam_search(with_value(50.0, (1, slice(None), 2)), normalize=True)[1][0].labels == (2,)
    for value in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"class 0 is (nan|inf; logits are finite, or -inf)"):
            beam_search(with_value(value), normalize=True)


def test_rounding_above_zero_is_tolerated():
    assert beam_search(np.array([[1e-7, -20.0]], dtype=np.float32))[0].labels == ()


def test_tensors_that_cannot_be_read():
    torch = pytest.importorskip("torch")
    with pytest.raises(ValueError, match=r"log_probs requires grad.*detach\(\)"):
        beam_search(torch.zeros(2, 3, requires_grad=True))
    with pytest.raises(TypeError, match=r"log_probs is on device 'meta'; it must be in CPU memory"):
        beam_search(torch.zeros(2, 3, device="meta"))
    with pytest.raises(TypeError, match=r"lengths is on device 'meta'"):
        beam_search(torch.zeros(1, 2, 3), torch.tensor([2], device="meta"))
    with pytest.raises(TypeError, match="dtype int64"):
        beam_search(torch.zeros(2, 3, dtype=torch.int64))
    with pytest.raises(TypeError, match="cannot be read as an array"):
        beam_search(torch.zeros(2, 3).to_sparse())


@pytest.mark.parametrize(
    ("device", "words"),
    [((2, 1), "CUDA, number 1"), ((8, 0), "Metal, number 0"), ((99, 0), "of DLPack type 99")],
)
def test_arrays_on_a_device_that_support_only_dlpack(device, words):
    class OnDevice:
        def __dlpack_device__(self):
            return device

        def __dlpack__(self, **options):
            raise AssertionError("the data must not be requested")

    with pytest.raises(
        TypeError, match=rf"log_probs is on a device \({words}.*CPU memory: copy it there first"
    ):
        beam_search(OnDevice())


def test_tensors_on_a_device_are_recognised_without_a_device():
    class Tensor:  # as torch's look from outside
        requires_grad = False
        device = type("device", (), {"type": "cuda", "__str__": lambda self: "cuda:0"})()

    with pytest.raises(TypeError, match=r"log_probs is on device 'cuda:0'.*pass log_probs.cpu\(\)"):
        beam_search(Tensor())


@pytest.mark.gpu
def test_cuda_tensors():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    with pytest.raises(TypeError, match=r"log_probs is on device 'cuda:0'.*cpu\(\)"):
        beam_search(torch.zeros(2, 3, device="cuda"))


def core(log_probs=GOOD, lengths=(4, 4), **options):
    options = {"beam_width": 5, "blank": 0, "n_best": 1, "threads": 1} | options
    return _core.search_alone(log_probs, np.array(lengths, dtype=np.int64), **options)


def test_the_extension_checks_its_arguments():
    core()
    for bad in (
        {"beam_width": 0}, {"n_best": 6}, {"n_best": 0}, {"threads": 0}, {"blank": 3}, {"blank": -1},
        {"lengths": (4, 5)}, {"lengths": (-1, 4)}, {"lengths": (4,)}, {"log_probs": GOOD[0]},
        {"log_probs": with_value(np.nan)}, {"log_probs": with_value(np.inf)},
        {"log_probs": with_value(-np.inf, (0, 3))},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"must|log_probs"):
            core(**bad)
    for dtype in (">f8", np.float16, np.int64):
        with pytest.raises(TypeError, match="native"):
            core(GOOD.astype(dtype))
    with pytest.raises(TypeError):
        core(GOOD.tolist())
