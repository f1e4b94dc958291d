"""Draws data sets: in parallel, once, into a cache that is mapped into memory. No torch."""
