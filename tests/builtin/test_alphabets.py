"""Alphabets: sets, ranges, literal characters, files; texts written with the characters of an alphabet."""

from __future__ import annotations

import os
import unicodedata

import pytest
from PIL import Image

from ctcbench.api import load
from ctcbench.builtin.alphabets import SETS, range_hint, read_alphabet, read_alphabet_option
from ctcbench.builtin.captcha import captcha
from ctcbench.builtin.folder import folder
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet
from ctcbench.files.spelling import spell
from ctcbench.pipeline.runner import run
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny

HAMZA, NUKTA, DOT, ACUTE = "\u0654", "\u093c", "\u0323", "\u0301"


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("alnum", SETS["digits"] + SETS["lower"] + SETS["upper"]),
        ("digits+upper", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        ("digits+[abc]", "0123456789abc"),
        ("[lower]", "lower"),
        ("[+]]+digits", "+]0123456789"),
        ("abc", "abc"),
        ("ABC123", "ABC123"),
        ("0123456789+-*/", "0123456789+-*/"),
        ("+-", "+-"),
        ("[]", "[]"),
        ("0-9", "0-9"),
        ("[range(0-9)]", "range(0-9)"),
        ("range(0-9)", SETS["digits"]),
        ("range(0-9a-f)", "0123456789abcdef"),
        ("range(a-c)+upper+[-_]", "abc" + SETS["upper"] + "-_"),
        ("range(-0-2_)", "-012_"),
        ("range(+--)+range()-*)", "+,-)*"),
        ("range(а-г)", "абвг"),
        ("range(e\u0301-e\u0308)", "éêë"),
        ("range(\u0957-\u0960a)", "\u0957\u0960a"),  # NFC replaces those in between, so no label has them
        ("range(\u0377-\u037a)", "\u0377\u037a"),  # the two in between are not assigned
    ],
)
def test_alphabets_are_read(text, characters):
    assert read_alphabet(text).characters == characters


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("uper", "no set 'uper'; did you mean 'upper'"),
        ("digits+abc", r"no set 'abc' .*as characters: \[abc\]"),
        ("digits+a-f", r"no set 'a-f' .*range\(a-f\)"),
        ("alnum+digits", "more than once"),
        ("aa", "more than once"),
        ("0-9a-f", r"'-' more than once; the hyphen .* range\(0-9a-f\) has all characters in between"),
        ("range(9-0)", "9-0 is backwards; write 0-9"),
        ("range(0-9", r"expected range\(0-9\), got 'range\(0-9'"),
        ("range()", "expected range"),
        ("range(0-95)", "'5' more than once"),
        ("range(\u0001-\U0010ffff)", "at most 100,000 are allowed"),
    ],
)
def test_invalid_alphabets(text, message):
    with pytest.raises(UsageError, match=message):
        read_alphabet(text)


@pytest.mark.parametrize("text", ["0-9", "a-z", "[a-z]+digits", "абв-я", "A-F_"])
def test_what_looks_like_a_range_gets_a_hint(text, tmp_path):
    assert "has all characters in between" in range_hint(text)
    (tmp_path / "0.png").touch()
    assert range_hint(text) in folder(path=str(tmp_path), alphabet=text, val=0, test=0).notices


@pytest.mark.parametrize("text", ["range(0-9)", "+-*/", "a-", "-0", "9-0", "1-a", "digits+[-_]", "[z-a]"])
def test_other_hyphens_get_no_hint(text):
    assert range_hint(text) == ""


def test_a_captcha_shows_the_hint_and_composes_what_it_draws():
    assert captcha(alphabet="a-z").notices == (range_hint("a-z"),)
    assert captcha(alphabet="digits").notices == ()
    assert captcha(alphabet="e\u0301a").alphabet.characters == "éa"


MARKED = {
    "persian": ("خانهدستو" + HAMZA, ["خانه" + HAMZA, "دوست", "نو", "مو"[1:] + HAMZA]),
    "igbo": ("nu" + DOT + ACUTE, ["n" + DOT + ACUTE, "n" + ACUTE + DOT, "u", "u" + DOT]),
    "kana": ("あか\u3099", ["あ\u3099", "か\u3099", "か"]),
    "devanagari": ("कर" + NUKTA, ["क" + NUKTA + "र", "र" + NUKTA, "\u0958"]),
    "clusters": ("कखक" + NUKTA + "रर" + NUKTA, ["क" + NUKTA + "ख", "\u0931"]),
    "decomposed": ("abe" + ACUTE + "e", ["bé", "be" + ACUTE, "e"]),
    "composed with a mark": ("n\u0301" + DOT, ["n" + DOT + ACUTE]),
    "one composed, two marks": ("ń" + DOT, ["ń" + DOT]),
    "jamo": ("\u1112\u1161\u11ab", ["한", "하"]),
    "singletons": ("\u212b\u2126", ["\u212b", "Å", "Ω"]),
    "tones": ("ü\u0304", ["ǖ", "ü"]),
}


@pytest.mark.parametrize("kind", MARKED)
def test_marks_of_a_typed_alphabet_stay_characters_of_their_own(kind):
    typed, labels = MARKED[kind]
    alphabet = read_alphabet(typed)
    for label in labels:
        spelled = spell(label, alphabet)
        assert not alphabet.missing(spelled), (label, alphabet.characters)
        assert unicodedata.normalize("NFC", spelled) == unicodedata.normalize("NFC", label)
        assert alphabet.decode(alphabet.encode(spelled)) == spelled
    # A character that NFC replaces is never in a label.
    assert all(unicodedata.is_normalized("NFC", c) for c in alphabet.characters)
    assert set(unicodedata.normalize("NFD", typed)) >= set(unicodedata.normalize("NFD", alphabet.characters))


LABELS = {
    "persian": ["خانه" + HAMZA, "دوست", "نو", "سو"],
    "moemen": ["خانه" + HAMZA, "مؤمن", "نو"],
    "igbo": ["n" + DOT + ACUTE, "u"],
    "kana": ["あ\u3099", "か"],
    "devanagari": ["क" + NUKTA + "र", "र"],
    "vowels": ["a", "o", "e\u0304", "i" + ACUTE],
}


@pytest.mark.parametrize("kind", LABELS)
def test_auto_has_each_code_point_of_the_labels(tmp_path, kind):
    composed = [unicodedata.normalize("NFC", label) for label in LABELS[kind]]
    for form in ("NFC", "NFD"):
        lines = [f"{i}.png\t{unicodedata.normalize(form, text)}\n" for i, text in enumerate(composed)]
        (tmp_path / "labels.txt").write_text("".join(lines), encoding="utf-8")
        for i in range(len(composed)):
            Image.new("L", (9, 9)).save(tmp_path / f"{i}.png")
        source = folder(path=str(tmp_path), val=0, test=0)
        assert source.alphabet.characters == "".join(sorted(set("".join(composed))))
        drawn = [source.draw("train", index).text for index in range(len(composed))]
        assert sorted(drawn) == sorted(composed)


def test_a_run_keeps_marks_apart_in_all_that_it_stores(tmp_path, registry):
    texts = LABELS["persian"] + LABELS["igbo"] + ["ńu"]
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    lines = []
    for i in range(60):
        Image.new("L", (60, 24), i).save(pictures / f"{i}.png")
        lines.append(f"{i}.png\t{texts[i % len(texts)]}\n")
    (pictures / "labels.txt").write_text("".join(lines), encoding="utf-8")
    typed = "خانهدستو" + HAMZA + "nu" + DOT + ACUTE
    for alphabet in ("auto", f"'{typed}'"):
        dataset = f"folder:path='{pictures}',width=60,height=24,alphabet={alphabet}"
        result = run(resolve(registry, tiny(dataset=dataset)), Runtime(tmp_path / "runs"))
        run_folder = RunFolder(result.folder)
        recogniser = load(result.folder)
        characters = recogniser.reader.alphabet.characters
        assert {HAMZA, ACUTE, "و", "u"} <= set(characters)
        stored = run_folder.read_predictions("greedy")
        log_probs = run_folder.read_log_probs("test")
        assert log_probs.alphabet.characters == characters
        assert {unicodedata.normalize("NFC", t) for t in stored.targets} <= {
            unicodedata.normalize("NFC", t) for t in texts
        }
        assert stored.targets == log_probs.texts
        # The alphabet "auto" has ń and ṇ; the typed one has the letter and the marks.
        assert ("ṇ" in characters) == (alphabet == "auto")
        (prediction,) = recogniser.predict([pictures / "0.png"], decoder="greedy:blank_penalty=50")
        assert prediction.text and unicodedata.is_normalized("NFC", prediction.text)


def test_a_text_is_composed_where_the_alphabet_has_the_character():
    assert spell("e" + ACUTE, Alphabet("eé" + ACUTE)) == "é"
    assert spell("é", Alphabet("e" + ACUTE)) == "e" + ACUTE
    assert spell("é", Alphabet("e")) == "é"  # not possible: it stays composed, and is missing


@pytest.mark.parametrize(
    ("content", "characters"),
    [
        (b"a\nb\nc\n", "abc"),
        (b"abc", "abc"),
        ("\ufeffé\r\n漢\r\n ".encode(), "é漢 "),
        (b"ab[]+\n-,:'\"\\@", "ab[]+-,:'\"\\@"),
        (b"]\n+\n[\n", "]+["),
        (b"0-9", "0-9"),
        (("و" + HAMZA + "\nؤ").encode(), "و" + HAMZA + "ؤ"),
    ],
)
def test_a_file_of_characters(tmp_path, registry, content, characters):
    keys = tmp_path / "keys.txt"
    keys.write_bytes(content)
    (tmp_path / "0.png").touch()
    resolved = registry.resolve("dataset", f"folder:path='{tmp_path}',alphabet='@{keys}'")
    # The characters identify the run, and the file is not needed again.
    keys.unlink()
    assert "keys.txt" not in resolved
    assert registry.build("dataset", resolved).alphabet.characters == characters
    assert registry.resolve("dataset", resolved) == resolved


def test_files_that_hold_no_alphabet_are_errors(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").write_text("\n\n")
    (tmp_path / "twice.txt").write_text("a\nb\na\n")
    (tmp_path / "latin.txt").write_bytes(b"\xe9\n")
    (tmp_path / "large.txt").write_bytes(b"a" * ((1 << 20) + 1))
    os.mkfifo(tmp_path / "pipe")
    for name, reason in {
        "none.txt": "no such file",
        "a" * 300: "File name too long",
        ".": "not a plain file",
        "pipe": "not a plain file",
        "/dev/zero": "not a plain file",
        "empty.txt": "no characters in it",
        "twice.txt": "'a' more than once",
        "latin.txt": "not UTF-8",
        "large.txt": "larger than 1 MiB",
    }.items():
        with pytest.raises(UsageError, match=f"@{name}: .*{reason}"):
            read_alphabet_option(f"@{name}")
        with pytest.raises(UsageError, match=f"@{name}: .*{reason}"):
            read_alphabet_option(f"auto+@{name}")
    assert read_alphabet_option("@") == "@"
    (tmp_path / "keys.txt").write_text("t\nr\n\u00e9\n", encoding="utf-8")
    assert read_alphabet_option("auto+@keys.txt") == "auto+[tr\u00e9]"
