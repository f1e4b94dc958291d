"""Log-probabilities on disk: round trip, and every kind of damage."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load, save

from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import CtcbenchError
from ctcbench.contract.specs import Alphabet
from ctcbench.evaluation.log_probs import FORMAT, format_log_probs, parse_log_probs


def log_softmax(logits):
    logits = np.asarray(logits, dtype=np.float64)
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def made(n=4, frames=6, characters="abc", seed=0):
    logits = np.random.default_rng(seed).normal(size=(n, frames, len(characters) + 1))
    return LogProbs(
        values_NTK=log_softmax(logits).astype(np.float32),
        lengths_N=np.arange(n, dtype=np.int64) % (frames + 1),
        texts=tuple(characters[i % len(characters)] * (i % 3) for i in range(n)),
        alphabet=Alphabet(characters),
        fingerprint="f00d",
    )


def same(a, b):
    return (
        np.array_equal(a.values_NTK, b.values_NTK)
        and np.array_equal(a.lengths_N, b.lengths_N)
        and (a.texts, a.alphabet, a.fingerprint) == (b.texts, b.alphabet, b.fingerprint)
    )


def parsed(path):
    return parse_log_probs(path.read_bytes(), path)


@pytest.mark.parametrize(
    "log_probs",
    [
        made(),
        made(n=0),
        made(n=1, frames=1),
        made(characters='é€漢😀"\\\n'),
        dataclasses.replace(made(n=1), texts=("\ud800",)),  # a file name that is not Unicode
        dataclasses.replace(made(), values_NTK=np.full((4, 6, 4), -np.inf, dtype=np.float32)),
    ],
    ids=["plain", "none", "one", "unicode", "surrogate", "impossible"],
)
def test_saved_log_probs_are_loaded_unchanged(tmp_path, log_probs):
    path = tmp_path / "test.safetensors"
    path.write_bytes(format_log_probs(log_probs))
    again = parsed(path)
    assert same(again, log_probs)
    assert (again.values_NTK.dtype, again.lengths_N.dtype) == (np.float32, np.int64)
    assert [p.name for p in path.parent.iterdir()] == ["test.safetensors"]


def test_every_field_is_stored(tmp_path):
    stored = dataclasses.replace(made(characters="ab"), alphabet=Alphabet(("a", "bc"), "rtl"), left_out=3)
    for part in (stored, stored.alphabet):
        assert all(getattr(part, f.name) is not f.default for f in dataclasses.fields(part))
    loaded = parse_log_probs(format_log_probs(stored), tmp_path)
    for field in dataclasses.fields(LogProbs):
        assert np.array_equal(getattr(loaded, field.name), getattr(stored, field.name)), field.name


def test_arrays_of_another_order_and_type_are_converted(tmp_path):
    log_probs = made()
    turned = dataclasses.replace(
        log_probs,
        values_NTK=np.asfortranarray(log_probs.values_NTK.astype(np.float64)),
        lengths_N=log_probs.lengths_N.astype(np.int32),
    )
    (tmp_path / "a.safetensors").write_bytes(format_log_probs(turned))
    assert same(parsed(tmp_path / "a.safetensors"), log_probs)


def test_a_file_cut_off_anywhere_is_named(tmp_path):
    path = tmp_path / "test.safetensors"
    path.write_bytes(format_log_probs(made()))
    whole = path.read_bytes()
    for size in [*range(24), *range(24, len(whole), 37), len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(CtcbenchError, match=r"test\.safetensors: damaged or cut off"):
            parsed(path)


def test_a_flipped_bit_anywhere_in_the_arrays_is_detected(tmp_path):
    path = tmp_path / "test.safetensors"
    path.write_bytes(format_log_probs(made()))
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    for position in range(start, len(whole), 11):
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(CtcbenchError, match=r"test\.safetensors: damaged"):
            parsed(path)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_error_that_names_the_file(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(CtcbenchError, match=r"x\.safetensors"):
        parsed(path)


def rewritten(path, document=None, metadata=None, **arrays):
    """Write `path` anew with some of its arrays or metadata changed, the checksum left as it is."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        old = file.metadata()
    tensors = {**load(path.read_bytes()), **arrays}
    changed = {**json.loads(old["document"]), **(document or {})}
    kept = {k: v for k, v in tensors.items() if v is not None}
    path.write_bytes(save(kept, metadata={**old, "document": json.dumps(changed), **(metadata or {})}))


@pytest.mark.parametrize(
    "change",
    [
        {"document": {"texts": ["a"]}},
        {"document": {"texts": [1, 2, 3, 4]}},
        {"document": {"texts": None}},
        {"document": {"alphabet": "ab"}},
        {"document": {"alphabet": "aab"}},
        {"document": {"alphabet": ""}},
        {"document": {"alphabet": 3}},
        {"document": {"crc32": 1}},
        {"metadata": {"document": "{"}},
        {"metadata": {"document": "[]"}},
        {"metadata": {"document": "[" * 100_000}},
        {"lengths_N": None},
        {"lengths_N": np.array([0, 1, 2, 7])},
        {"lengths_N": np.array([0, 1, 2, -1])},
        {"lengths_N": np.array([0, 1, 2])},
        {"lengths_N": np.array([0, 1, 2, 3], dtype=np.int32)},
        {"values_NTK": np.zeros((4, 6, 4))},
        {"values_NTK": np.zeros((4, 24), dtype=np.float32)},
        {"values_NTK": np.zeros((4, 0, 4), dtype=np.float32)},
        {"values_NTK": np.full((4, 6, 4), np.nan, dtype=np.float32)},
        {"values_NTK": np.full((4, 6, 4), 0.5, dtype=np.float32)},
        {"values_NTK": np.full((4, 6, 4), np.inf, dtype=np.float32)},
        {"document": {"texts": ["a" * 200_000] * 4}},
    ],
    ids=str,
)
def test_inconsistent_parts_are_an_error(tmp_path, change):
    path = tmp_path / "test.safetensors"
    path.write_bytes(format_log_probs(made()))
    rewritten(path, **change)
    with pytest.raises(CtcbenchError, match=r"test\.safetensors: damaged"):
        parsed(path)


def test_images_without_frames_are_an_error_and_no_images_are_none(tmp_path):
    def stored(images):
        values_NTK, lengths_N = np.zeros((images, 0, 4), np.float32), np.zeros(images, np.int64)
        return format_log_probs(LogProbs(values_NTK, lengths_N, ("",) * images, Alphabet("abc")))

    path = tmp_path / "val.safetensors"
    path.write_bytes(stored(1))
    with pytest.raises(CtcbenchError, match=r"val\.safetensors: damaged \(no frames\)"):
        parsed(path)
    path.write_bytes(stored(0))
    assert len(parsed(path)) == 0


def test_a_file_of_another_kind_is_an_error(tmp_path):
    path = tmp_path / "weights.safetensors"
    for metadata in (None, {"format": "pt"}):
        path.write_bytes(save({"weight": np.zeros(3)}, metadata=metadata))
        with pytest.raises(
            CtcbenchError, match=rf"weights\.safetensors: not a file of log-probabilities .*{FORMAT}"
        ):
            parsed(path)
