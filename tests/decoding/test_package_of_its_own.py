"""The folder of the decoders as the package `ctcbench_decoder`; tests/packaging builds its distribution."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ctcbench import decoding

ROOT = Path(__file__).parents[2]
DECODER = ROOT / "plugins" / "ctcbench-decoder"

USE = """
import sys
import ctcbench_decoder as alone
assert "numpy" not in sys.modules
best = alone.beam_search([[-0.1, -2.4], [-2.4, -0.1]])[0]
for name in alone.__all__:
    getattr(alone, name)
loaded = {name.partition(".")[0] for name in sys.modules}
assert not loaded & {"ctcbench", "torch", "pydantic", "rich"}, loaded

# Both in one process, as when a program uses ctcbench and a library ctcbench-decoder.
from ctcbench import decoding
for name in decoding.__all__:
    getattr(decoding, name)
assert decoding.beam_search([[-0.1, -2.4], [-2.4, -0.1]])[0] == best
for package in (alone, decoding):
    try:
        package.beam_search([[float("nan"), 0.0]])
    except ValueError as error:
        assert "class 0 is nan" in str(error)

try:
    alone.read_ngram_model(sys.argv[1])
except alone.InputError as error:
    assert "KenLM crashed on it (SIGSEGV)" in str(error), error
"""

CRASHING_KENLM = """
import os, signal
class LoadMethod: READ = 0
class Config: pass
def Model(path, config): os.kill(os.getpid(), signal.SIGSEGV)
"""


def test_it_is_used_without_ctcbench_and_beside_it(tmp_path):
    # A copy: from a link the dynamic linker would load the same extension module, not a second one.
    package = tmp_path / "ctcbench_decoder"
    shutil.copytree(ROOT / "ctcbench" / "decoding", package, ignore=shutil.ignore_patterns("__pycache__"))
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n{USE}"
    (tmp_path / "kenlm.py").write_text(CRASHING_KENLM)
    model = Path(__file__).parent / "lm" / "kenlm_files" / "words.trie"
    done = subprocess.run([sys.executable, "-c", code, str(model)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("link", "target"), [("csrc", "csrc"), ("ctcbench_decoder", "ctcbench/decoding")])
def test_its_project_has_the_sources_of_the_repository(link, target):
    assert (DECODER / link).is_symlink() and (DECODER / link).resolve() == (ROOT / target).resolve()


def test_both_distributions_have_one_version_and_the_same_bounds():
    ours, alone = (
        tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        for folder in (ROOT, DECODER)
    )
    assert alone["version"] == ours["version"] == decoding.__version__
    assert alone["requires-python"] == ours["requires-python"]
    assert set(alone["dependencies"]) <= set(ours["dependencies"])
    for extra, needs in alone["optional-dependencies"].items():
        assert extra == "test" or needs == ours["optional-dependencies"][extra]


def test_every_class_of_the_extension_is_local_to_it():
    """On macOS classes are compared by name: a second extension with the same one could not be loaded."""
    found = 0
    for file in sorted((ROOT / "csrc").glob("bindings*.cpp")):
        source = file.read_text(encoding="utf-8")
        for declared in re.finditer(r"py::class_<[^;]*?\)", source, re.DOTALL):
            found += 1
            assert "py::module_local()" in source[declared.start() : declared.start() + 400], file.name
    assert found >= 5
