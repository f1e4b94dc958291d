"""`ctcbench plugins` and other commands with broken plugins: each is named with the reason."""

from __future__ import annotations

import json
import sys
import textwrap

from tests.cli.cli_cases import GOOD, Cli, Plugins

BROKEN = {
    "fails-at-import": ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
    "no-such-import": ("import does_not_exist_anywhere", "ModuleNotFoundError"),
    "exits": ("raise SystemExit(3)", "SystemExit"),
    "syntax": ("def (:", "SyntaxError"),
    "raises-in-hook": (
        """
        from ctcbench import hookimpl
        @hookimpl
        def ctcbench_components():
            return 1 / 0
        """,
        "ZeroDivisionError",
    ),
    "misspelt": (
        """
        from ctcbench import hookimpl
        @hookimpl
        def ctcbench_component():
            return []
        """,
        "did you mean 'ctcbench_components'?",
    ),
    "no-hook": ("answer = 42", "has no hook at all"),
    "unmarked": (
        """
        def ctcbench_components():
            return []
        """,
        "@hookimpl",
    ),
    "not-a-component": (
        """
        from ctcbench import hookimpl
        def bare(image):
            "Not marked."
        @hookimpl
        def ctcbench_components():
            return [bare]
        """,
        "decorator",
    ),
    "no-type": (
        """
        from ctcbench import backbone, hookimpl
        @backbone
        def untyped(image, *, width=3):
            "Has an option without a type."
        @hookimpl
        def ctcbench_components():
            return [untyped]
        """,
        "option 'width' has no type",
    ),
}


def test_every_broken_plugin_is_named_with_its_reason(cli: Cli, plugins: Plugins) -> None:
    for name, (source, _) in BROKEN.items():
        plugins.add(name, source)
    plugins.add("good", GOOD.format(name="deep", summary="A deep one."))
    ended = cli("plugins", "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    found = {plugin["name"]: plugin for plugin in json.loads(ended.stdout)["plugins"]}
    for name, (_, reason) in BROKEN.items():
        assert reason in found[name]["error"], name
        assert found[name]["components"] == []
        assert "Traceback" in found[name]["traceback"] or "Error" in found[name]["traceback"]
        assert (found[name]["distribution"], found[name]["version"]) == (name, "1.2")
    assert found["good"]["error"] is None
    assert found["good"]["components"] == [{"kind": "backbone", "name": "deep", "summary": "A deep one."}]

    table = cli("plugins", "--tracebacks")
    assert table.returncode == 0
    assert "no licence" in table.stdout and "raise RuntimeError" in table.stdout

    shown = cli("run", "--help")
    assert shown.returncode == 0
    assert "deep" in shown.stdout and "A deep one. [good]" in shown.stdout and "blocks deep" in shown.stdout
    assert "not loaded: misspelt" in shown.stdout

    missing = cli("run", "--backbone", "untyped")
    assert missing.returncode == 2
    (line,) = missing.stderr.splitlines()
    assert "no backbone 'untyped'" in line and "not loaded" in line and "no-type" in line

    worked = cli("show", "--backbone", "deep:depth=2", "--json")
    assert worked.returncode == 0, worked.stderr
    assert json.loads(worked.stdout)["config"]["backbone"] == "deep:depth=2"


LOADS_TORCH = "import sys\nsys.modules.setdefault('torch', sys)\n"


def test_a_plugin_that_loads_torch_is_named(cli: Cli, plugins: Plugins, monkeypatch) -> None:
    for name in ("heavy", "later"):
        plugins.add(name, LOADS_TORCH + textwrap.dedent(GOOD.format(name=name, summary="A deep one.")))
    monkeypatch.delitem(sys.modules, "torch")
    listed = json.loads(cli("plugins", "--json").stdout)["plugins"]
    # The second one finds it loaded.
    assert [plugin["name"] for plugin in listed if plugin["loads_torch"]] == ["heavy"]
    del sys.modules["torch"]
    shown = " ".join(cli("plugins").stdout.split())
    assert "heavy: loads torch when it is imported, so that every command takes longer;" in shown


def test_two_owners_of_a_name_are_both_named(cli: Cli, plugins: Plugins) -> None:
    plugins.add("first-one", GOOD.format(name="deep", summary="One."))
    plugins.add("second-one", GOOD.format(name="deep", summary="Another."))
    ended = cli("run", "--backbone", "deep")
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "backbone 'deep' has 2 owners" in line and "first-one" in line and "second-one" in line
    assert "2 owners" in cli("plugins").stdout
    others = cli("show", "--json")
    assert others.returncode == 0, "a conflict matters only for the name that is used"
    alone = cli("show", "--backbone", "deep", "--json", CTCBENCH_PLUGINS="first-one")
    assert alone.returncode == 0, alone.stderr


def test_only_the_plugins_that_are_named_load(cli: Cli, plugins: Plugins) -> None:
    plugins.add("good", GOOD.format(name="deep", summary="A deep one."))
    plugins.add("bad", "raise RuntimeError('no licence')")
    none = cli("plugins", "--json", CTCBENCH_PLUGINS="")
    assert [plugin["name"] for plugin in json.loads(none.stdout)["plugins"]] == ["builtin"]
    one = cli("plugins", "--json", CTCBENCH_PLUGINS="good")
    assert [plugin["name"] for plugin in json.loads(one.stdout)["plugins"]] == ["builtin", "good"]
    wrong = cli("plugins", CTCBENCH_PLUGINS="godo")
    assert wrong.returncode == 2 and "did you mean 'good'?" in wrong.stderr
