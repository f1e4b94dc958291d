"""From a configuration to a stored result: draw, train, read, decode, score, store."""
