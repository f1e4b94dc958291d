"""Each peer passes the conformance kit if it is installed; otherwise its error has the install command."""

import importlib.util
import math
import sys

import numpy as np
import pytest
from ctcbench_peers import (
    ctc_beam_decoder,
    ctcbench_compared_decoders,
    ctcbench_components,
    fast_ctc_decode,
    flashlight,
    pyctcdecode,
    torchaudio,
)
from ctcbench_peers.wrap_flashlight import read_path

from ctcbench import Alphabet, Hypothesis, LogProbs, UsageError
from ctcbench.contract.component_string import ComponentString
from ctcbench.decoding import beam_search
from ctcbench.testing import rules_for
from ctcbench.testing.case import Case

ALPHABET = Alphabet("0123456789abcdef")
PEERS = {
    "fast_ctc_decode": (fast_ctc_decode, "fast_ctc_decode"),
    "pyctcdecode": (pyctcdecode, "pyctcdecode"),
    "ctc_beam_decoder": (ctc_beam_decoder, "ctc_beam_decoder"),
    "flashlight": (flashlight, "flashlight"),
    "torchaudio": (torchaudio, "torchaudio"),
}


def missing(component):
    """Return why a peer can't be used, or an empty text. A torchaudio for another torch fails at import."""
    try:
        component(ALPHABET)
    except UsageError as error:
        return str(error)
    return ""


INSTALLED = [
    pytest.param(component, id=name, marks=pytest.mark.skipif(bool(why := missing(component)), reason=why))
    for name, (component, _) in PEERS.items()
]


def noisy(count=40, frames=12, classes=17):
    values_NTK = np.random.default_rng(0).normal(0, 2, (count, frames, classes))
    values_NTK -= np.log(np.exp(values_NTK).sum(-1, keepdims=True))
    return LogProbs(values_NTK.astype(np.float32), np.full(count, frames), ("",) * count, ALPHABET)


@pytest.mark.parametrize("peer", INSTALLED)
@pytest.mark.parametrize("rule", rules_for("decoder"), ids=lambda rule: rule.__name__)
def test_conformance(rule, peer):
    rule(Case(peer))


@pytest.mark.parametrize("peer", INSTALLED)
def test_special_characters_are_ordinary_classes(peer):
    alphabet = Alphabet(" _|▁⁇a<>")
    labels = (1, 6, 1, 2, 3, 4, 5)
    values_NTK = np.full((1, 15, 9), -20.0, np.float32)
    path = [0] * 15
    path[1:14:2] = labels
    values_NTK[0, range(15), path] = 0.0
    [found] = peer(alphabet)(LogProbs(values_NTK, np.array([15]), ("",), alphabet))
    assert found.labels == labels


def test_fast_ctc_decode_is_exact_without_a_score():
    pytest.importorskip("fast_ctc_decode")
    read = noisy()
    exact = [best.labels for [best] in beam_search(read.values_NTK)]
    found = fast_ctc_decode(ALPHABET)(read)
    assert (
        sum(a == h.labels for a, h in zip(exact, found, strict=True)) >= 39
    )  # float32 may change a near tie
    assert all(math.isnan(h.log_prob) for h in found)


@pytest.mark.parametrize("peer", INSTALLED[1:])
def test_peers_that_split_a_labelling_differ_and_never_score_higher(peer):
    read = noisy()
    exact = [best for [best] in beam_search(read.values_NTK, beam_width=2000)]
    found = peer(ALPHABET)(read)
    assert any(a.labels != h.labels for a, h in zip(exact, found, strict=True))
    assert all(h.log_prob <= a.log_prob + 1e-4 for a, h in zip(exact, found, strict=True))


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_that_is_not_installed_names_the_command(name, monkeypatch):
    component, module = PEERS[name]
    for known in [known for known in sys.modules if known.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, known)
    monkeypatch.setitem(sys.modules, module, None)  # makes the import fail
    with pytest.raises(UsageError, match=rf"decoder {name}: .* can't be imported .*pip install"):
        component(ALPHABET)


def test_an_alignment_is_collapsed_to_its_runs():
    assert read_path([0, 2, 2, 0, 2, 1, 1, 0], -1.0) == Hypothesis((2, 2, 1), -1.0, (1, 4, 5))
    assert read_path([], 0.0) == Hypothesis((), 0.0, ())


def test_all_are_listed():
    assert [component.name for component in ctcbench_components()] == list(PEERS)


def test_pyctcdecode_and_ctc_beam_decoder_find_the_same_with_and_without_pruning():
    pytest.importorskip("pyctcdecode")
    pytest.importorskip("ctc_beam_decoder")
    for options in ({}, {"threshold": 0.05, "margin": 3.0}):
        ours, theirs = (peer(ALPHABET, **options)(noisy()) for peer in (pyctcdecode, ctc_beam_decoder))
        assert [h.labels for h in ours] == [h.labels for h in theirs]
        assert [h.log_prob for h in ours] == pytest.approx([h.log_prob for h in theirs], abs=1e-4)


@pytest.mark.parametrize("peer", INSTALLED[1:3])
def test_a_margin_drops_entries(peer):
    free, pruned = (peer(ALPHABET, margin=margin)(noisy()) for margin in (0.0, 0.01))
    assert any(a.log_prob > b.log_prob + 1e-6 for a, b in zip(free, pruned, strict=True))


@pytest.mark.parametrize("peer", INSTALLED[4:])
def test_torchaudio_finds_what_flashlight_finds(peer):
    ours, theirs = peer(ALPHABET)(noisy()), flashlight(ALPHABET)(noisy())
    assert [(h.labels, h.frames) for h in ours] == [(h.labels, h.frames) for h in theirs]
    largest = peer(ALPHABET, log_add=False)(noisy())
    assert sum(h.log_prob for h in largest) < sum(h.log_prob for h in ours)


@pytest.mark.parametrize(("component", "module"), PEERS.values())
def test_a_peer_whose_package_is_missing_is_not_suggested(component, module, monkeypatch):
    monkeypatch.setattr("ctcbench.contract.components.find_spec", lambda package: package != module or None)
    assert module in component.requires and not component.is_installed


@pytest.mark.parametrize("text", ctcbench_compared_decoders())
def test_what_is_compared_by_default_are_valid_options(text):
    given = ComponentString.parse(text)
    component, _ = PEERS[given.name]
    assert component.read(given.options) != component.read({})


@pytest.mark.skipif(importlib.util.find_spec("fast_ctc_decode") is None, reason="it is not installed")
def test_a_threshold_that_the_package_rejects_is_rejected_at_build():
    with pytest.raises(UsageError, match=r"threshold=0.06: with 17 classes it must be less than 0.0588"):
        fast_ctc_decode(ALPHABET, threshold=0.06)
    fast_ctc_decode(ALPHABET, threshold=0.05)(noisy())
