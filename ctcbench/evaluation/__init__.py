"""What a decoder's output is worth: stored log-probs, scores, intervals; nothing here imports torch."""
