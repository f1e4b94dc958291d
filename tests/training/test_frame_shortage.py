"""Texts that need more frames than their image has, with and without padding, for both alignments."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ctcbench.config.recipe import Recipe
from ctcbench.training import split
from ctcbench.training.frame_shortage import describe_frames, find_too_long_texts
from ctcbench.training.recognizer.network import build_recognizer
from tests.tiny_config import tiny
from tests.training.step_cases import ALPHABET, IMAGE, ragged_samples, some_samples, some_state


def test_characters_and_adjacent_repeats_are_counted(registry):
    texts = ["12"] * 16 + ["1234567", "1111", "11111", "9" * 99]
    state, _, config = some_state(registry)
    assert state.model.sequence.frames == 7  # enough for 4 characters + 3 repeats
    found = find_too_long_texts(some_samples(texts=texts), state.model)
    assert [(entry.number, entry.name) for entry in found] == [(18, "image 18"), (19, "image 19")]
    assert found[0].reason == "text '11111' needs 9 frames, its image has 7"
    assert found[1].reason.startswith(f"text '{'9' * 59}…' needs 197 frames")
    assert describe_frames(state.model, config)[0].startswith(f"the frames that backbone {config.backbone}")


def test_narrow_images_have_fewer_frames(registry):
    samples = some_samples(texts=["1234"] * 20)
    samples = replace(samples, widths_N=np.array([60] * 18 + [30, 8], np.int32))
    state, _, _ = some_state(registry)
    (found,) = find_too_long_texts(samples, state.model)
    assert (found.number, found.reason) == (19, "text '1234' needs 4 frames, its image has 1")


def test_images_of_variable_width_have_the_frames_that_they_have_alone(registry):
    samples = ragged_samples([60, 31, 16, 8, 3])
    samples = replace(samples, texts=("1234567", "1234", "123", "1", "12"))
    config = tiny(dataset="captcha:width=60,height=24,length=1-3,variable=true,alphabet=digits")
    model = build_recognizer(Recipe(registry, config), replace(IMAGE, variable=True), ALPHABET)
    found = find_too_long_texts(samples, model)
    assert [(entry.number, entry.reason) for entry in found] == [
        (1, "text '1234' needs 4 frames, its image has 3"),
        (2, "text '123' needs 3 frames, its image has 2"),
        (4, "text '12' needs 2 frames, its image has 1"),
    ]


def test_a_head_with_its_own_frames_needs_one_a_character(registry):
    slots = {"head": "slots:count=3,slot_width=8", "loss": "slots", "decoder": "slots", "shortcut": "none"}
    state, _, config = some_state(registry, **slots)
    found = find_too_long_texts(some_samples(texts=["111"] * 19 + ["1234"]), state.model)
    assert [entry.number for entry in found] == [19]
    assert describe_frames(state.model, config)[0] == (
        "the frames of head slots:count=3,slot_width=8 (needed: one per character)"
    )


def test_a_split_of_some_samples_has_their_images_texts_and_widths():
    samples = some_samples()
    samples = replace(samples, widths_N=np.arange(20, 40, dtype=np.int32))
    kept_N = np.array([0, 3, 19])
    part = split.make_split(samples, ALPHABET, torch.device("cpu"), kept_N)
    assert (len(part), part.texts) == (3, tuple(samples.texts[i] for i in kept_N))
    batch = part.batch(np.array([2, 1]))
    assert batch.widths_N.tolist() == [39, 23]
    assert np.array_equal(batch.images_NCHW.numpy(), samples.images_NCHW[[19, 3]])
    assert ALPHABET.decode(batch.targets_NL[0].tolist()) == samples.texts[19]
