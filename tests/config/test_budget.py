"""Durations as users write them, what a budget chooses, and the digest that finds its numbers again."""

import re

import pytest

from ctcbench.config.budget import Budget, make_budget, read_duration
from ctcbench.contract.errors import UsageError
from tests.tiny_config import tiny


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("2m", 120),
        ("1.5h", 5400),
        (" 0.5s ", 0.5),
        ("007s", 7),
        ("+3s", 3),
        ("1000h", 3_600_000),
    ],
)
def test_a_duration_is_a_number_with_a_unit(text, seconds):
    assert read_duration(text) == seconds


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("3", "--budget 3: no unit; write 3s, 3m or 3h"),
        (60, "--budget 60: no unit; write 60s, 60m or 60h"),
        (1.5, "--budget 1.5: no unit; write 1.5s, 1.5m or 1.5h"),
        ("0s", "--budget 0s: must be longer than 0s and at most 1000h"),
        ("-5s", "--budget -5s: must be longer than 0s and at most 1000h"),
        ("1001h", "--budget 1001h: must be longer than 0s and at most 1000h"),
        ("0", "--budget 0: expected a number with s, m or h, such as 90s, 2m or 1.5h"),
        ("-5", "--budget -5: expected a number with s, m or h"),
        ("nan", "--budget nan: expected a number with s, m or h"),
        ("nans", "--budget nans: expected a number with s, m or h"),
        ("infh", "--budget infh: expected a number with s, m or h"),
        (float("nan"), "--budget nan: expected a number with s, m or h"),
        (float("inf"), "--budget inf: expected a number with s, m or h"),
        (True, "--budget true: expected a number with s, m or h"),
        (["60s"], "expected a number with s, m or h"),
        ("", "expected a number with s, m or h"),
        ("60 sec", "expected a number with s, m or h"),
        ("1h30m", "expected a number with s, m or h"),
        ("1d", "expected a number with s, m or h"),
        ("٣s", "expected a number with s, m or h"),
        ("9" * 400 + "s", "expected a number with s, m or h"),
    ],
)
def test_anything_else_is_an_error_in_one_line_with_the_way_to_write_it(given, says):
    with pytest.raises(UsageError, match=re.escape(says)) as error:
        read_duration(given)
    assert "\n" not in str(error.value)


def test_a_number_that_was_given_is_not_chosen():
    assert make_budget("60s", []).chosen == ("train_samples", "epochs")
    assert make_budget("60s", ["epochs", "lr"]).chosen == ("train_samples",)
    assert make_budget("60s", ["train_samples"]).chosen == ("epochs",)
    with pytest.raises(UsageError, match=r"--train-samples and --epochs: .* drop --budget, or one"):
        make_budget("60s", ["epochs", "train_samples"])


def test_max_steps_contradicts_a_budget():
    with pytest.raises(UsageError, match=r"--budget 60s and --max-steps 5: .* give one of them"):
        make_budget("60s", []).require_fitting(tiny(max_steps=5))
    make_budget("60s", []).require_fitting(tiny())


def test_the_digest_is_that_of_all_that_decides_the_weights_but_the_chosen_numbers(registry):
    budget = Budget("60s", 60.0)
    digest = budget.digest(registry, tiny())
    for same in (
        (budget, tiny(train_samples=7, epochs=9)),
        (Budget("1m", 60.0), tiny(decoder="beam_cpp", test_samples=99)),
    ):
        assert same[0].digest(registry, same[1]) == digest
    others = {
        Budget("61s", 61.0).digest(registry, tiny()),
        budget.digest(registry, tiny(seed=1)),
        budget.digest(registry, tiny(val_samples=11)),
        Budget("60s", 60.0, "epochs").digest(registry, tiny(epochs=1)),
        Budget("60s", 60.0, "epochs").digest(registry, tiny(epochs=2)),
        Budget("60s", 60.0, "train_samples").digest(registry, tiny(train_samples=1)),
        digest,
    }
    assert len(others) == 7
