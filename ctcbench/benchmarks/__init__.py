"""Benchmarks of the program itself: ratios and medians that anyone can measure again."""
