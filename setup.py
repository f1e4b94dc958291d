"""Builds the C++ parts (decoder, captcha painter); everything else about the package is in pyproject.toml."""

import runpy
from types import SimpleNamespace

from setuptools import setup

# Run and not imported: a build does not have its own folder on the path.
building = SimpleNamespace(**runpy.run_path("csrc/extension_building.py"))

setup(
    ext_modules=[
        building.make_extension("ctcbench.decoding._core", sources="csrc", headers="csrc/ctc"),
        building.make_extension(
            "ctcbench.builtin._captcha_canvas", sources="csrc/captcha", headers="csrc/captcha"
        ),
    ],
    cmdclass={"build_ext": building.BuildExt},
)
