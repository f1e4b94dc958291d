"""Constraints of the labellings that a decoder may return, as deterministic finite automata."""

from .automaton import Automaton

__all__ = ["Automaton"]
