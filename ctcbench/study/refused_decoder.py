"""is_refused(): whether the decoder of a configuration ends its run before the training."""

from __future__ import annotations

from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.data.run_dataset import build_run_dataset
from ctcbench.pipeline.built_decoder import build_decoder
from ctcbench.registry.component_registry import Registry


def is_refused(registry: Registry, config: RunConfig) -> bool:
    """Return whether the decoder of a configuration can't be built for the alphabet of its data set.

    False if the data set can't be built either: then the decoder is not at fault.
    """
    try:
        alphabet = build_run_dataset(registry, config).source.alphabet
    except Exception:  # a plugin may raise anything
        return False
    try:
        build_decoder(registry, resolve(registry, config).config.decoder, alphabet)
    except Exception:
        return True
    return False
