"""Names are unique: no two modules share a basename, no two public classes a name."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "ctcbench"
FILES = sorted(PACKAGE.rglob("*.py"))


def _repeated(named: list[tuple[str, Path]]) -> dict[str, list[str]]:
    found = defaultdict(list)
    for name, path in named:
        found[name].append(str(path.relative_to(PACKAGE)))
    return {name: paths for name, paths in found.items() if len(paths) > 1}


def test_no_two_modules_share_a_basename() -> None:
    modules = [(path.stem, path) for path in FILES if path.stem not in ("__init__", "__main__")]
    assert _repeated(modules) == {}


def test_no_two_public_classes_share_a_name() -> None:
    classes = [
        (node.name, path)
        for path in FILES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert _repeated(classes) == {}
