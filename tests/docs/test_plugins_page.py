"""docs/plugins.md: it lists every hook, kind, type and field of the contract, and its options work."""

import ast
import dataclasses
import inspect
import json
import re
from pathlib import Path

import ctcbench
from ctcbench import Hypothesis, LogProbs, Sample, Source, testing
from ctcbench.contract import hooks
from ctcbench.contract.components import KINDS
from tests.docs.pages import DOCS, ROOT, definitions, read

PAGE = DOCS / "plugins.md"
TEXT = read(PAGE)


def code_of(heading):
    """Run the first Python block under a heading of the page, and return what it defines."""
    section = TEXT.partition(f"\n### {heading}\n")[2]
    return definitions(re.search(r"^```python\n(.*?)^```$", section, re.M | re.S)[1], PAGE)


def test_every_hook_kind_and_name_of_the_kit_is_listed():
    known = [name for name in vars(hooks) if name.startswith("ctcbench_")]
    assert len(known) >= 5
    assert [name for name in known if f"`{name}(" not in TEXT] == []
    assert [kind for kind in KINDS if f"| `{kind}` |" not in TEXT] == []
    assert [name for name in testing.__all__ if name not in TEXT] == []


def test_every_example_package_is_listed():
    packages = [path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml")]
    assert packages
    assert [name for name in packages if f"`{name}`" not in TEXT] == []


def test_type_checkers_see_every_name_that_is_loaded_at_first_use():
    tree = ast.parse(read(Path(ctcbench.__file__)))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {node.module: {alias.name for alias in node.names} for node in block.body}
    assert seen == {module: set(names) for module, names in ctcbench._HOMES.items()}
    assert set(ctcbench.__all__) == {"__version__", *ctcbench._HOME_OF}


def test_every_field_and_method_that_a_plugin_uses_is_listed():
    fields = [field.name for kind in (Sample, LogProbs) for field in dataclasses.fields(kind)]
    assert [name for name in (*fields, *Hypothesis._fields) if f"`{name}`" not in TEXT] == []
    for kind in (Sample, LogProbs, Hypothesis):
        given = [
            name if p.default is p.empty else f"{name}={json.dumps(p.default).replace('null', 'None')}"
            for name, p in inspect.signature(kind).parameters.items()
        ]
        assert f"`{kind.__name__}({', '.join(given)})`" in TEXT
    for name, method in inspect.getmembers(Source, inspect.isfunction):
        if not name.startswith("_"):
            signature = inspect.signature(method)
            given = ", ".join(list(signature.parameters)[1:])
            returned = signature.return_annotation.replace("|", "\\|")
            assert f"| `{name}({given}) -> {returned}` |" in TEXT
    for name, annotation in Source.__annotations__.items():
        assert f"| `{name}: {annotation}` |" in TEXT


def test_options_are_read_as_the_page_describes():
    lexicon = code_of("Options")["lexicon"]
    typed = {
        "words": "de.txt",
        "width": "7",
        "weight": "0",
        "unknown": "drop",
        "lengths": "3,4",
        "limit": "9",
    }
    assert lexicon.read(typed) == {
        "words": Path("de.txt"), "width": 7, "weight": 0.0, "unknown": "drop", "lengths": (3, 4), "limit": 9,
    }  # fmt: skip
    assert lexicon.read({"words": "de.txt"})["limit"] is None
