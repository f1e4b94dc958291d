"""Constraints of the labellings that a decoder may return, as deterministic finite automata."""

from .automaton import Automaton
from .character_constraint import character_automaton, position_automaton
from .intersection import intersect
from .length_constraint import length_automaton, parse_length
from .lexicon_constraint import lexicon_automaton
from .pattern_constraint import pattern_automaton

__all__ = [
    "Automaton",
    "character_automaton",
    "intersect",
    "length_automaton",
    "lexicon_automaton",
    "parse_length",
    "pattern_automaton",
    "position_automaton",
]
