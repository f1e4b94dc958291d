"""The registry: components by name, names with two owners, canonical component strings, and hooks."""

import pytest

from ctcbench import ImageSpec
from ctcbench.contract.components import Component
from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry
from ctcbench.registry.plugin import Plugin
from tests.registry.plugin_code import GOOD


def test_an_error_names_both_owners_of_a_name_and_other_names_work(install):
    install("one", GOOD.format(name="twice"))
    install("two", GOOD.format(name="twice"))
    registry = load_registry(["one", "two"])
    with pytest.raises(
        PluginError, match=r"'twice' has 2 owners: ctcbench-one \(one\) and ctcbench-two \(two\)"
    ):
        registry.get("backbone", "twice")
    assert len(registry.conflicts) == 1
    assert registry.get("backbone", "cnn3")


def test_a_plugin_can_not_replace_a_built_in_component(install):
    install("replacing", GOOD.format(name="cnn3"))
    install("other", GOOD.format(name="other"))
    with pytest.raises(
        PluginError,
        match=r"2 owners: ctcbench \(builtin\) and ctcbench-replacing .*go without .*CTCBENCH_PLUGINS=other$",
    ):
        load_registry(["replacing", "ctcbench-other"]).get("backbone", "cnn3")


def test_a_hook_that_raises_is_not_called_again_and_its_components_stay(install):
    code = (
        "from ctcbench import hookimpl\n@hookimpl\ndef ctcbench_run_started(run):\n    raise OSError('full')"
    )
    install("tracker", code + "\n" + GOOD.format(name="its_own"))
    registry = load_registry(["tracker"])
    notices = []
    for _ in range(2):
        registry.call_hooks("ctcbench_run_started", notices.append, run=None)
    (notice,) = notices
    assert notice.startswith("plugin ctcbench-tracker (tracker) is not called again in this run")
    assert "OSError('full')" in notice
    assert registry.get("backbone", "its_own")  # the run may use it


def test_a_name_of_another_kind_is_explained(registry):
    with pytest.raises(UsageError, match=r"^no backbone 'bilstm2'; it is the name of a head \(there are: "):
        registry.get("backbone", "bilstm2")
    with pytest.raises(UsageError, match=r"^no head 'ctc'; it is the name of a loss"):
        registry.get("head", "ctc")
    with pytest.raises(
        UsageError, match=r"^no dataset 'slots'; it is the name of a head, a loss and a decoder"
    ):
        registry.get("dataset", "slots")


def test_canonical_strings_leave_defaults_out_or_write_all(registry):
    assert registry.resolve("backbone", "cnn3: norm=batch, width=64") == "cnn3"
    assert registry.resolve("backbone", "cnn3:dropout=0.50,width=32") == "cnn3:width=32,dropout=0.5"
    every = registry.resolve("backbone", "cnn3", every=True)
    assert every == "cnn3:width=64,norm=batch,activation=relu,dropout=0.0"


def test_errors_of_builders(registry):
    def exiting(image):
        """A backbone whose builder ends the program."""
        raise SystemExit(3)

    def rejecting(image):
        """A backbone whose builder rejects its image."""
        raise UsageError("the height must be even")

    parts = (Component("backbone", exiting), Component("backbone", rejecting))
    extended = Registry(
        (*registry.plugins, Plugin("extra", "ctcbench-extra", "1.0", "extra", components=parts))
    )
    with pytest.raises(
        PluginError, match=r"\(extra\): backbone 'exiting' could not be built: SystemExit\(3\)"
    ):
        extended.build("backbone", "exiting", ImageSpec(24, 60))
    with pytest.raises(UsageError, match=r"^backbone rejecting: the height must be even$"):
        extended.build("backbone", "rejecting", ImageSpec(24, 60))


def test_a_path_in_place_of_a_data_set_is_shown_as_an_option(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("mine", "My pictures"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a.CSV").write_text("")
    registry = load_registry([])
    for given, words in (
        ("mine", "no dataset 'mine'; a folder is an option: folder:path=mine (there are: "),
        ("My pictures", "; a folder is an option: 'folder:path=My pictures'"),
        ("a.CSV", "; a file is an option: csv:path=a.CSV"),
    ):
        with pytest.raises(UsageError) as caught:
            registry.resolve("dataset", given)
        assert words in str(caught.value)
    for kind, given in (("dataset", "missing"), ("dataset", "b.csv"), ("backbone", "mine")):
        with pytest.raises(UsageError) as caught:
            registry.resolve(kind, given)
        assert "is an option" not in str(caught.value)


@pytest.mark.parametrize("kind", ["augmentation", "loss", "decoder"])
def test_a_builder_without_a_return_is_an_error_before_the_training(registry, kind):
    def silent(given):
        """A component whose builder returns nothing."""

    parts = (Component(kind, silent),)
    extended = Registry(
        (*registry.plugins, Plugin("extra", "ctcbench-extra", "1.0", "extra", components=parts))
    )
    message = rf"\(extra\): {kind} 'silent': its builder returned NoneType, not a function"
    with pytest.raises(PluginError, match=message):
        extended.build(kind, "silent", None)
