"""`ctcbench lm train`, `ctcbench lm score` and `ctcbench lm convert`."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from ctcbench.__main__ import main
from ctcbench.decoding import read_arpa
from ctcbench.decoding.lm.kneser_ney import train_kneser_ney
from ctcbench.decoding.lm.perplexity import measure_perplexity
from tests.builtin.picture_sets.picture_cases import png

KENLM_FILES = Path(__file__).parents[2] / "decoding" / "lm" / "kenlm_files"
CAPTCHAS = "captcha:width=64,height=24,length=3,alphabet='abc'"


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\ufeffab ba\n\n  a a  \nba\r\n", encoding="utf-8")
    return path


def train(capsys, *arguments):
    assert main(["lm", "train", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_labels_of_a_data_set_are_learned_without_drawing_images(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CTCBENCH_CACHE", str(cache := tmp_path / "cache"))
    out = tmp_path / "captcha.arpa"
    facts = train(capsys, CAPTCHAS, "--samples", 40, "--order", 2, "--out", out)
    assert not cache.exists()
    assert [one["ngrams"] for one in facts["orders"]] == [6, 3 + 9 + 3]
    assert facts["perplexity"]["train"]["words"] == facts["perplexity"]["val"]["words"] == 40 * 4
    # The texts are random: each of three letters is as probable, and the length is known after none.
    assert 2 < facts["perplexity"]["val"]["perplexity"] < 4
    assert set(read_arpa(out).words) == {"<s>", "</s>", "<unk>", "a", "b", "c"}


def test_characters_of_the_alphabet_that_no_text_has_are_known(tmp_path, capsys):
    for split in ("train", "val", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "ab.png").write_bytes(png(1, 40, 20))
    pictures = f"folder:path={tmp_path},label=stem,width=60,height=20,alphabet='abc '"
    facts = train(capsys, pictures, "--out", tmp_path / "model.arpa")
    assert set(read_arpa(tmp_path / "model.arpa").words) >= {"c", "<space>"}
    assert facts["perplexity"]["val"]["texts"] == 1


def test_the_notices_of_a_data_set_are_printed_once(tmp_path, capsys):
    for split in ("train", "val", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / split / "ab.png").write_bytes(png(1, 40, 20))
    pictures = f"folder:path={tmp_path},label=stem,width=60,height=20"
    assert main(["lm", "train", pictures, "--out", str(tmp_path / "model.arpa")]) == 0
    assert capsys.readouterr().err.count("labels: file names") == 1


@pytest.mark.parametrize("unit", ["character", "word"])
def test_a_text_file_is_learned(unit, lines, tmp_path, capsys):
    out = tmp_path / "model.arpa"
    facts = train(capsys, "--text", lines, "--val-text", lines, "--unit", unit, "--order", 2, "--out", out)
    texts = ["ab ba", "a a", "ba"]
    words = [one.split() if unit == "word" else [*one.replace(" ", "_")] for one in texts]
    expected = measure_perplexity(train_kneser_ney(words, 2).model, words)
    for name in ("train", "val"):
        found = facts["perplexity"][name]
        assert found["perplexity"] == pytest.approx(expected.perplexity)
        assert (found["texts"], found["words"], found["unknown"]) == (3, expected.words, 0)
    assert main(["lm", "score", str(out), "--text", str(lines), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)
    assert scored["unit"] == unit
    assert scored["total"]["log_prob"] == pytest.approx(expected.log_prob)


def test_words_are_separated_by_spaces_and_tabs_alone(tmp_path, capsys):
    texts = tmp_path / "texts.txt"
    texts.write_text("10\u00a0km  far\taway\n", encoding="utf-8")
    out = tmp_path / "model.arpa"
    train(capsys, "--text", texts, "--unit", "word", "--out", out)
    assert {"10\u00a0km", "far", "away"} <= set(read_arpa(out).words)
    assert main(["lm", "score", str(out), "--text", str(texts), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["unknown"] == 0


def test_the_tables(lines, tmp_path, capsys):
    out = tmp_path / "model.arpa"
    assert main(["lm", "train", "--text", str(lines), "--out", str(out)]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "defaults, not estimated" in shown
    assert "characters, the ends of 3 texts included) written to" in shown
    assert main(["lm", "score", str(out), "ab", "xa\x1b[31m"]) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    [ab, foreign, total] = [line.split() for line in shown.splitlines() if line.strip()][-3:]
    assert ab[0] == "ab" and ab[3] == "0" and foreign[-1] == "6" and total[-1] == "6"


def test_a_binary_file_of_kenlm_becomes_its_arpa_file(tmp_path, capsys):
    pytest.importorskip("kenlm", reason="needs the package kenlm")
    out = tmp_path / "words.arpa"
    assert main(["lm", "convert", str(KENLM_FILES / "words.trie"), "--out", str(out)]) == 0
    capsys.readouterr()
    facts = []
    for path in (out, KENLM_FILES / "words.arpa", KENLM_FILES / "words.trie"):
        assert main(["lm", "score", str(path), "ab c", "ba x", "--json"]) == 0
        facts.append(json.loads(capsys.readouterr().out)["total"]["log_prob"])
    assert facts[0] == pytest.approx(facts[1], abs=1e-5)
    assert facts[0] == pytest.approx(facts[2], abs=1e-8)


def test_a_conversion_states_what_was_written(tmp_path, capsys):
    out = tmp_path / "words.arpa"
    assert main(["lm", "convert", str(KENLM_FILES / "words.arpa"), "--out", str(out)]) == 0
    line = f"n-grams: 6 of order 1, 12 of order 2, 11 of order 3; written to {out}\n"
    assert (read_arpa(out).sizes, capsys.readouterr().out) == ((6, 12, 11), line)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--text", "{}", "--out", "none/x.arpa"], "no folder"),
        (["train", "--text", "{}", "captcha", "--out", "x"], "--text takes the place of a data set"),
        (["train", "--val-text", "{}", "--out", "x"], "--val-text needs --text"),
        (["train", "--text", "none", "--out", "x"], "none: can't be read (No such file"),
        (["train", "--text", "empty", "--out", "x"], "empty: has no text"),
        (["train", "--text", "latin", "--out", "x"], "latin, line 2: not UTF-8"),
        (
            ["train", "--text", "special", "--out", "x", "--unit", "word"],
            "the word '<s>', which has a special",
        ),
        (["train", "--text", "tab", "--out", "x"], r"an ARPA file can't contain the word '\t'"),
        (["train", "--text", "{}", "--unit", "letter", "--out", "x"], "--unit letter: "),
        (["train", "--text", "{}", "--order", "11", "--out", "x"], "11"),
        (["score", "{}", "a"], "has no line \\data\\, so it is not an ARPA file"),
        (["score", "{}"], "no text to score"),
        (["convert", "{}", "--out", "x"], "has no line \\data\\, so it is not an ARPA file"),
        (["convert", "{}", "--out", "none/x"], "no folder"),
        (["train", "--text", "{}", "--out", "{}"], "is the file to read; name another one to write"),
        (["train", "--text", "{}", "--val-text", "latin", "--out", "latin"], "is the file to read"),
        (["convert", "{}", "--out", "{}"], "is the file to read"),
    ],
)
def test_wrong_input_is_one_line(arguments, message, lines, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").write_text("\n \n")
    (tmp_path / "latin").write_bytes(b"a\n\xe4\n")
    (tmp_path / "special").write_text("a <s> b\n")
    (tmp_path / "tab").write_text("a\tb\n")
    assert main(["lm", *(one.format(lines) for one in arguments)]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_the_perplexity_of_nothing_is_one_and_of_the_impossible_finite():
    model = train_kneser_ney(["ab"], 1).model
    assert measure_perplexity(model, []).perplexity == 1
    assert math.isfinite(measure_perplexity(model, ["ab" * 100]).perplexity)
