"""What only CUDA devices have: the CTC kernel in Triton, and the training step as CUDA graphs."""
