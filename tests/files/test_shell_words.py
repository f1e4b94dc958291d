"""Quoted words are read by a shell as they were, and have few quotes."""

import shlex
import subprocess

import pytest

from ctcbench.files.shell_words import join_quoted, quote_word

WORDS = {
    "runs/1": "runs/1",
    "": "''",
    "my runs": "'my runs'",
    "beam_cpp:pattern='[a-z]{4}'": "\"beam_cpp:pattern='[a-z]{4}'\"",
    r"beam_cpp:pattern='\d{4}'": r'''"beam_cpp:pattern='\\d{4}'"''',
    "it's 'all' $HOME `x`": "\"it's 'all' \\$HOME \\`x\\`\"",
    "a'!b": shlex.quote("a'!b"),
    '"$`\\"$`\\\'': shlex.quote('"$`\\"$`\\\''),  # single quotes are shorter
}


@pytest.mark.parametrize(("word", "quoted"), WORDS.items())
def test_a_quoted_word(word, quoted):
    assert quote_word(word) == quoted


def test_a_shell_reads_the_words_again():
    command = f"printf '%s\\n' {join_quoted(WORDS)}"
    read = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert read.splitlines() == list(WORDS)
