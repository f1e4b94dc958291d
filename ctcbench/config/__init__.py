"""Settings of a run: the model that holds them, presets, TOML files, keys."""
