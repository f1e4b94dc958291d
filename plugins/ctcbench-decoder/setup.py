"""Builds the C++ decoder; everything else about the package is in pyproject.toml.

`csrc` and `ctcbench_decoder` are links to folders of the repository; an sdist has their files.
"""

import runpy
from types import SimpleNamespace

from setuptools import setup

# Run and not imported: a build does not have its own folder on the path.
building = SimpleNamespace(**runpy.run_path("csrc/extension_building.py"))

setup(
    ext_modules=[building.make_extension("ctcbench_decoder._core", sources="csrc", headers="csrc/ctc")],
    cmdclass={"build_ext": building.BuildExt},
)
