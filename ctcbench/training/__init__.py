"""Training: from samples to weights; the one row that needs torch."""
