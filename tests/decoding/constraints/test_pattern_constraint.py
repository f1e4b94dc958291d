"""pattern_automaton: compared with Python's re.fullmatch; bad and hostile patterns."""

import random
import re

import pytest

from ctcbench.decoding import InputError
from ctcbench.decoding.constraints import pattern_automaton
from tests.decoding.constraints.enumeration import CHARACTERS, accepted, texts


def random_pattern(rng, depth=3):
    if depth == 0:
        return rng.choice(
            ["a", "b", "1", ".", "[ab]", "[^a]", r"\d", r"\W", "[a-c]", r"\w", "^", "$", "c", ""]
        )
    inner = random_pattern(rng, depth - 1)
    other = random_pattern(rng, depth - 1)
    return rng.choice([
        inner + other,
        f"{inner}|{other}",
        f"(?:{inner}){rng.choice(['*', '+', '?', '*?', '{2}', '{1,2}', '{,2}', '{1,}', '{0}'])}{other}",
        f"({inner}|{other})",
    ])  # fmt: skip


def check(pattern):
    expected = [text for text in texts(4) if re.fullmatch(pattern, text)]
    try:
        assert accepted(pattern_automaton(CHARACTERS, pattern)) == expected, pattern
    except InputError as error:
        assert "matches no text" in str(error), pattern
        assert not expected, pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "", "a", "a*b", "(a|b)*c", "[^a]{2,3}", "^a$|b+", "a{0,2}b?", r"\d[a-c]*", r"\w\D", "(?:ab|a)(b)?",
        "a|", "(a?){3}b", "(^a|b)*", "(a$|b)*", "((^|a)b)+", "(^)*a", "$^", "(a|$)*", "(?P<x>a)1", "a+?b",
        "(()|a)*b", "(?x) a  b # comment", "(?s).a", r"\Aa\Z", "[abc]{2}|1{4}", r"[\da]+",
        r"[^\d]", "b{3}", r"\x61", "[^xa-]", "[A-c]1", "(?:x{0}|a)b",
    ],
)  # fmt: skip
def test_it_accepts_what_fullmatch_matches(pattern):
    check(pattern)


@pytest.mark.parametrize("pattern", [r"[a\-b]", "[1a-]+", "[^-]", "a-|-b", "[--1]"])
def test_hyphens(pattern):
    characters = [None, "a", "b", "-", "1"]
    expected = [text for text in texts(2, "ab-1") if re.fullmatch(pattern, text)]
    assert accepted(pattern_automaton(characters, pattern), 2, characters) == expected


def test_random_patterns():
    for seed in range(40):
        check(random_pattern(random.Random(seed)))


@pytest.mark.slow
def test_many_random_patterns():
    for seed in range(40, 20_000):
        check(random_pattern(random.Random(seed), depth=3 + seed % 2))


def test_classes_decide_about_unicode_categories():
    characters = [None, "٣", "é", "x", "\n", "\u2003", "-"]
    for pattern in (r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", ".", "[^x]", "[à-ü]", "(?s)."):
        expected = [c for c in characters[1:] if re.fullmatch(pattern, c)]
        assert accepted(pattern_automaton(characters, pattern), 1, characters) == expected, pattern


class TestCharactersOfSeveralCodePoints:
    CHARACTERS = (None, "q", "q\u0303", "x", "👩\u200d💻", "\u0303")

    def accepts(self, pattern, *labels):
        return pattern_automaton(self.CHARACTERS, pattern).accepts(labels)

    def test_one_is_one_character(self):
        assert self.accepts(".{2}", 2, 4)
        assert self.accepts("q\u0303+", 2, 2)
        assert not self.accepts("q\u0303+", 2, 5)
        assert not self.accepts("q.", 2)

    def test_in_sets(self):
        assert self.accepts("[q\u0303👩\u200d💻]{2}", 2, 4)
        assert not self.accepts("[q\u0303]", 1)
        assert not self.accepts("[^q\u0303]", 2)
        assert self.accepts("[^q\u0303]+", 1, 3, 4, 5)

    def test_categories_are_those_of_the_letter(self):
        assert self.accepts(r"\w\W", 2, 4)

    def test_ranges_do_not_end_with_one(self):
        with pytest.raises(InputError, match="can't be an end of a range"):
            pattern_automaton(self.CHARACTERS, "[a-q\u0303]")

    def test_the_longest_is_meant(self):
        characters = (None, "e\u0323\u0303", "e\u0323x")
        assert pattern_automaton(characters, "e\u0323\u0303").accepts([1])

    def test_a_pattern_in_another_normal_form(self):
        assert pattern_automaton([None, "é"], "e\u0301").accepts([1])
        assert pattern_automaton([None, "e", "\u0301"], "e\u0301").accepts([1, 2])
        assert pattern_automaton([None, "e\u0301", "e"], "[é]").accepts([1])


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a", "not a regular expression.*unterminated subpattern at position 0"),
        ("*a", "nothing to repeat"),
        ("[b-a]", "bad character range b-a"),
        ("a\\", "bad escape"),
        (r"\p{L}+", r"bad escape \\p at position 0\); \[\^\\W\\d_\] is any letter"),
        ("a{3,2}", "min repeat greater than max"),
        ("a{99999999999}", "too large"),
        ("(?=a)b", "lookahead and lookbehind are not supported"),
        ("(?<!a)b", "lookahead and lookbehind are not supported"),
        (r"(a)\1", "references to groups are not supported"),
        (r"(a)(?(1)b|c)", "references to groups are not supported"),
        (r"\bab", "word boundaries are not supported"),
        ("(?>a)", "atomic groups are not supported"),
        ("a*+b", "possessive repeats are not supported"),
        ("(?i)a", "IGNORECASE.*both cases"),
        ("(?i:a)b", "IGNORECASE"),
        ("(?m)^a$", "the flag re.MULTILINE is not supported$"),
        (None, "is None; it must be a string"),
        (b"a", "is b'a'; it must be a string"),
        ("(?s:.)b", "write .* at its beginning"),
        ("x[yz]", "the alphabet lacks 'x' 'y' 'z'; leave out what it lacks"),
        ("[A-Z]{3}-[0-9]", ": the alphabet lacks '-'; leave out what it lacks"),
        ("[a-c-]{3}", ": the alphabet lacks '-'; leave out what it lacks"),
        ("ae\u0301?", ": the alphabet lacks 'é'; leave out what it lacks"),
        (r"a|b\.|\t", r": the alphabet lacks '\\t' '\.'; leave out what it lacks"),
        ("[A-Z]", "matches no text of the alphabet, which has 'a' "),
        ("[^abc1]", "matches no text"),
        ("ab^", "matches no text"),
        ("a" * 10_001, "more than 10,000 characters"),
        ("(" * 3_000 + "a" + ")" * 3_000, "nested too deeply"),
    ],
)
def test_bad_patterns(pattern, message):
    with pytest.raises(InputError, match=f"(?s)pattern .*{message}"):
        pattern_automaton(CHARACTERS, pattern)


def check_limit(pattern, message):
    with pytest.raises(InputError, match=message):
        pattern_automaton(CHARACTERS, pattern)


def test_a_pattern_of_too_many_states():
    check_limit(".{100000}", "more than 50,000 states")


@pytest.mark.landing
def test_hostile_patterns_reach_a_limit():
    check_limit("(a|b)*a(a|b){20}", "more than 20,000 states")
    check_limit("((a{1000}){1000}){1000}", "more than 50,000 states")
    check_limit("(.?){5000}", "more than 2,000,000 steps")
    check_limit("(((a|b)?){50}){50}", "more than 2,000,000 steps")


@pytest.mark.parametrize(
    "pattern", ["(){1000000000}", "((()*)*)*", "((a*)*)*", "(a+)+", "(.*a){30}", ".*" * 500]
)
def test_patterns_that_backtracking_cannot_match_are_small_here(pattern):
    assert pattern_automaton(CHARACTERS, pattern).num_states <= 31
