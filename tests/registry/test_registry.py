"""The registry and what it does with plugins that break their side of the contract."""

import subprocess
import sys

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.registry.attribution import find_plugin_frame
from ctcbench.registry.discovery import load_registry

GOOD = '''
"""A good plugin."""
from ctcbench import ImageSpec, backbone, hookimpl

@backbone
def {name}(image: ImageSpec):
    """Does nothing much."""
    from torch import nn
    return nn.Conv2d(image.channels, 4, 3, padding=1)

@hookimpl
def ctcbench_components():
    return [{name}]
'''
BROKEN = {
    "fails_at_import": ("import there_is_no_such_module", "ModuleNotFoundError"),
    "leaves_at_import": ("raise SystemExit(3)", "SystemExit"),
    "raises_in_a_hook": (
        "from ctcbench import hookimpl\n@hookimpl\ndef ctcbench_components():\n    raise RuntimeError('oh')",
        "RuntimeError: oh",
    ),
    "misspells_a_hook": (
        "from ctcbench import hookimpl\n@hookimpl\ndef ctcbench_component():\n    return []",
        "no hook 'ctcbench_component'; did you mean 'ctcbench_components'",
    ),
    "misspells_an_argument": (
        "from ctcbench import hookimpl\n@hookimpl\ndef ctcbench_run_started(rum):\n    pass",
        "rum",
    ),
    "forgets_the_mark": ("def ctcbench_components():\n    return []", "lacks the mark @hookimpl"),
    "has_no_hook": ("x = 1", "has no hook at all"),
    "lists_no_list": (
        "from ctcbench import hookimpl\n@hookimpl\ndef ctcbench_components():\n    return 7",
        "it must return a list",
    ),
    "forgets_to_return": (
        "from ctcbench import hookimpl\n@hookimpl\ndef ctcbench_components():\n    []",
        "ctcbench_components returned None; it must return a list",
    ),
    "lists_a_bare_function": (
        "from ctcbench import hookimpl\ndef f(image):\n    'Doc.'\n"
        "@hookimpl\ndef ctcbench_components():\n    return [f]",
        "is its decorator (@backbone, @head, …) missing?",
    ),
    "has_an_option_before_the_star": (
        "from ctcbench import backbone, hookimpl\n@backbone\ndef b(image, width: int = 3):\n    'Doc.'\n",
        "b(image, width: int = 3): the builder of a backbone is (image: ImageSpec, *, option: … = …)",
    ),
    "takes_any_options": (
        "from ctcbench import executor\n@executor\ndef e(**options):\n    'Doc.'\n",
        "the builder of an executor is (*, option: … = …)",
    ),
    "decorates_a_class": (
        "from ctcbench import head\n@head\nclass Head:\n    'Doc.'\n",
        "a builder is a function with a name",
    ),
    "has_pydantics_default": (
        "from ctcbench import backbone, hookimpl\nfrom pydantic import Field\n@backbone\n"
        "def b(image, *, width: int = Field(8, ge=1)):\n    'Doc.'\n"
        "@hookimpl\ndef ctcbench_components():\n    return [b]",
        "the default of option 'width' is a Field; write width: Annotated[",
    ),
    "has_an_option_nobody_can_type": (
        "from ctcbench import backbone, hookimpl\n@backbone\n"
        "def b(image, *, width: dict[str, int] = {}):\n    'Doc.'\n"
        "@hookimpl\ndef ctcbench_components():\n    return [b]",
        "option 'width' is of dict[str, int], which nobody can type",
    ),
    "lists_a_module": (
        "import json.decoder\nfrom ctcbench import hookimpl\n"
        "@hookimpl\ndef ctcbench_components():\n    return [json.decoder]",
        "decoder.py hides what else in the package has its name; rename the file",
    ),
    "has_an_untyped_option": (
        "from ctcbench import backbone, hookimpl\n@backbone\ndef b(image, *, width=3):\n    'Doc.'\n"
        "@hookimpl\ndef ctcbench_components():\n    return [b]",
        "option 'width' has no type",
    ),
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install a plugin for this process: a module, and the metadata that makes it an entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def one(name, code, distribution=None):
        distribution = distribution or f"ctcbench-{name}"
        module = f"plugin_{name}_{distribution.replace('-', '_')}"
        (tmp_path / f"{module}.py").write_text(code, encoding="utf-8")
        metadata = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (metadata / "entry_points.txt").write_text(f"[ctcbench]\n{name} = {module}\n")

    return one


@pytest.mark.parametrize("name", BROKEN)
def test_one_broken_plugin_never_breaks_the_program(install, name):
    code, reason = BROKEN[name]
    install(name, code)
    install("good", GOOD.format(name="good"))
    registry = load_registry([name, "good"])
    (failed,) = registry.failed
    assert failed.owner == f"ctcbench-{name} ({name})"
    assert reason in failed.error
    assert "Traceback" in failed.traceback or "Error" in failed.traceback
    assert registry.get("backbone", "good").summary == "Does nothing much."
    assert registry.get("backbone", "cnn3")
    with pytest.raises(UsageError) as error:
        registry.get("backbone", "cnn9")
    for word in [
        "no backbone 'cnn9'; did you mean 'cnn",
        "there are: cnn2, cnn3, cnn5, cnn7, columns, good",
        failed.owner,
        reason,
    ]:
        assert word in str(error.value)


def test_hooks_of_a_disabled_plugin_are_not_called(install, tmp_path):
    install(
        "half",
        "import pathlib\nfrom ctcbench import hookimpl\n@hookimpl\ndef ctcbench_components():\n    return 7\n"
        f"@hookimpl\ndef ctcbench_run_started(run):\n    pathlib.Path({str(tmp_path / 'heard')!r}).touch()\n",
    )
    registry = load_registry(["half"])
    assert registry.failed
    registry.call_hooks("ctcbench_run_started", pytest.fail, run=None)
    assert not (tmp_path / "called").exists()


def test_two_owners_of_a_name_are_both_named_and_the_rest_works(install):
    install("one", GOOD.format(name="twice"))
    install("two", GOOD.format(name="twice"))
    registry = load_registry(["one", "two"])
    with pytest.raises(
        Exception, match=r"'twice' has 2 owners: ctcbench-one \(one\) and ctcbench-two \(two\)"
    ):
        registry.get("backbone", "twice")
    assert len(registry.conflicts) == 1
    assert registry.get("backbone", "cnn3")


def test_a_plugin_cant_take_a_built_in_name(install):
    install("thief", GOOD.format(name="cnn3"))
    install("other", GOOD.format(name="other"))
    with pytest.raises(
        Exception,
        match=r"2 owners: ctcbench \(builtin\) and ctcbench-thief .*go without .*CTCBENCH_PLUGINS=other$",
    ):
        load_registry(["thief", "ctcbench-other"]).get("backbone", "cnn3")


def test_the_environment_chooses_plugins(install, monkeypatch):
    install("good", GOOD.format(name="good"))
    for chosen, there in [("good", True), ("", False), (" good ,", True)]:
        monkeypatch.setenv("CTCBENCH_PLUGINS", chosen)
        assert ("good" in load_registry().components("backbone")) is there
    monkeypatch.setenv("CTCBENCH_PLUGINS", "goood")
    with pytest.raises(UsageError, match="CTCBENCH_PLUGINS: no plugin 'goood'; did you mean 'good'"):
        load_registry()


def test_a_builder_that_fails_is_named_with_its_owner(install):
    install("bad", GOOD.format(name="bad").replace("from torch import nn", "raise ValueError('no')"))
    from ctcbench import ImageSpec

    says = (
        r"ctcbench-bad \(bad\): backbone 'bad' could not be built: ValueError\('no'\) \(plugin_bad.*py:\d+\)"
    )
    with pytest.raises(Exception, match=says):
        load_registry(["bad"]).build("backbone", "bad", ImageSpec(40, 150))


def test_what_a_plugin_prints_on_import_goes_to_standard_error(install, capsys):
    install("chatty", "print('hello')\n" + GOOD.format(name="chatty"))
    assert not load_registry(["chatty"]).failed
    assert capsys.readouterr() == ("", "hello\n")


def test_the_frame_of_a_plugin_that_raised_an_error_is_found(install):
    install("worse", "def helper():\n    return 1 / 0\n" + GOOD.format(name="worse"))
    module = load_registry(["worse"]).plugins[-1].module
    with pytest.raises(ZeroDivisionError) as failed:
        module.helper()
    assert find_plugin_frame(failed.value) == ("ctcbench-worse (worse)", "plugin_worse_ctcbench_worse.py:2")
    with pytest.raises(ZeroDivisionError) as ours:
        _ = 1 / 0
    assert find_plugin_frame(ours.value) is None


def test_a_tracker_that_fails_is_not_called_again_and_its_components_stay(install):
    code = (
        "from ctcbench import hookimpl\n@hookimpl\ndef ctcbench_run_started(run):\n    raise OSError('full')"
    )
    install("tracker", code + "\n" + GOOD.format(name="its_own"))
    registry = load_registry(["tracker"])
    notices = []
    for _ in range(2):  # the second time it is not called again
        registry.call_hooks("ctcbench_run_started", notices.append, run=None)
    (notice,) = notices
    assert notice.startswith("plugin ctcbench-tracker (tracker) is not called again in this run")
    assert "OSError('full')" in notice
    assert registry.get("backbone", "its_own")  # what the run is made of must stay


def test_canonical_strings_leave_defaults_out_or_write_all(registry):
    assert registry.resolve("backbone", "cnn3: norm=batch, width=64") == "cnn3"
    assert registry.resolve("backbone", "cnn3:dropout=0.50,width=32") == "cnn3:width=32,dropout=0.5"
    every = registry.resolve("backbone", "cnn3", every=True)
    assert every == "cnn3:width=64,norm=batch,activation=relu,dropout=0.0"


def test_loading_takes_neither_torch_nor_numpy():
    code = (
        "import sys; from ctcbench.registry.discovery import load_registry\n"
        "assert load_registry([]).components('backbone')\n"
        "assert not {'torch', 'numpy', 'PIL', 'captcha'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
