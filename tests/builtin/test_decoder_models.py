"""The options of beam_cpp for language models and hotwords."""

import itertools
import warnings
from pathlib import Path

import numpy as np
import pytest

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import ComponentNotice, UsageError
from ctcbench.contract.specs import Alphabet
from ctcbench.decoding import read_arpa, train_kneser_ney, write_arpa
from ctcbench.decoding.lm.arpa_reader import parse_arpa
from ctcbench.decoding.reference import all_labellings
from ctcbench.files.attached_files import attached_content, digest_of, only_stored_files
from ctcbench.results.decoder_key import decoder_key
from tests.decoding.lm.plain_fusion import plain_log_weight

KENLM_FILES = Path(__file__).parents[1] / "decoding" / "lm" / "kenlm_files"
ALPHABET = Alphabet("ab ")
TEXTS = ["ab ba", "a", "abba ab", "ba"]


@pytest.fixture
def read():
    probs_NTK = np.random.default_rng(0).dirichlet(np.full(4, 0.7), (3, 5))
    return LogProbs(np.log(probs_NTK).astype(np.float32), np.full(3, 5), ("",) * 3, ALPHABET)


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    characters = [["<space>" if c == " " else c for c in text] for text in TEXTS]
    write_arpa(train_kneser_ney(characters, 3).model, "characters.arpa")
    write_arpa(train_kneser_ney(map(str.split, TEXTS), 2).model, "words.arpa")
    return tmp_path


def decode(registry, text, read):
    build = registry.build("decoder", registry.resolve("decoder", text), read.alphabet)
    return [ALPHABET.decode(found.labels) for found in build(read)]


def best(read, log_weight):
    found = []
    for values_TK in read.values_NTK:
        scores = {
            ALPHABET.decode(n): p + log_weight(ALPHABET.decode(n))
            for n, p in all_labellings(values_TK).items()
        }
        found.append(max(scores, key=scores.__getitem__))
    return found


@pytest.mark.parametrize(("file", "unit"), [("characters", "character"), ("words", "word")])
def test_the_best_text_by_the_formula_is_found(file, unit, registry, read, models):
    model = read_arpa(f"{file}.arpa")
    options = {"length_bonus": 1.5, "unknown_penalty": 2.0}
    expected = best(read, lambda text: plain_log_weight(model, text, unit=unit, weight=0.8, **options))
    text = f"beam_cpp:width=2000,lm={file}.arpa,lm_weight=0.8,length_bonus=1.5,unknown_penalty=2"
    assert decode(registry, text, read) == expected
    assert expected != decode(registry, "beam_cpp:width=2000", read)


def test_only_words_of_the_model(registry, read, models):
    for text in decode(registry, "beam_cpp:width=2000,lm=words.arpa,unknown_words=false", read):
        assert set(text.split()) <= {"ab", "ba", "a", "abba"}


def test_hotwords_alone_and_with_a_constraint(registry, read, models):
    found = decode(registry, "beam_cpp:width=2000,hotwords='bab,ba',hotword_boost=20", read)

    def boosts(text):
        words = text.split(" ")
        return 20 * (words.count("bab") + words.count("ba"))

    assert found == best(read, boosts)
    lengths = map(len, decode(registry, "beam_cpp:width=2000,lm=words.arpa,hotwords=ab,length=2", read))
    assert set(lengths) == {2}


def test_the_key_of_a_result_depends_on_the_content_of_the_file(registry, models):
    text = "beam_cpp:lm=words.arpa"
    before = registry.resolve("decoder", text)
    (models / "copy.arpa").write_bytes((models / "words.arpa").read_bytes())
    (models / "words.arpa").write_bytes((models / "characters.arpa").read_bytes())
    assert decoder_key(registry.resolve("decoder", text)) != decoder_key(before)


def test_the_files_of_a_decoder_have_a_binary_file_of_kenlm_as_its_arpa_file(registry, models):
    pytest.importorskip("kenlm", reason="needs the package kenlm")
    path = KENLM_FILES / "characters.trie"
    text = registry.resolve("decoder", f"beam_cpp:lm={path}")
    content = attached_content(ComponentString.parse(text).options["lm"])
    assert parse_arpa(content, "it").sizes == read_arpa(KENLM_FILES / "characters.arpa").sizes


def test_no_binary_file_of_kenlm_is_read_from_a_run_folder(registry):
    content = (KENLM_FILES / "characters.trie").read_bytes()
    text = f"beam_cpp:lm=characters.trie#{digest_of(content)}"
    with (
        only_stored_files({digest_of(content): content}),
        pytest.raises(UsageError, match="is a binary model of KenLM, not an ARPA file"),
    ):
        registry.build("decoder", text, ALPHABET)


def test_right_to_left_words_are_spelled_in_the_order_of_the_frames(registry, models):
    alphabet = Alphabet("אב12", "rtl")
    write_arpa(train_kneser_ney([["אב12"]], 2).model, "rtl.arpa")
    labels = alphabet.encode("אב12")
    assert labels == (1, 2, 4, 3)
    text = "beam_cpp:width=500,lm=rtl.arpa,unknown_words=false,hotwords=אב12"
    build = registry.build("decoder", text, alphabet)
    for order in itertools.permutations([1, 2, 3, 4]):
        values_NTK = np.full((1, 4, 5), -9, np.float32)
        values_NTK[0, range(4), order] = -0.01
        [found] = build(LogProbs(values_NTK, np.array([4]), ("",), alphabet))
        # No other word is allowed; of the empty text and this one, the hotword decides.
        assert found.labels == labels or order != labels
        assert found.labels in ((), labels)


def test_differences_from_the_alphabet_are_a_notice(registry, models):
    with pytest.warns(ComponentNotice, match=r"lm=words.arpa.*: 3 of the 4 words .* lacks 'b'"):
        registry.build("decoder", "beam_cpp:lm=words.arpa", Alphabet("a "))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registry.build("decoder", "beam_cpp:lm=words.arpa", ALPHABET)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("lm=none.arpa", r"none.arpa.*(No such file|no such file)"),
        ("lm=broken.arpa", r"lm: broken.arpa.*, line 3: 'x' is not|lm: broken.arpa.*line 4: 'x' is not"),
        ("lm=kenlm.bin", r"beam_cpp: kenlm.bin: the file ends in its header; it is not complete$"),
        ("lm=foreign.arpa", "no character in common; the model has 'x' 'y'"),
        ("lm=characters.arpa,unknown_words=false", "unknown_words=False is for models of words"),
        ("lm_weight=1", "need lm=FILE"),
        ("lm=words.arpa,lm_weight=-1", "lm_weight=-1"),
        ("lm=words.arpa,lm_weight=nan", "lm_weight=nan"),
        ("hotwords=axe", "the hotword 'axe' has 'x' 'e', which the alphabet lacks"),
        ("hotwords=a,hotword_boost=51", "hotword_boost=51"),
        ("hotword_boost=3", "hotword_boost needs hotwords="),
    ],
)
def test_bad_input_is_a_usage_error(options, message, registry, models):
    (models / "broken.arpa").write_text("\\data\\\nngram 1=1\n\\1-grams:\nx a\n\\end\\\n")
    (models / "kenlm.bin").write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0")
    write_arpa(train_kneser_ney(["xy"], 2).model, "foreign.arpa")
    with pytest.raises(UsageError, match=message):
        registry.build("decoder", registry.resolve("decoder", f"beam_cpp:{options}"), ALPHABET)
