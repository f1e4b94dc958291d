"""Loading a plugin: one that is broken is disabled with the reason, and the others work."""

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.registry.discovery import load_registry
from tests.registry.plugin_code import GOOD

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
    "lists_a_decoder_that_is_no_text": (
        "from ctcbench import hookimpl\n@hookimpl\ndef ctcbench_compared_decoders():\n    return [7]",
        "ctcbench_compared_decoders listed 7, which is no str",
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
    "has_an_option_that_can_not_be_typed": (
        "from ctcbench import backbone, hookimpl\n@backbone\n"
        "def b(image, *, width: dict[str, int] = {}):\n    'Doc.'\n"
        "@hookimpl\ndef ctcbench_components():\n    return [b]",
        "option 'width' is of dict[str, int], which can't be written in a component string",
    ),
    "lists_a_module": (
        "import json.decoder\nfrom ctcbench import hookimpl\n"
        "@hookimpl\ndef ctcbench_components():\n    return [json.decoder]",
        "decoder.py replaces the component of the same name in its package; rename the file",
    ),
    "has_an_untyped_option": (
        "from ctcbench import backbone, hookimpl\n@backbone\ndef b(image, *, width=3):\n    'Doc.'\n"
        "@hookimpl\ndef ctcbench_components():\n    return [b]",
        "option 'width' has no type",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_plugin_is_disabled_and_others_are_loaded(install, name):
    code, reason = BROKEN[name]
    install(name, code)
    install("good", GOOD.format(name="good"))
    registry = load_registry([name, "good"])
    (failed,) = registry.failed
    assert failed.owner == f"ctcbench-{name} ({name})"
    assert reason in failed.error
    assert "Traceback" in failed.traceback or "Error" in failed.traceback
    assert registry.get("backbone", "good").summary == "One convolution."
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
    called = tmp_path / "called"
    install(
        "half",
        "import pathlib\nfrom ctcbench import hookimpl\n@hookimpl\ndef ctcbench_components():\n    return 7\n"
        f"@hookimpl\ndef ctcbench_run_started(run):\n    pathlib.Path({str(called)!r}).touch()\n",
    )
    registry = load_registry(["half"])
    assert registry.failed
    registry.call_hooks("ctcbench_run_started", pytest.fail, run=None)
    assert not called.exists()


def test_the_output_of_an_import_goes_to_standard_error(install, capsys):
    install("printing", "print('hello')\n" + GOOD.format(name="printing"))
    assert not load_registry(["printing"]).failed
    assert capsys.readouterr() == ("", "hello\n")
