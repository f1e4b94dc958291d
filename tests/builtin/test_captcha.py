"""The captcha data set: a pure function of options, split and index; legible; errors of its options."""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import subprocess
import sys
import threading

import captcha.image
import numpy as np
import pytest

from ctcbench.builtin import captcha_painter
from ctcbench.builtin.captcha import captcha as dataset
from ctcbench.builtin.seeded_secrets import Chance
from ctcbench.contract.errors import CtcbenchError, UsageError

PRINT_DIGEST = """
import hashlib
from ctcbench.builtin.captcha import captcha
samples = [captcha(length="4-8").draw("train", i) for i in (7, 3, 11)]
print(hashlib.sha256(b"".join(s.image.tobytes() + s.text.encode() for s in samples)).hexdigest())
"""


def same(a, b) -> bool:
    return a.text == b.text and (a.image == b.image).all()


def test_defaults():
    source = dataset()
    assert (source.image.height, source.image.width, source.image.channels) == (40, 150, 1)
    assert source.alphabet.characters == "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert source.font_sizes == (28, 33, 37)
    assert source.size("train") is None
    sample = source.draw("train", 0)
    assert sample.image.shape == (40, 150)
    assert sample.image.dtype == np.uint8
    assert len(sample.text) == 5
    assert sample.width is None


def test_colour_is_that_of_which_the_grey_levels_are_the_brightness():
    from PIL import Image

    grey, colour = dataset(), dataset(channels=3)
    assert colour.image.channels == 3
    assert grey.fingerprint("train") != colour.fingerprint("train")
    for index in range(3):
        ours, theirs = grey.draw("train", index), colour.draw("train", index)
        assert theirs.text == ours.text
        assert theirs.image.shape == (3, 40, 150)
        assert (theirs.image[0] != theirs.image[2]).any()
        picture = Image.fromarray(theirs.image.transpose(1, 2, 0))
        assert (np.array(picture.convert("L")) == ours.image).all()


def test_a_sample_depends_only_on_options_split_and_index():
    source = dataset(length="4-8")
    forward = [source.draw("train", i) for i in range(12)]
    random.seed(0)
    backward = [dataset(length="4-8").draw("train", i) for i in reversed(range(12))][::-1]
    assert all(map(same, forward, backward))
    digest = hashlib.sha256()
    for i in (7, 3, 11):
        digest.update(forward[i].image.tobytes() + forward[i].text.encode())
    other = subprocess.run([sys.executable, "-c", PRINT_DIGEST], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == digest.hexdigest()


def test_threads_draw_the_same_samples():
    source, drawn = dataset(), {}

    def draw(first):
        for i in range(first, 40, 4):
            drawn[i] = source.draw("val", i)

    threads = [threading.Thread(target=draw, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(same(drawn[i], source.draw("val", i)) for i in range(40))


def test_splits_and_seeds_share_no_sample():
    texts = [
        {dataset(seed=seed).draw(split, i).text for i in range(60)}
        for split in ("train", "val", "test")
        for seed in (0, 1)
    ]
    assert len(set.union(*texts)) == 6 * 60


def test_other_users_of_captcha_keep_the_module_secrets():
    dataset().draw("train", 0)
    assert captcha.image.secrets is secrets
    assert captcha_painter._private_copy() is not captcha.image


def test_texts_are_uniform_over_alphabet_and_lengths():
    source = dataset(length="2-4", alphabet="digits", noise="none", height=16, width=40)
    texts = [source.draw("train", i).text for i in range(1500)]
    lengths = np.bincount([len(text) for text in texts])[2:]
    digits = np.bincount([int(c) for text in texts for c in text], minlength=10)
    for counts in (lengths, digits):
        expected = counts.sum() / len(counts)
        assert (np.abs(counts - expected) < 5 * np.sqrt(expected)).all()


def test_randbelow_is_uniform():
    chance = Chance(3)
    counts = np.bincount([chance.randbelow(6) for _ in range(6000)], minlength=6)
    assert counts.min() > 850
    assert chance.randbelow(1) == 0
    assert 0 <= chance.randbits(32) < 2**32
    with pytest.raises(ValueError, match="positive"):
        chance.randbelow(0)


def cut(source) -> float:
    """The share of the top and bottom rows' pixels that are ink: the part of the glyphs that is cut off."""
    images = np.array([source.draw("train", i).image for i in range(60)]).astype(int)
    ink = images.max(axis=(1, 2), keepdims=True) - images > 40
    return float(ink[:, [0, -1]].mean())


def test_default_sizes_are_legible_where_stock_sizes_are_cut():
    assert cut(dataset(noise="none")) < 0.06
    assert cut(dataset(noise="none", font_sizes="42,50,56")) > 0.2
    of_60_rows = dataset(noise="none", height=60)
    assert of_60_rows.font_sizes == (42, 50, 56)
    assert cut(of_60_rows) < 0.06


def test_each_kind_of_noise_changes_the_image():
    images = {n: dataset(noise=n).draw("train", 4).image for n in ("both", "dots", "curve", "none")}
    changed = {n: int((image != images["none"]).sum()) for n, image in images.items()}
    assert changed["none"] == 0
    assert changed["dots"] > 200
    assert changed["curve"] > 30
    assert changed["both"] > changed["dots"]
    assert len({dataset(noise=n).draw("train", 4).text for n in images}) == 1


def test_the_width_follows_the_length_of_the_text():
    source = dataset(length="1-5", variable=True)
    assert source.image.variable
    samples = [source.draw("train", index) for index in range(40)]
    assert {sample.image.shape for sample in samples} == {(40, 30 * length) for length in range(1, 6)}
    assert all(sample.image.shape[1] == 30 * len(sample.text) for sample in samples)
    # An image of the longest text is the one of a set whose images all have its width.
    longest = next(index for index in range(40) if len(samples[index].text) == 5)
    assert same(samples[longest], dataset(length="1-5").draw("train", longest))


def test_the_fingerprint_changes_with_every_option_and_not_with_the_name_of_a_font(tmp_path):
    variants = [
        {}, {"seed": 1}, {"width": 151}, {"height": 41}, {"length": "4"}, {"alphabet": "digits"},
        {"noise": "dots"}, {"font_sizes": "20"}, {"variable": True},
    ]  # fmt: skip
    prints = {dataset(**options).fingerprint("train") for options in variants}
    prints.add(dataset().fingerprint("test"))
    assert len(prints) == len(variants) + 1
    assert dataset().fingerprint("train") in prints
    font = tmp_path / "renamed.ttf"
    with open(captcha.image.DEFAULT_FONTS[0], "rb") as stock:  # noqa: PTH123
        font.write_bytes(stock.read())
    assert dataset(fonts=str(font)).fingerprint("train") == dataset().fingerprint("train")
    assert same(dataset(fonts=str(font)).draw("train", 1), dataset().draw("train", 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": "0"}, "length=0: a text has at least one character"),
        ({"length": "8-4"}, "length=8-4: the range is backwards; did you mean 4-8?"),
        ({"length": "five"}, "length=five: allowed is a number or a range"),
        ({"length": "30"}, "width=150 is too small: length=30 needs 120 or more"),
        ({"width": 16}, "width=16 is too small: length=5 needs 20 or more"),
        ({"width": 3}, "width=3.*16 to 4096"),
        ({"height": "tall"}, "height=tall"),
        ({"font_sizes": "0"}, "font_sizes"),
        ({"noise": "some"}, "noise=some"),
        ({"seed": -1}, "seed=-1"),
        ({"fonts": "/nowhere/a.ttf"}, "fonts=/nowhere/a.ttf: no such file"),
        ({"fonts": "/dev/zero"}, "fonts=/dev/zero: is a device, not a plain file"),
        ({"fonts": "a" * 300}, "aaa: can't be read .File name too long"),
        ({"fonts": __file__}, "not a font"),
        ({"fonts": "LARGE"}, "not a font .more than 256 MiB"),
        ({"alphabet": ""}, "alphabet is empty"),
        ({"alphabet": "abca"}, "'a' more than once"),
        ({"alphabet": "ab c"}, "leaves no mark"),
        ({"alphabet": "n\u0302"}, r"combining mark U\+0302"),
        ({"alphabet": "ab漢字"}, "DroidSansMono.ttf has no glyph for '漢字'"),
        ({"alphabet": "digts"}, "no set 'digts'; did you mean 'digits'"),
    ],
)
def test_invalid_options(options, message, tmp_path):
    if options.get("length") == "30":
        options = {**options, "width": 100}
        message = "width=100 is too small: length=30 needs 120"
    if options.get("fonts") == "LARGE":
        (tmp_path / "large.ttf").touch()
        os.truncate(tmp_path / "large.ttf", 2**40)
        options = {"fonts": str(tmp_path / "large.ttf")}
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        dataset(**options)


def test_a_version_of_captcha_with_another_generator_is_an_error(monkeypatch):
    painter = captcha_painter.Painter(150, 40, (), (28,), "both")
    module = captcha_painter._private_copy()
    monkeypatch.setattr(module, "random_color", lambda *_: tuple(secrets.randbelow(200) for _ in range(3)))
    with pytest.raises(CtcbenchError, match=r"captcha .* does not draw from `secrets` alone"):
        painter.paint("a", Chance(1))
    monkeypatch.setattr(module, "random_color", lambda *_: module.secrets.token_bytes(3))
    with pytest.raises(CtcbenchError, match=r"draws with secrets.token_bytes.*pip install"):
        painter.paint("a", Chance(1))
