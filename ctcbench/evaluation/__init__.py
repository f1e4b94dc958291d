"""Evaluation of decoded texts: stored log-probabilities, metrics, scores and statistics; without torch."""
