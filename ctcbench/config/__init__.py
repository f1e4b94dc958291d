"""Settings of a run: the model that holds them, presets, TOML files, recipes, train keys."""
