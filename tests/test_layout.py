"""The layout: imports follow docs/architecture.md, files stay small, the core names no component."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "ctcbench"
HEAVY = ("torch", "numpy")
LONGEST = 260  # lines
# Templates of `ctcbench new` are no modules of the package.
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if "templates" not in path.parts]


def tables():
    """Return the rows of the two tables under "Layers": [name, what it holds, last cell]."""
    section = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("\n## Layers\n")[2]
    lines = section.partition("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" |")] for line in lines if line.startswith("|")]
    starts = [index for index, row in enumerate(rows) if row[0] in ("layer", "folder")]
    assert starts == [0, starts[-1]]
    return rows[2 : starts[1]], rows[starts[1] + 2 :]


LAYERS = {row[0].strip("`"): row[2].split() for row in tables()[0]}
ORDER = list(LAYERS)


def allowed_beside(cell):
    """Return the rows that a folder beside the layers may import, from its cell of the second table."""
    if until := re.fullmatch(r"every layer down to `(\w+)`", cell):
        return set(ORDER[: ORDER.index(until[1]) + 1])
    return set(re.findall(r"`(\w+)`", cell))


BESIDE = {row[0].strip("`"): allowed_beside(row[2]) for row in tables()[1]}


def row_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def allowed_for(row):
    """Return the rows that files of a row may import; "" is the package itself, which imports lazily."""
    if row in BESIDE:
        return BESIDE[row] | {row, ""}
    above = {*ORDER[: ORDER.index(row) + 1], ""}
    return above | {"scaffold"} if row == "cli" else above


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def for_type_checkers(node):
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def statements(body, *, inside_functions):
    """Yield the import statements of a body, except those for type checkers only."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif for_type_checkers(node):
            continue
        elif inside_functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inner = [
                child
                for child in ast.iter_child_nodes(node)
                if isinstance(child, ast.stmt | ast.ExceptHandler)
            ]
            yield from statements(inner, inside_functions=inside_functions)


def modules(node, path):
    """Return the names that an import statement of a file may load: modules, or names in a module."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    # Relative to the folder of the file, or to one above it.
    around = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
    module = ".".join([*around, *([node.module] if node.module else [])])
    return [module, *(f"{module}.{alias.name}" for alias in node.names)]


def imported_rows(path):
    """Return the rows of the package that a file imports, inside functions too; "" is the package itself."""
    rows = set()
    for node in statements(tree_of(path).body, inside_functions=True):
        names = [name.split(".") for name in modules(node, path)]
        within = [name[1] for name in names if name[0] == "ctcbench" and len(name) > 1]
        known = [row for row in within if row in LAYERS or row in BESIDE]
        if within or ["ctcbench"] in names:
            rows.update(known or [""])
    return rows


MODULE_FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES
}


@cache
def loaded_at_import(path):
    """Return the heavy packages that a file imports at module level, and the modules of the package."""
    names = [
        n for node in statements(tree_of(path).body, inside_functions=False) for n in modules(node, path)
    ]
    return {n.split(".")[0] for n in names} & set(HEAVY), {n for n in names if n in MODULE_FILES}


def heavy_packages(path):
    """Return the heavy packages that importing a file loads, through other modules of the package too."""
    found, seen, waiting = set(), set(), [path]
    while waiting:
        heavy, imported = loaded_at_import(waiting.pop())
        found |= heavy
        # Importing a module runs the __init__ of each package around it.
        around = {".".join(m.split(".")[:n]) for m in imported for n in range(1, m.count(".") + 2)}
        waiting += [MODULE_FILES[module] for module in around - seen]
        seen |= around
    return found


def test_the_page_has_every_folder_and_every_module_beside_them():
    rows = {row_of(path) for path in FILES} - {"__init__"}
    assert rows == LAYERS.keys() | BESIDE.keys()
    assert {package for listed in LAYERS.values() for package in listed} <= set(HEAVY)


# The tests below name every wrong file at once: a test for each file and rule would be a fifth of the suite.


def with_findings(find, files=FILES):
    """Return what `find` returns for each file, by the file's name, without those that return nothing."""
    found = {str(path.relative_to(PACKAGE)): find(path) for path in files}
    return {name: wrong for name, wrong in found.items() if wrong}


def test_imports_point_upwards():
    modules = [path for path in FILES if row_of(path) != "__init__"]
    assert with_findings(lambda path: imported_rows(path) - allowed_for(row_of(path)), modules) == {}


def test_importing_loads_no_more_than_the_page_lists():
    def unlisted(path):
        listed = set(LAYERS.get(row_of(path), ()))
        return heavy_packages(path) - listed - ({"numpy"} if "torch" in listed else set())

    assert with_findings(unlisted, [path for path in FILES if row_of(path) not in BESIDE]) == {}


def test_the_decoders_import_only_each_other_and_numpy():
    """They are also built as the package ctcbench_decoder, so they import each other relatively."""
    allowed = sys.stdlib_module_names | {"numpy"}

    def others(path):
        found = imported_rows(path) - {"decoding"}
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names} - allowed
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found |= {node.module.split(".")[0]} - allowed
        return found

    decoding = [path for path in FILES if row_of(path) == "decoding"]
    assert len(decoding) > 20
    assert with_findings(others, decoding) == {}


def test_every_module_has_a_docstring_and_stays_small():
    assert with_findings(lambda path: not ast.get_docstring(tree_of(path))) == {}
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert with_findings(lambda path: lines[path] > LONGEST and lines[path]) == {}, "split these modules"


NAMED = {
    "legacy_settings.py": {"muon"},  # `muon_scale` was a setting of earlier versions
    "set_formats.py": {"lmdb", "parquet"},  # formats of files, which have the names of their readers
    "written_sets.py": {"lmdb", "parquet"},
    "provenance.py": {"captcha"},  # the library, whose version is recorded under the name of its package
}


def test_the_core_names_no_component(registry):
    names = {
        name
        for kind in ("backbone", "head", "optimizer", "decoder", "dataset")
        for name in registry.components(kind)
    }
    names -= {"none", "folder", "beam", "greedy"}  # English words as well
    for path in FILES:
        if row_of(path) in ("builtin", "__init__", "reporting", "cli", "testing", "benchmarks"):
            continue
        strings = {
            node.value
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        named = (names & strings) - NAMED.get(path.name, set())
        assert not named, f"{path} names {named}"
