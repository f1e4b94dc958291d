"""Kernels for CUDA devices, in Triton, which torch's CUDA builds bring; nothing else imports this package."""
