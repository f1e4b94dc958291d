"""The build of a C++ extension: with ccache and without, with one job and several."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ctcbench.decoding.extension_loading import interface_stamp

pytestmark = [
    pytest.mark.landing,
    pytest.mark.skipif(sys.platform == "win32", reason="the programs are those of a Unix system"),
]
BUILDING = Path(__file__).parents[2] / "csrc" / "extension_building.py"
MODULE = """#include <Python.h>
int number();
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "small", nullptr, -1, nullptr,
                                 nullptr, nullptr, nullptr, nullptr};
extern "C" PyMODINIT_FUNC PyInit_small() {
  PyObject *module = PyModule_Create(&definition);
  if (module != nullptr) PyModule_AddIntConstant(module, "number", number());
  if (module != nullptr) PyModule_AddIntConstant(module, "stamp", INTERFACE_STAMP);
  return module;
}
"""
SETUP = f"""import runpy
from types import SimpleNamespace

from setuptools import setup

building = SimpleNamespace(**runpy.run_path({str(BUILDING)!r}))
setup(
    name="small",
    ext_modules=[building.make_extension("small", sources="src", headers="src")],
    cmdclass={{"build_ext": building.BuildExt}},
)
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "module.cpp").write_text(MODULE)
    (tmp_path / "src" / "number.cpp").write_text("int number() { return 42; }\n")
    (tmp_path / "small.pyi").write_text("number: int\n")
    (tmp_path / "setup.py").write_text(SETUP)
    (tmp_path / "bin").mkdir()
    for program in ("c++", "g++", "gcc", "cc", "clang", "clang++", "as", "ld"):
        if found := shutil.which(program):
            (tmp_path / "bin" / program).symlink_to(found)
    return tmp_path


def build(project, **environment):
    """Build the module in place with the programs in `bin` alone; return what was run."""
    environment = {**os.environ, "PATH": str(project / "bin"), **environment}
    command = [sys.executable, "setup.py", "build_ext", "--inplace", "--force"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    code = "import small; print(small.number, small.stamp)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=60
    )
    assert found.stdout == f"42 {interface_stamp(project / 'small.pyi')}\n", found.stderr
    return done.stdout


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_without_ccache(project, jobs):
    assert "ccache" not in build(project, MAX_JOBS=jobs)


def test_ccache_compiles_each_file_if_it_is_installed(project):
    ccache = project / "bin" / "ccache"
    ccache.write_text('#!/bin/sh\necho "$@" >> "$CALLS"\nexec "$@"\n')
    ccache.chmod(0o755)
    build(project, CALLS=str(project / "calls"))
    calls = (project / "calls").read_text().splitlines()
    assert sorted(
        Path(source).name for call in calls for source in call.split() if source.endswith(".cpp")
    ) == [
        "module.cpp",
        "number.cpp",
    ]
    # A compiler that is called by ccache already is not called by it twice.
    (project / "calls").unlink()
    build(project, CALLS=str(project / "calls"), CC="ccache cc", CXX="ccache c++")
    calls = (project / "calls").read_text().splitlines()
    assert len(calls) >= 2 and not any("ccache" in call for call in calls)
