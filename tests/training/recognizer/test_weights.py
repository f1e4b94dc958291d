"""Loading the recogniser of a finished run."""

import pytest
from torch import nn

from ctcbench.config.recipe import resolve
from ctcbench.contract.components import Component
from ctcbench.contract.errors import UsageError
from ctcbench.pipeline import runner
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.recognizer.weights import load_recognizer
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny


def test_the_error_names_a_plugin_that_is_not_installed(registry, tmp_path):
    def through(sequence):
        """The features, unchanged."""
        return nn.Identity()

    plugin = Plugin("extra", "ctcbench-extra", "1.2", "extra", components=(Component("head", through),))
    config = tiny(head="through", train_samples=20, epochs=1)
    result = runner.run(resolve(Registry((*registry.plugins, plugin)), config), Runtime(tmp_path))
    with pytest.raises(UsageError, match=r"^no head 'through'.*; the run was made with ctcbench-extra 1\.2$"):
        load_recognizer(registry, RunFolder(result.folder))
