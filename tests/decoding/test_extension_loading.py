"""load_extension(): an extension that does not belong to the sources; the types against what is exported."""

import ast
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from ctcbench.builtin.captcha_composer import _captcha_canvas
from ctcbench.decoding import _core
from ctcbench.decoding.extension_loading import load_extension
from ctcbench.decoding.user_errors import UsageError

ROOT = Path(__file__).parents[2]
TRY_TWICE = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
import ctcbench_decoder
for name in ("beam", "labelling_scores", "beam"):
    try:
        importlib.import_module(f"ctcbench_decoder.{name}")
    except ctcbench_decoder.UsageError as error:
        print(error)
"""


def declared(stub):
    """Return each name of a file of types with the parameters of the function, or of each method."""
    found = {}
    for node in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign):
            found[node.target.id] = None
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = parameters(node)
        elif isinstance(node, ast.ClassDef):
            methods = [one for one in node.body if isinstance(one, ast.FunctionDef)]
            plain = [one for one in node.body if isinstance(one, ast.AnnAssign)]
            found[node.name] = {one.name: None if one.decorator_list else parameters(one) for one in methods}
            found[node.name] |= {one.target.id: None for one in plain}
    return found


def parameters(function):
    return [one.arg for one in function.args.args + function.args.kwonlyargs if one.arg != "self"]


def exported(module):
    """Return the same of an extension; pybind11 writes signatures into the docstrings."""
    found = {}
    for name, value in vars(module).items():
        if isinstance(value, type):
            # An enum has these attributes besides its values, and an __init__ that nobody calls.
            enum = hasattr(value, "__members__")
            hidden = ("name", "value", "__init__") if enum else ()
            members = {key: one for key, one in vars(value).items() if key not in hidden}
            found[name] = {
                key: signature(one)
                for key, one in members.items()
                if key[0] != "_" or (key == "__init__" and signature(one))
            }
        elif not name.startswith("__"):
            found[name] = signature(value)
    return found


def signature(value):
    text = (value.__doc__ or "").partition("\n")[0] if callable(value) else ""
    # "Initialize self." is the docstring of a class without a constructor.
    if "(" not in text or text.startswith("Initialize"):
        return None
    return [name for name in re.findall(r"[(,] ?(\w+): ", text) if name != "self"]


@pytest.mark.parametrize(
    ("module", "stub"),
    [(_core, "decoding/_core.pyi"), (_captcha_canvas, "builtin/_captcha_canvas.pyi")],
)
def test_the_types_name_what_the_extension_exports_with_its_parameters(module, stub):
    assert exported(module) == declared(ROOT / "ctcbench" / stub)


def refused(folder, *, root):
    done = subprocess.run([sys.executable, "-c", TRY_TWICE, folder], capture_output=True, text=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 3 and len(set(lines)) == 1, done.stdout + done.stderr
    assert f"{sys.executable} -m pip install --no-deps {root}" in lines[0]
    return lines[0]


def test_an_extension_of_other_sources_is_refused_at_every_import(tmp_path):
    package = tmp_path / "ctcbench_decoder"
    shutil.copytree(ROOT / "ctcbench" / "decoding", package, ignore=shutil.ignore_patterns("__pycache__"))
    stub = package / "_core.pyi"
    stub.write_text(stub.read_text() + "def of_tomorrow() -> None: ...\n")
    reinstall = "--force-reinstall ctcbench-decoder"
    line = refused(tmp_path, root=reinstall)
    assert line.startswith(
        "the C++ extension ctcbench_decoder._core was built from another version of the sou"
    )
    (tmp_path / "setup.py").touch()  # a clone of the repository
    (extension,) = package.glob("_core.*.so")
    extension.unlink()
    assert " is not built for Python 3." in refused(tmp_path, root=f"--editable {tmp_path}")


def test_line_ends_are_no_difference_and_missing_types_are_not_compared(tmp_path, monkeypatch):
    package = tmp_path / "loading_example"
    package.mkdir()
    (package / "__init__.py").touch()
    stamp = zlib.crc32(b"a: int\n")
    (package / "_part.py").write_text(f"interface_stamp = {stamp}\n")
    monkeypatch.syspath_prepend(tmp_path)
    for types in (None, b"a: int\n", b"a: int\r\n"):
        if types:
            (package / "_part.pyi").write_bytes(types)
        assert load_extension("loading_example", "_part").__name__ == "loading_example._part"
    (package / "_part.pyi").write_bytes(b"a: str\n")
    with pytest.raises(UsageError, match="build it again"):
        load_extension("loading_example", "_part")
