"""The sdist and the wheel: their files and metadata, and an installation in a clean environment."""

import importlib.metadata
import os
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent.parent

USE = """
import sys
import ctcbench
from ctcbench.registry.discovery import load_registry
from ctcbench.decoding import beam_search
import numpy as np

assert "site-packages" in ctcbench.__file__, ctcbench.__file__
loaded = load_registry([])
assert not loaded.failed and loaded.get("backbone", "cnn3")
assert "torch" not in sys.modules
(best,) = beam_search(np.log([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]))
assert best.labels == (1, 1), best
from ctcbench.config.presets import preset_names
assert "talk-final" in preset_names()
"""


@pytest.mark.landing
def test_the_sdist_has_what_the_wheel_is_built_from(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "setup.py", "LICENSE", "README.md", "csrc/bindings.cpp"} <= names
    assert any(name.endswith(".hpp") for name in names)
    assert not any(name.endswith((".so", ".pyc")) for name in names)


@pytest.mark.landing
def test_the_wheel_is_complete_and_says_what_it_is(built):
    with zipfile.ZipFile(built[1]) as archive:
        names = archive.namelist()
        metadata = archive.read(next(n for n in names if n.endswith("METADATA"))).decode()
        points = archive.read(next(n for n in names if n.endswith("entry_points.txt"))).decode()
    packaged = {str(path.relative_to(ROOT)) for path in (ROOT / "ctcbench").rglob("*.py")}
    packaged |= {str(path.relative_to(ROOT)) for path in (ROOT / "ctcbench/config/presets").glob("*.toml")}
    for folder in ("scaffold", "reporting/formats/html/templates"):
        found = (ROOT / "ctcbench" / folder).rglob("*")
        packaged |= {str(path.relative_to(ROOT)) for path in found if path.is_file()}
    packaged = {name for name in packaged if "__pycache__" not in name}
    assert packaged <= set(names), packaged - set(names)
    assert {"ctcbench/py.typed", "ctcbench/decoding/_core.pyi"} <= set(names)
    assert not any(name.startswith(("tests", "csrc", "plugins")) for name in names)
    for line in ["License-Expression: MIT", "Requires-Python: >=3.11", "Classifier: Typing :: Typed",
                 "Project-URL: ", "Summary: "]:  # fmt: skip
        assert line in metadata
    assert "builtin = ctcbench.builtin" in points
    assert "ctcbench = ctcbench.__main__:main" in points


def link_required(site):
    """Link the packages that ctcbench requires, and those that these require, from this environment."""
    (ours,) = importlib.metadata.distributions(name="ctcbench", path=[str(site)])
    asked, found = list(ours.requires), set()
    while asked:
        requirement = Requirement(asked.pop())
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if not wanted or requirement.name in found:
            continue
        found.add(requirement.name)
        package = importlib.metadata.distribution(requirement.name)
        asked += package.requires or []
        for name in {path.parts[0] for path in package.files} - {"..", "__pycache__"}:
            if not (site / name).exists():
                (site / name).symlink_to(package.locate_file(name))


def try_out(python, folder, run):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "CTCBENCH"))}
    run(str(python), "-c", USE, cwd=folder, env=environment)
    command = (str(python.with_name("ctcbench")), "show", "--backbone", "cnn2")
    assert "75" in run(*command, cwd=folder, env=environment)


@pytest.mark.landing
def test_it_works_in_an_environment_of_the_packages_that_it_requires(built, run, tmp_path):
    venv.create(tmp_path / "clean")
    python = tmp_path / "clean" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(python))
    run(*pip, "install", "--quiet", "--no-compile", "--no-deps", "--no-index", str(built[1]))
    (site,) = (tmp_path / "clean" / "lib").glob("python*/site-packages")
    link_required(site)
    assert "No broken requirements" in run(*pip, "check")
    try_out(python, tmp_path, run)


@pytest.mark.slow  # the test above is the same without pip's installation of torch, which takes most of it
def test_it_installs_and_works_in_a_clean_environment(built, run, tmp_path):
    run(sys.executable, "-m", "venv", str(tmp_path / "clean"))
    python = tmp_path / "clean" / "bin" / "python"
    constraints = str(ROOT / "constraints.txt")
    # Compiling all of torch to bytecode takes longer than the rest of the installation.
    install = ("-m", "pip", "install", "--quiet", "--no-compile", "--constraint", constraints)
    run(str(python), *install, str(built[1]))
    try_out(python, tmp_path, run)


def test_the_oldest_releases_that_are_tried_are_the_oldest_that_are_admitted():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [Requirement(text) for text in project["dependencies"] + project["optional-dependencies"]["test"]]
    lines = (ROOT / "constraints-oldest.txt").read_text().splitlines()
    pinned = [Requirement(line) for line in lines if not line.startswith("#")]
    tried = {one.name: Version(part.version) for one in pinned for part in one.specifier}
    for one in asked:
        (lowest,) = (Version(part.version) for part in one.specifier if part.operator == ">=")
        assert tried[one.name] == lowest, f"{one} admits {lowest}, tried is {tried[one.name]}"
