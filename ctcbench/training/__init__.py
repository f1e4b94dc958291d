"""Training: the network, the loop, checkpoints and inference. Needs torch."""
