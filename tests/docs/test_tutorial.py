"""docs/tutorial.md: a newcomer's virtual environment, in which its commands are run and its files written."""

import os
import shlex
import subprocess
import sys
import venv

import pytest

from ctcbench import ImageSpec
from ctcbench.contract.components import Component
from ctcbench.testing import check_component
from tests.docs.pages import BLOCK, DOCS, ROOT, blocks, definitions, read

PAGE = DOCS / "tutorial.md"
# tests/scaffold runs the tests of a new package of every kind already.
RUN_ELSEWHERE = ["python -m pytest -q"]


@pytest.fixture
def newcomer(tmp_path):
    """Return the environment variables of a virtual environment that sees the packages of this one."""
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
        # What a build would fetch from a package index is installed already.
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_NO_INDEX": "1",
        # Plugins of pytest that only this suite needs take time to import.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


@pytest.mark.landing
def test_the_commands_work_and_print_what_the_page_shows(newcomer, tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    printed = {}
    for match in BLOCK.finditer(read(PAGE)):
        if match["file"]:
            (folder / match["file"]).write_text(match["body"], encoding="utf-8")
        elif match["kind"] == "sh":
            for line in match["body"].splitlines():
                if line in RUN_ELSEWHERE:
                    continue
                words = shlex.split(line, comments=True)
                if words[0] == "cd":
                    folder = folder / words[1]
                    continue
                done = subprocess.run(words, cwd=folder, env=newcomer, capture_output=True, text=True)
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
                printed[line] = done.stdout
    new = next(printed[line] for line in printed if line.startswith("ctcbench new"))
    assert blocks(PAGE, "text")[0].strip() in new
    short = new.rpartition("ctcbench run --backbone tall ")[2].strip()
    assert short
    assert any(line.startswith("ctcbench run") and line.endswith(f" {short}") for line in printed)
    assert "ctcbench-tall" in printed["ctcbench plugins"]
    assert "exact" in printed[list(printed)[-1]]


def tall():
    """Return the page's backbone, a component."""
    return definitions(blocks(PAGE, "python")[0], PAGE)["tall"]


def test_a_wrong_option_is_refused_as_shown(registry):
    with pytest.raises(Exception, match=r"width=4: .* \(allowed: whole number, 8 to 256\)$"):
        tall().read({"width": "4"})
    assert "width=4: … (allowed: whole number, 8 to 256)" in read(PAGE).replace("\n", " ")


def test_a_broken_rule_reads_as_shown():
    from torch import nn

    sound = tall()

    def flattened(image):
        """The backbone with a Flatten at its end."""
        return nn.Sequential(*sound(image), nn.Flatten())

    flattened.__name__ = "tall"
    with pytest.raises(AssertionError) as failed:
        check_component(Component("backbone", flattened))
    assert str(failed.value) == blocks(PAGE, "text")[1].strip()
    assert sound(ImageSpec(40, 150)) is not None
