"""All texts up to a length, and the texts that an automaton accepts: for comparisons by brute force."""

from itertools import product

CHARACTERS = [None, "a", "b", "c", "1"]
LETTERS = "abc1"


def texts(longest, letters=LETTERS):
    return ["".join(text) for n in range(longest + 1) for text in product(letters, repeat=n)]


def accepted(automaton, longest=4, characters=CHARACTERS):
    """Return the texts of at most `longest` characters that an automaton accepts."""
    classes = {character: label for label, character in enumerate(characters) if character is not None}
    return [text for text in texts(longest, list(classes)) if automaton.accepts([classes[c] for c in text])]
