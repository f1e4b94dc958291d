"""The stages of a run: draw, train, read, decode, score, store."""
