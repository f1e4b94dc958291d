"""Searches: configurations chosen one after another by Optuna, and trained as the trials of a study."""
