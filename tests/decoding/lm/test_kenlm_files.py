"""Binary files of KenLM. What needs the package kenlm is skipped without it (pip install '.[kenlm]')."""

import itertools
import math
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from ctcbench import UsageError
from ctcbench.decoding import LanguageModel, beam_search, read_arpa, read_ngram_model
from ctcbench.decoding.lm import kenlm_ngrams
from ctcbench.decoding.lm.kenlm_file import read_kenlm_counts, read_kenlm_vocabulary
from ctcbench.decoding.lm.ngram_reference import ngram_tables, word_log_prob

FILES = Path(__file__).parent / "kenlm_files"
BINARIES = ["characters.probing", "characters.trie", "words.probing", "words.trie"]
PRUNED = ["pruned.probing", "pruned.trie"]
ORDER_AT, TABLE_AT, TYPE_AT, COUNTS_AT = 88, 92, 96, 108  # in the header


@pytest.fixture
def kenlm():
    return pytest.importorskip("kenlm", reason="needs the package kenlm")


def changed(name, at, values):
    content = (FILES / name).read_bytes()
    at %= len(content)
    return content[:at] + values + content[at + len(values) :]


@pytest.mark.parametrize("name", [*BINARIES, *PRUNED, "characters.quantised"])
def test_the_vocabulary_is_read_from_the_end_of_the_file(name):
    with (FILES / name).open("rb") as file:
        counts = read_kenlm_counts(file, name)
        words = read_kenlm_vocabulary(file, counts[0], name)
    model = read_arpa((FILES / name).with_suffix(".arpa"))
    assert words[0] == "<unk>"
    assert sorted(words) == sorted({*model.words, "<unk>"})
    assert counts[-1] == model.sizes[-1]


@pytest.mark.parametrize("name", BINARIES)
def test_a_binary_file_is_the_model_of_its_arpa_file(name, kenlm):
    found, expected = read_ngram_model(FILES / name), read_arpa((FILES / name).with_suffix(".arpa"))
    assert found.sizes == expected.sizes
    for ours, theirs in zip(ngram_tables(found), ngram_tables(expected), strict=True):
        assert ours == pytest.approx(theirs, abs=2e-6)


@pytest.mark.parametrize("name", PRUNED)
def test_n_grams_that_kenlm_adds_change_no_probability(name, kenlm):
    found, expected = read_ngram_model(FILES / name), read_arpa(FILES / "pruned.arpa")
    assert sum(found.sizes) > sum(expected.sizes) + 1  # <unk>
    for context in itertools.product(["<s>", "a", "b", "c"], repeat=3):
        for word in ["a", "b", "c", "</s>"]:
            assert word_log_prob(found, context, word) == pytest.approx(
                word_log_prob(expected, context, word), abs=2e-6
            )


@pytest.mark.parametrize("name", [*BINARIES, *PRUNED, "characters.quantised"])
def test_probabilities_are_those_that_kenlm_computes(name, kenlm):
    model, theirs = read_ngram_model(FILES / name), kenlm.Model(str(FILES / name))
    for text in itertools.product([*model.words[1:4], "<unk>", "</s>"], repeat=4):
        state = kenlm.State()
        theirs.NullContextWrite(state)
        for place, word in enumerate(text):
            after = kenlm.State()
            log_10 = theirs.BaseScore(state, word, after)
            assert word_log_prob(model, text[:place], word) / math.log(10) == pytest.approx(
                log_10, rel=2e-7, abs=2e-6
            )
            state = after


@pytest.mark.parametrize("name", BINARIES)
def test_a_search_with_a_binary_file_finds_the_texts_of_its_arpa_file(name, kenlm):
    characters = [None, "a", "b", "c", " "]
    log_probs_NTK = np.log(np.random.default_rng(0).dirichlet(np.full(5, 0.5), (20, 15)))
    binary, arpa = (
        beam_search(log_probs_NTK, guide=LanguageModel(read_ngram_model(path), characters), n_best=5)
        for path in (FILES / name, (FILES / name).with_suffix(".arpa"))
    )
    for ours, theirs in zip(itertools.chain(*binary), itertools.chain(*arpa), strict=True):
        assert ours.labels == theirs.labels
        assert ours.log_prob == pytest.approx(theirs.log_prob, abs=1e-4)


def test_without_the_package_the_error_has_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(UsageError, match=r"words.trie: .* needs the package kenlm, .*'ctcbench\[kenlm\]'"):
        read_ngram_model(FILES / "words.trie")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            changed("words.trie", 49, b"4"),
            "is a KenLM binary of format version 4; version 5 is read; give the ARPA file",
        ),
        (b"mmap lm http://kheafield.com/code incomplete\n" + bytes(200), "build_binary did not finish"),
        (changed("words.trie", 56, b"\1"), "of a machine with other types or another byte order"),
        (changed("words.trie", ORDER_AT, b"\1"), "the header states order 1; orders from 2 to 10"),
        (changed("words.trie", TABLE_AT, struct.pack("<f", 1e30)), "its header is damaged"),
        (changed("words.trie", TABLE_AT, struct.pack("<f", math.nan)), "its header is damaged"),
        (changed("words.trie", TYPE_AT, b"\7"), "its header is damaged"),
        (changed("words.trie", COUNTS_AT, struct.pack("<Q", 2**63)), "9,223,372,036,854,775,8.. n-grams"),
        (changed("words.trie", COUNTS_AT, b"\1"), "does not end with the words that its header counts"),
        (changed("words.trie", COUNTS_AT, b"\xff"), "does not end with the words that its header counts"),
        ((FILES / "no_vocabulary.trie").read_bytes(), r"has no vocabulary \(build_binary -v leaves it out\)"),
        (changed("words.trie", -2, b"\xff"), "is not UTF-8"),
        *[((FILES / "words.trie").read_bytes()[:size], "not complete") for size in (40, 90, 110, 130, 400)],
    ],
    ids=lambda value: "" if isinstance(value, bytes) else None,
)
def test_a_file_that_is_not_whole_or_of_another_kind_is_refused(content, message, tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=rf"model\.bin: .*{message}"):
        read_ngram_model(path)


def test_a_file_that_lost_a_part_in_the_middle_is_refused(kenlm, tmp_path):
    content = (FILES / "words.trie").read_bytes()
    (tmp_path / "model.bin").write_bytes(content[:200] + content[300:])
    with pytest.raises(UsageError, match=r"model\.bin: KenLM can't read it \([^/]*should be[^/]*\)$"):
        read_ngram_model(tmp_path / "model.bin")


def test_a_file_that_needs_too_many_queries_is_refused(kenlm, monkeypatch):
    monkeypatch.setattr(kenlm_ngrams, "MOST_QUERIES", 20)
    words = read_arpa(FILES / "words.arpa").words
    with pytest.raises(UsageError, match=r"2-grams takes \d+ queries of KenLM; at most 20 .* ARPA file"):
        kenlm_ngrams.KenlmNgrams(kenlm, str(FILES / "words.trie"), words).model()


@pytest.mark.parametrize(
    ("reaction", "message"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", r"KenLM crashed on it \(SIGSEGV\): it is damaged, or not a"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "the process in which KenLM read it was ended by SIGTERM$"),
        ("raise MemoryError", "KenLM needs more memory for it than there is"),
    ],
)
def test_a_crash_of_kenlm_is_an_error_of_the_file(reaction, message, monkeypatch, tmp_path):
    # With a module in place of kenlm, whose reaction to a damaged file depends on its build.
    lines = ["import os, signal", "class LoadMethod: READ = 0", "class Config: pass", "def Model(*_):"]
    (tmp_path / "kenlm.py").write_text("\n".join([*lines, f"    {reaction}"]))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "kenlm", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        with pytest.raises(UsageError, match=rf"words\.trie: .*{message}"):
            read_ngram_model(FILES / "words.trie")
    finally:
        sys.modules.pop("kenlm", None)
    assert not list(tmp_path.glob("kenlm-*"))
