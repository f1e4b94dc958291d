"""The numbers of images and epochs that a budget leads to, for given times of a step and of drawing."""

import re

import pytest

from ctcbench.config.budget import Budget, read_duration
from ctcbench.contract.errors import UsageError
from ctcbench.training.run_length import MeasuredRates, RunLength, choose_length
from tests.tiny_config import tiny

CAPTCHA = 150 * 40  # bytes of an image


def choose(text, step_ms, *, size=None, draw_ms=0.1, fixed=None, batch=32, image_bytes=CAPTCHA, **settings):
    rates = MeasuredRates(step_ms / 1000, batch, draw_ms / 1000, "cpu in float32, 2 threads")
    budget = Budget(text, read_duration(text), fixed)
    return choose_length(budget, tiny(**settings), rates, size=size, image_bytes=image_bytes)


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        # An endless data set: new images, once.
        ({"text": "60s", "step_ms": 48}, (40_000, 1)),
        ({"text": "60s", "step_ms": 91.4}, (21_000, 1)),
        ({"text": "60s", "step_ms": 93.4}, (21_000, 1)),  # a little noise leads to the same number
        ({"text": "60s", "step_ms": 280}, (6_900, 1)),
        ({"text": "1m", "step_ms": 280}, (6_900, 1)),
        ({"text": "1s", "step_ms": 100}, (320, 1)),
        # Drawing may not take longer than training: 60 s for 30,000 images.
        ({"text": "60s", "step_ms": 48, "draw_ms": 2}, (20_000, 2)),
        ({"text": "60s", "step_ms": 48, "draw_ms": 60}, (1_000, 40)),
        # 2 GiB are 357,913 captchas.
        ({"text": "10m", "step_ms": 48}, (200_000, 2)),
        ({"text": "1h", "step_ms": 48}, (340_000, 7)),
        ({"text": "60s", "step_ms": 48, "image_bytes": 2**31}, (32, 1250)),
        # A data set with a number of images: all of them.
        ({"text": "60s", "step_ms": 48, "size": 10_007}, (10_007, 4)),
        ({"text": "60s", "step_ms": 48, "size": 44_000}, (44_000, 1)),
        ({"text": "60s", "step_ms": 48, "size": 28_000}, (28_000, 1)),
        ({"text": "60s", "step_ms": 48, "size": 26_000}, (26_000, 2)),
        ({"text": "60s", "step_ms": 48, "size": 90}, (90, 440)),
        # Less than one epoch fits: fewer images.
        ({"text": "60s", "step_ms": 48, "size": 90_000}, (40_000, 1)),
        ({"text": "60s", "step_ms": 48, "size": 47_000}, (40_000, 1)),
        # The user gave one of the numbers.
        ({"text": "60s", "step_ms": 48, "fixed": "train_samples", "train_samples": 9_876}, (9_876, 4)),
        ({"text": "60s", "step_ms": 48, "fixed": "train_samples", "train_samples": 43_000}, (43_000, 1)),
        (
            {"text": "60s", "step_ms": 48, "fixed": "train_samples", "train_samples": 9_000, "size": 100},
            (9_000, 400),
        ),
        ({"text": "60s", "step_ms": 48, "fixed": "epochs", "epochs": 3}, (13_000, 3)),
        ({"text": "60s", "step_ms": 48, "draw_ms": 60, "fixed": "epochs", "epochs": 1}, (40_000, 1)),
        ({"text": "60s", "step_ms": 48, "size": 500, "fixed": "epochs", "epochs": 3}, (500, 3)),
    ],
)  # fmt: skip
def test_the_numbers_follow_from_the_rates(arguments, numbers):
    assert choose(**arguments) == RunLength(*numbers)


@pytest.mark.parametrize("step_ms", [1.3, 7.7, 48, 280, 1999])
@pytest.mark.parametrize("text", ["20s", "60s", "5m", "2h"])
@pytest.mark.parametrize("draw_ms", [0.05, 1, 30])
def test_training_takes_the_budget_to_within_a_twentieth(text, step_ms, draw_ms):
    found = choose(text, step_ms, draw_ms=draw_ms)
    rates = MeasuredRates(step_ms / 1000, 32, draw_ms / 1000, "cpu")
    assert rates.training_seconds(found, None) == pytest.approx(read_duration(text), rel=0.05)


def test_images_that_the_data_set_lacks_take_no_time():
    rates = MeasuredRates(0.048, 32, 0.0001, "cpu")
    length = RunLength(9_000, 400)
    assert rates.training_seconds(length, 100) == pytest.approx(60)
    assert rates.training_seconds(length, None) == pytest.approx(5_400)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            {"text": "1s", "step_ms": 170},
            "--budget 1s: 10 steps of 32 images take 1.7 s here (cpu in float32, 2 threads); give 1.7s or "
            "more, or a smaller --batch-size",
        ),
        ({"text": "60s", "step_ms": 30_000}, "10 steps of 32 images take 300 s here"),
        ({"text": "60s", "step_ms": 30_001}, "give 301s or more"),
        (
            {"text": "60s", "step_ms": 48, "fixed": "train_samples", "train_samples": 100_000},
            "--budget 60s: one epoch of 100000 images takes 150 s here (cpu in float32, 2 threads); "
            "drop --train-samples, give 40000 of them, or --budget 150s",
        ),
        (
            {"text": "60s", "step_ms": 48, "fixed": "epochs", "epochs": 2000},
            "--budget 60s: 2000 epochs leave 20 images for each, less than a batch of 32 (cpu in float32, 2 "
            "threads); drop --epochs, or give 1250 or fewer",
        ),
    ],
)
def test_a_budget_that_is_too_short_says_what_would_fit(arguments, says):
    with pytest.raises(UsageError, match=re.escape(says)) as error:
        choose(**arguments)
    assert "\n" not in str(error.value)
