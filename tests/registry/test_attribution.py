"""Attribution of errors to the plugin whose code raised them."""

import pytest

from ctcbench import ImageSpec
from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.registry.attribution import attribute_errors, find_plugin_frame
from ctcbench.registry.discovery import load_registry
from tests.registry.plugin_code import GOOD


def test_the_frame_of_a_plugin_that_raised_an_error_is_found(install):
    install("worse", "def helper():\n    return 1 / 0\n" + GOOD.format(name="worse"))
    module = load_registry(["worse"]).plugins[-1].module
    with pytest.raises(ZeroDivisionError) as failed:
        module.helper()
    assert find_plugin_frame(failed.value) == ("ctcbench-worse (worse)", "plugin_worse_ctcbench_worse.py:2")
    with pytest.raises(ZeroDivisionError) as ours:
        _ = 1 / 0
    assert find_plugin_frame(ours.value) is None


def test_the_error_of_a_builder_names_its_owner_and_line(install):
    install("bad", GOOD.format(name="bad").replace("from torch import nn", "raise ValueError('no')"))
    message = (
        r"ctcbench-bad \(bad\): backbone 'bad' could not be built: ValueError\('no'\) \(plugin_bad.*py:\d+\)"
    )
    with pytest.raises(PluginError, match=message):
        load_registry(["bad"]).build("backbone", "bad", ImageSpec(40, 150))


@pytest.mark.parametrize("error", [UsageError("a mistake of the user"), MemoryError()], ids=repr)
def test_errors_of_ctcbench_and_of_memory_are_not_changed(error):
    with pytest.raises(type(error)) as raised, attribute_errors("a component"):
        raise error
    assert raised.value is error
