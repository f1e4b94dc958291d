"""The network, its weights, its spec sheet, and its compiled form."""
