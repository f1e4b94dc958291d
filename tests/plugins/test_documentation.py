"""The README's tutorial is followed to the letter, and docs/plugins.md misses no hook and no kind."""

import ast
import os
import re
import shlex
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import ctcbench
from ctcbench import ImageSpec, testing
from ctcbench.contract import hooks
from ctcbench.contract.components import KINDS, Component
from ctcbench.testing import check_component

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "plugins.md"
TEXT = PAGE.read_text(encoding="utf-8")
README = ROOT / "README.md"
TUTORIAL = (
    README.read_text(encoding="utf-8")
    .partition("## From nothing to a working backbone")[2]
    .partition("\n## ")[0]
)
_BLOCK = re.compile(r"(?:^`(?P<file>[\w./]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.M | re.S)


def blocks(kind):
    return [match["body"] for match in _BLOCK.finditer(TUTORIAL) if match["kind"] == kind]


@pytest.fixture
def newcomer(tmp_path):
    """A virtual environment of its own, in which what the tests run with is installed already."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    [site] = (home / "lib").glob("python*/site-packages")
    ours = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    (site / "ours.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in ours))
    for command in ("ctcbench", "pytest", "pip"):
        script = home / "bin" / command
        script.write_text(f'#!/bin/sh\nexec "{home}/bin/python" -m {command} "$@"\n')
        script.chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if k not in ("CTCBENCH_PLUGINS", "PYTHONPATH")}
    return environment | {
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(home),
        "OMP_NUM_THREADS": "1",
        # What a build would fetch from a package index is here already.
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_NO_INDEX": "1",
    }


def test_the_tutorial_is_followed_to_the_letter(newcomer, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    said = {}
    for match in _BLOCK.finditer(TUTORIAL):
        if match["file"]:
            (folder / match["file"]).write_text(match["body"], encoding="utf-8")
        elif match["kind"] == "sh":
            for line in match["body"].splitlines():
                words = shlex.split(line, comments=True)
                if words[0] == "cd":
                    folder = folder / words[1]
                    continue
                done = subprocess.run(words, cwd=folder, env=newcomer, capture_output=True, text=True)
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
                said[line] = done.stdout
    new = next(said[line] for line in said if line.startswith("ctcbench new"))
    assert blocks("text")[0].strip() in new
    short = new.rpartition("ctcbench run --backbone tall ")[2].strip()
    assert short and any(line.startswith("ctcbench run") and line.endswith(f" {short}") for line in said)
    assert "ctcbench-tall" in said["ctcbench plugins"]
    assert len(re.findall("exact", said[list(said)[-1]])) >= 1
    wrong = ["ctcbench", "run", "--backbone", "tall:width=4"]
    refused = subprocess.run(wrong, cwd=folder, env=newcomer, capture_output=True, text=True)
    assert refused.returncode == 2
    assert re.search(r"width=4: .* \(allowed: whole number, 8 to 256\)$", refused.stderr.strip())
    assert "width=4: … (allowed: whole number, 8 to 256)" in TUTORIAL.replace("\n", " ")


def test_the_broken_rule_reads_as_shown():
    from torch import nn

    tall = {}
    exec(compile(blocks("python")[0], str(README), "exec"), tall)  # the page's own code
    sound = tall["tall"]

    def flattened(image):
        """The backbone with a Flatten at its end."""
        return nn.Sequential(*sound(image), nn.Flatten())

    flattened.__name__ = "tall"
    with pytest.raises(AssertionError) as failed:
        check_component(Component("backbone", flattened))
    assert str(failed.value) == blocks("text")[1].strip()
    assert sound(ImageSpec(40, 150)) is not None


def test_every_hook_kind_and_name_of_the_kit_is_on_the_page():
    known = [name for name in vars(hooks) if name.startswith("ctcbench_")]
    assert len(known) >= 5
    assert [name for name in known if f"`{name}(" not in TEXT] == []
    assert [kind for kind in KINDS if f"| `{kind}` |" not in TEXT] == []
    assert [name for name in testing.__all__ if name not in TEXT] == []


def test_every_example_is_on_the_page():
    packages = [path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml")]
    assert packages and [name for name in packages if f"`{name}`" not in TEXT] == []


def test_type_checkers_see_every_name_that_is_loaded_at_first_use():
    tree = ast.parse(Path(ctcbench.__file__).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {node.module: {alias.name for alias in node.names} for node in block.body}
    assert seen == {module: set(names) for module, names in ctcbench._HOMES.items()}
    assert set(ctcbench.__all__) == {"__version__", *ctcbench._HOME_OF}
