"""The layout: a file imports only from its own row and from rows above it, and files stay small."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ctcbench"
# In import order, as the design has them; `contract` first, the guests' side last.
ROWS = [
    "contract", "files", "processes", "registry", "config", "decoding", "evaluation", "results",
    "data", "training", "pipeline", "api", "study", "reporting", "benchmarks", "cli", "__main__",
]  # fmt: skip
# `builtin` is a plugin and imports what a plugin may import; `testing` serves the tests of plugins.
GUESTS = {
    "builtin": {"contract", "files", "processes", "decoding", "builtin", ""},
    "testing": {*ROWS[:12], "testing", ""},
}


def row_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rows(path):
    """Rows that a file imports, those for type checkers alone left out; "" is the package itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "ctcbench":
            parts = node.module.split(".")[1:]
            yield from (
                [parts[0]] if parts else [alias.name if alias.name in ROWS else "" for alias in node.names]
            )
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "ctcbench":
                    yield [*alias.name.split("."), ""][1]


FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if "scaffold" not in path.parts]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_up(path):
    row = row_of(path)
    if row == "__init__":
        return
    assert row in ROWS or row in GUESTS, f"{row} is not in the layout: give it a row"
    allowed = GUESTS[row] if row in GUESTS else {*ROWS[: ROWS.index(row) + 1], ""}
    if row == "cli":
        allowed = allowed | {"scaffold"}
    wrong = set(imported_rows(path)) - allowed
    assert not wrong, f"{path.name} of row {row} imports from {sorted(wrong)}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_says_what_lives_there_and_stays_small(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert len(text.splitlines()) <= 260, "split this module"


def test_the_core_names_no_component(registry):
    names = {
        name for kind in ("backbone", "head", "decoder", "dataset") for name in registry.components(kind)
    }
    names -= {"none", "folder", "beam", "greedy"}  # English words as well
    for path in FILES:
        if row_of(path) in ("builtin", "__init__", "reporting", "cli", "testing", "benchmarks"):
            continue
        strings = {
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        # The captcha library's version is recorded under the name of its package.
        named = (names & strings) - ({"captcha"} if path.name == "provenance.py" else set())
        assert not named, f"{path} names {named}"
