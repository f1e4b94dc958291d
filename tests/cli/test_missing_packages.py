from importlib import metadata

import pytest

from ctcbench.cli.missing_packages import explain_missing_packages, missing_packages


@pytest.fixture
def only_numpy(monkeypatch):
    def version(name):
        if name != "numpy":
            raise metadata.PackageNotFoundError(name)
        return "2.0"

    required = ["torch>=2.6", "numpy>=2.0", "tomli_w", "pytest>=8; extra == 'test'"]
    monkeypatch.setattr(metadata, "requires", lambda name: required)
    monkeypatch.setattr(metadata, "version", version)


def test_required_packages_without_those_of_extras(only_numpy):
    assert missing_packages() == ["torch", "tomli_w"]


def test_only_failed_imports_are_explained(only_numpy):
    assert "not installed: torch, tomli_w;" in explain_missing_packages(ModuleNotFoundError("typer"))
    assert explain_missing_packages(ImportError("cannot import name")) is None


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_command_names_the_package_that_it_needs(monkeypatch, wrapped):
    required = ["torch>=2.6", "typer>=0.19", "rapidfuzz>=3.9"]
    monkeypatch.setattr(metadata, "requires", lambda name: required)
    monkeypatch.setattr("ctcbench.cli.missing_packages._is_installed", lambda name: name == "typer")
    error = ModuleNotFoundError("No module named 'rapidfuzz'", name="rapidfuzz.distance")
    if wrapped:
        error, error.__cause__ = RuntimeError("dataset 'captcha' could not be built"), error
    line = explain_missing_packages(error)
    assert "this command needs rapidfuzz, which is not installed (missing too: torch);" in line
    error = RuntimeError()
    error.__cause__ = ModuleNotFoundError(name="a_plugin_module")
    assert explain_missing_packages(error) is None, "a plugin's own requirement"


def test_a_module_that_is_missing_for_another_reason_is_not_explained():
    assert explain_missing_packages(ModuleNotFoundError("a_plugin_module")) is None


def test_a_source_tree_that_is_not_installed(monkeypatch):
    def requires(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert missing_packages() == []
