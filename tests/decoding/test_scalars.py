"""Values of a wrong type or far out of range: errors name the argument, the value and what is allowed."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from ctcbench.decoding import beam_search, beam_search_arrays, greedy_search
from ctcbench.decoding.reference import beam_search_reference
from ctcbench.decoding.scalars import check_integer, check_non_negative, shown

LOG_PROBS_NTK = np.log(np.full((2, 4, 3), 1 / 3))
DECODERS = [beam_search, beam_search_arrays, beam_search_reference, greedy_search]
HUGE = 10**5000  # Python refuses to print it


class Hostile:
    """An object whose conversions and repr raise errors that are neither TypeError nor ValueError."""

    def __float__(self):
        raise OverflowError("too large")

    def __index__(self):
        raise RuntimeError("no values")

    def __repr__(self):
        raise RuntimeError("no repr")


WRONG_TYPES = [
    "25", b"25", None, [25], (), {}, 1j, object(), True, np.True_, np.str_("25"), np.bytes_(b"2"),
    np.complex64(1), np.timedelta64(1, "s"), np.datetime64("2020"), np.array([2]), np.array([1, 2]),
    np.array(True), np.zeros(1, "i4,f4")[0], np.ma.masked, "x" * 100_000, range(3),
]  # fmt: skip
NO_INTEGERS = [25.0, -0.0, np.nan, np.float64(2), np.float32("inf"), Decimal(25), Fraction(25), Hostile()]
HUGE_INTEGERS = [10**30, 2**31, np.uint64(2**63), 10**400, HUGE, -HUGE, -(10**30)]


def decoders_with(argument):
    lacking = {"threads": [beam_search_reference], "merge_repeats": DECODERS[:3]}
    return [
        decode
        for decode in DECODERS
        if decode not in lacking.get(argument, []) and (decode != greedy_search or argument not in BEAM_ONLY)
    ]


BEAM_ONLY = ("beam_width", "n_best", "threads")
INTEGERS = [(name, decode) for name in ("blank", *BEAM_ONLY) for decode in decoders_with(name)]


def error_of(decode, argument, value):
    """Return the type of the error of a call with this value, whose message must be short and name it."""
    with pytest.raises((TypeError, ValueError)) as caught:
        decode(LOG_PROBS_NTK, **{argument: value})
    message = str(caught.value)
    assert message.startswith(f"{argument} is ") and "; it must be " in message, message
    assert len(message) < 250 and "\n" not in message
    return caught.type


@pytest.mark.parametrize(("argument", "decode"), INTEGERS)
def test_whole_numbers(argument, decode):
    for value in [*WRONG_TYPES, *NO_INTEGERS]:
        if not (argument == "threads" and value is None):
            assert error_of(decode, argument, value) is TypeError, shown(value)
    for value in HUGE_INTEGERS:
        assert error_of(decode, argument, value) is ValueError, shown(value)


@pytest.mark.parametrize("decode", DECODERS)
def test_blank_penalty(decode):
    for value in WRONG_TYPES:
        assert error_of(decode, "blank_penalty", value) is TypeError, shown(value)
    out_of_range = [
        10**400, HUGE, -HUGE, -1e-300, np.nan, -np.inf, np.float32("nan"), np.longdouble("1e4000"),
        Fraction(10**400), Decimal("1e400"), Decimal("nan"), Decimal("sNaN"), Hostile(), np.int8(-1),
    ]  # fmt: skip
    for value in out_of_range:
        assert error_of(decode, "blank_penalty", value) is ValueError, shown(value)


@pytest.mark.parametrize("argument", ["normalize", "merge_repeats", "frames"])
def test_flags(argument):
    for decode in decoders_with(argument):
        for value in [*WRONG_TYPES, *NO_INTEGERS, *HUGE_INTEGERS, 0, 1]:
            if not isinstance(value, bool | np.bool_):
                assert error_of(decode, argument, value) is TypeError, shown(value)
        assert decode(LOG_PROBS_NTK, **{argument: np.True_}) is not None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "penalty", [2, 2.0, np.int8(2), np.float16(2), np.array(2), Fraction(2), Decimal(2), -0.0, 1e300, 10**300]
)
def test_every_type_of_real_number_is_a_penalty(penalty):
    found = greedy_search(LOG_PROBS_NTK, blank_penalty=penalty)
    assert found == greedy_search(LOG_PROBS_NTK, blank_penalty=float(penalty))


@pytest.mark.parametrize("width", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_every_type_of_integer_is_a_beam_width(width):
    assert beam_search(LOG_PROBS_NTK, beam_width=width) == beam_search(LOG_PROBS_NTK, beam_width=3)
    assert beam_search(LOG_PROBS_NTK, blank=np.uint8(2), threads=width, n_best=width)


def test_the_largest_beam_width_takes_the_memory_of_the_labellings_that_exist():
    widest = 2**31 - 1
    found = beam_search(LOG_PROBS_NTK, beam_width=widest, n_best=widest)
    assert found == beam_search(LOG_PROBS_NTK, beam_width=1000, n_best=1000)


def test_scalars_of_torch():
    torch = pytest.importorskip("torch")
    assert check_integer("beam_width", torch.tensor(3), low=1) == 3
    assert check_non_negative("blank_penalty", torch.tensor(0.5)) == 0.5
    for wrong in (torch.tensor(True), torch.tensor(1j), torch.tensor([1, 2]), torch.tensor(1, device="meta")):
        with pytest.raises(TypeError, match="beam_width is tensor"):
            check_integer("beam_width", wrong, low=1)
        with pytest.raises(TypeError, match="blank_penalty is tensor"):
            check_non_negative("blank_penalty", wrong)


def test_lengths_beyond_64_bits_and_lengths_that_are_no_numbers():
    for value, shows in [
        (10**30, "1" + 30 * "0"),
        (HUGE, "a whole number of 16610 bits"),
        (-HUGE, "a whole"),
    ]:
        for decode in DECODERS:
            with pytest.raises(ValueError, match=rf"lengths\[1\] is {shows}.*at least 0 and at most 4$"):
                decode(LOG_PROBS_NTK, [4, value])
            with pytest.raises(ValueError, match=rf"lengths\[0\] is {shows}"):
                decode(LOG_PROBS_NTK[0], value)
    with pytest.raises(TypeError, match=r"lengths\[1\] is None, of type NoneType; it must be a whole number"):
        beam_search(LOG_PROBS_NTK, [4, None])
    for value in ({1: 2}, iter([4, 4]), object(), Hostile()):
        with pytest.raises(TypeError, match=r"lengths, of type .*, has dtype object; it must hold whole"):
            beam_search(LOG_PROBS_NTK, value)


def test_an_array_whose_conversion_fails_with_any_error():
    class Array:
        def __array__(self, *arguments, **options):
            raise OverflowError("too large")

    for arguments in ((Array(),), (LOG_PROBS_NTK, Array())):
        with pytest.raises(TypeError, match="cannot be read as an array in CPU memory: too large"):
            beam_search(*arguments)
