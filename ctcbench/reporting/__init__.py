"""Results as tables, text and pictures; imports no torch."""
