"""Atomic writes, locks, paths, pictures and text normalisation. No torch."""
