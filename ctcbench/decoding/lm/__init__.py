"""N-gram language models: ARPA files, training, and the guides that apply them in the beam search."""
