import gzip
import math
import os
from dataclasses import replace

import numpy as np
import pytest

from ctcbench import UsageError
from ctcbench.decoding.lm import arpa_parser
from ctcbench.decoding.lm.arpa_reader import parse_arpa, read_arpa
from ctcbench.decoding.lm.arpa_writer import write_arpa
from ctcbench.decoding.lm.kneser_ney import train_kneser_ney
from ctcbench.decoding.lm.ngram_reference import score_words, word_log_prob

GOOD = """\\data\\
ngram 1=5
ngram 2=4
ngram 3=1

\\1-grams:
-99\t<s>\t-0.3
-1\t</s>
-2\t<unk>
-0.5\ta\t-0.2
-0.7\tb\t-0.1

\\2-grams:
-0.3\t<s> a\t-0.05
-0.9\ta b
-0.2\ta a
-0.4\tb </s>

\\3-grams:
-0.01\t<s> a b

\\end\\
"""


def written(tmp_path, text, name="model.arpa"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def log_probs_of(path, words):
    return [round(score.log_prob / math.log(10), 9) for score in score_words(read_arpa(path), words)]


def test_a_text_is_scored_with_backoff_by_hand(tmp_path):
    # a after <s>; b after <s> a; x is unknown; b after an unknown word; the end after b.
    expected = [-0.3, -0.01, -0.1 - 2, -0.7, -0.4]
    assert log_probs_of(written(tmp_path, GOOD), "abxb") == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "a comment\n\n" + text + "more text\n",
        lambda text: text.replace("<s> a b", "<s> a b\t0"),
        lambda text: text.replace("<s> a b", "<s> a b\t-0.000\r"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\t", " "),
        lambda text: text.replace("\n-0.4\tb </s>", "").replace("-0.9", "-0.4 b </s>\n\n-0.9"),
        lambda text: text.replace("<unk>", "<UNK>"),
        lambda text: gzip.compress(text.encode()),
        lambda text: "\ufeff" + text,
    ],
    ids=[
        "text around it",
        "zero at the end",
        "zero and CR",
        "CRLF",
        "spaces",
        "another order",
        "<UNK>",
        "gzip",
        "byte order mark",
    ],
)
def test_harmless_differences_do_not_matter(change, tmp_path):
    assert log_probs_of(written(tmp_path, change(GOOD)), "abxb") == [-0.3, -0.01, -2.1, -0.7, -0.4]


def test_a_file_can_be_read_from_memory():
    for content in (GOOD.encode(), gzip.compress(GOOD.encode())):
        assert parse_arpa(content, "it").sizes == (5, 4, 1)
    with pytest.raises(UsageError, match=r"^it, line 11: 'x' is not a number"):
        parse_arpa(GOOD.replace("-0.7", "x").encode(), "it")


def test_words_are_any_characters_between_spaces(tmp_path):
    text = "\\data\\\nngram 1=2\n\\1-grams:\n-1 \\end\\x\n-1 \u3000\u00a0\n\\end\\\n"
    assert read_arpa(written(tmp_path, text)).words == ("\\end\\x", "\u3000\u00a0")


def test_a_model_without_unknown_words_finds_them_all_but_impossible(tmp_path):
    text = GOOD.replace("-2\t<unk>\n", "").replace("1=5", "1=4")
    assert word_log_prob(read_arpa(written(tmp_path, text)), (), "<unk>") == -100 * math.log(10)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_a_model_that_is_written_and_read_is_the_same(order, tmp_path):
    model = train_kneser_ney(["hello", "hell", "help", "yellow", ""], order).model
    write_arpa(model, tmp_path / "model.arpa")
    found = read_arpa(tmp_path / "model.arpa")
    assert found.words == model.words
    for ours, theirs in zip(model.levels, found.levels, strict=True):
        assert np.array_equal(ours.contexts_G, theirs.contexts_G)
        assert np.array_equal(ours.words_G, theirs.words_G)
        np.testing.assert_allclose(ours.log_probs_G, theirs.log_probs_G, rtol=1e-9)
        np.testing.assert_allclose(ours.log_backoffs_G, theirs.log_backoffs_G, rtol=1e-9, atol=1e-9)
    write_arpa(found, tmp_path / "again.arpa")
    assert (tmp_path / "again.arpa").read_bytes() == (tmp_path / "model.arpa").read_bytes()


def test_words_of_other_spaces_are_written_and_read(tmp_path):
    model = train_kneser_ney([["\u00a0", "a", "\u3000b", "\u2003"]], 3).model
    write_arpa(model, tmp_path / "model.arpa")
    found = read_arpa(tmp_path / "model.arpa")
    assert found.words == model.words and found.sizes == model.sizes


@pytest.mark.parametrize("word", ["\t", "a\tb", "a b", "\n", "\x0b", "\x00", "", "a\ud800"])
def test_words_that_no_file_can_contain_are_refused_before_one_is_written(word, tmp_path):
    model = train_kneser_ney([["a", "b"]], 2).model
    with pytest.raises(UsageError, match="an ARPA file can't contain the word"):
        write_arpa(replace(model, words=(*model.words[:-1], word)), tmp_path / "model.arpa")
    assert not (tmp_path / "model.arpa").exists()
    with pytest.raises(TypeError, match="the `model` of what train_kneser_ney returns"):
        write_arpa(train_kneser_ney([["a"]], 2), tmp_path / "model.arpa")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\\data\\", "data", r"has no line \\data\\, so it is not an ARPA file"),
        ("ngram 2=4", "ngram 2=x", r"line 3: expected `ngram 2=COUNT` or \\1-grams:, found 'ngram 2=x'"),
        ("-0.9\t", "-0_9\t", r"line \d+: '-0_9' is not a number"),
        ("ngram 2=4", "ngram 3=4", r"line 3: expected the count of order 2, found 'ngram 3=4'"),
        ("ngram 1=5\nngram 2=4\nngram 3=1\n", "", r"line 3: the header has no line `ngram 1=COUNT`"),
        ("ngram 2=4", "ngram 2=5", r"line 19: 4 2-grams before this line, but the header states 5"),
        (
            "ngram 2=4",
            "ngram 2=3",
            r"line 17: expected \\3-grams: after the 3 2-grams of the header, found '-0.4.*b </s>'",
        ),
        ("\\2-grams:\n", "", r"line 13: expected \\2-grams: after the 5 1-grams of the header, found '-0.3"),
        (
            "\\end",
            "-1\ta a a\n\\end",
            r"line 22: expected \\end\\ after the 1 3-grams of the header, found '-1",
        ),
        ("ngram 3=1\n", "", r"line 13: 4 fields where a 2-gram has 3"),
        ("ngram 2=4", "ngram 2=400", r"the header states 406 n-grams, more than \d+ bytes can hold"),
        ("ngram 2=4", "ngram 2=40000000", r"the header states 40,000,006 n-grams; at most 30,000,000"),
        ("ngram 3=1", "".join(f"ngram {n}=0\n" for n in range(3, 12)), r"line 12: an order above 10"),
        ("-0.9\ta b", "-0.9\ta", r"line 15: 2 fields where a 2-gram has 3 or 4: '-0.9.*a'"),
        ("-0.9\ta b", "-0.9", r"line 15: 1 field where a 2-gram has 3 or 4: '-0.9'"),
        ("-0.01\t<s> a b", "-0.01\t<s> a b -1", r"line 20: 5 fields where a 3-gram has 4:"),
        ("-0.9", "x", r"line 15: 'x' is not a number: it should be the logarithm of the probability"),
        ("-0.01\t<s> a b", "-0.01\t<s> a b 0", r"line 20: 5 fields where a 3-gram has 4:"),
        ("-0.9", "-1e308", r"line 15: the logarithm of the probability is -1e\+308; it must be finite"),
        ("-0.9", "nan", r"line 15: the logarithm of the probability is nan; it must be finite"),
        ("-0.9", "-inf", r"line 15: the logarithm of the probability is -inf; it must be finite"),
        ("-0.05", "inf", r"line 14: the logarithm of the backoff weight is inf; it must be finite"),
        ("-0.9", "0.5", r"line 15: the logarithm of the probability is 0.5, above 0"),
        ("a b\n-0.2", "a c\n-0.2", r"line 15: the word 'c' is not one of the 1-grams"),
        ("-0.7\tb", "-0.7\ta", r"line 11: the word 'a' has appeared before"),
        ("-0.2\ta a", "-0.2\ta b", r"line 16: the n-gram has appeared before"),
        ("<s> a b", "b b a", r"line 20: the first 2 words of the n-gram are no 2-gram of the model"),
        ("\\end\\\n", "", r"line 22: the file ends here, without \\end\\; it is not complete"),
        ("-0.7\tb", "-0.7\t" + "b" * 2**16, r"line 11: longer than 65,536 bytes"),
        ("\\data\\", "iARPA\n\\data\\", r"line 1: iARPA is a format of IRSTLM"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(old, new, message, tmp_path):
    assert old in GOOD
    with pytest.raises(UsageError, match=rf"model\.arpa(, |: ){message}"):
        read_arpa(written(tmp_path, GOOD.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"mmap lm http://kheafield.com/code format version 5\n\0",
            "a binary model of KenLM, not an ARPA file; `read_ngram_model` reads it",
        ),
        (b"BZh91AY", r"compressed by bzip2, not an ARPA file; unpack it \(only gzip is read\)"),
        (b"", r"has no line \\data\\"),
        (b"\0" * 1000, r"has no line \\data\\"),
        (gzip.compress(GOOD.encode())[:-20], "its compressed data is damaged"),
        (GOOD.encode().replace(b"\tb\t", b"\t\xff\t"), r"line 11: the word '\ufffd' is not UTF-8"),
    ],
    ids=["KenLM", "bzip2", "empty", "zeros", "half", "Latin-1"],
)
def test_a_file_of_another_format_is_named(content, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        read_arpa(written(tmp_path, content))


def test_paths_that_are_no_plain_file_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, message in [
        ("pipe", "is not a plain file"),
        (".", "is not a plain file"),
        ("none", "can't be read .No such file"),
        ("\0", "can't be read .embedded null"),
    ]:
        with pytest.raises(UsageError, match=message):
            read_arpa(tmp_path / path)


@pytest.mark.parametrize("limit", ["MOST_BYTES", "MOST_VOCABULARY"])
def test_a_compressed_file_of_great_length_is_refused(limit, tmp_path, monkeypatch):
    monkeypatch.setattr(arpa_parser, limit, 2**17)
    words = "".join(f"-1 {'w' * 60_000}{i}\n" for i in range(4))
    text = f"\\data\\\nngram 1=4\n\\1-grams:\n{words}\\end\\\n"
    with pytest.raises(UsageError, match=r"line 6: .*more than 131,072 bytes"):
        read_arpa(written(tmp_path, gzip.compress(text.encode())))


def test_lines_without_content_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(arpa_parser, "MOST_OTHER_LINES", 20)
    assert read_arpa(written(tmp_path, "\n" * 8 + "text\n" * 8 + GOOD)).order == 3
    for text, message in [
        ("\n" * 30 + GOOD, "line 21: more than 20 empty lines"),
        (GOOD.replace("\\end", "\n" * 30 + "\\end"), "more than 20 empty lines"),
        ("text\n" * 30 + GOOD, r"line 21: no .data. in the lines up to here"),
    ]:
        with pytest.raises(UsageError, match=message):
            read_arpa(written(tmp_path, text))


def test_a_header_of_a_compressed_file_reserves_no_memory(tmp_path):
    text = GOOD.replace("ngram 1=5", "ngram 1=29000000")
    with pytest.raises(UsageError, match="5 1-grams before this line, but the header states 29,000,000"):
        read_arpa(written(tmp_path, gzip.compress(text.encode())))
