"""What all data sets of labelled pictures share: options, splits, alphabet, fingerprint."""
