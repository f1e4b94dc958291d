"""Installs packages of Python code for tests: builds their wheels in one process, and unpacks them.

pip starts several processes for each package and takes five times as long. The test of the tutorial
installs a package of `ctcbench new` by pip.
"""

import contextlib
import os
import sys
import zipfile
from pathlib import Path

from tests import forked_python


def install(site, *sources):
    """Install the packages in folders `sources` into the folder `site`, without what they depend on."""
    built = forked_python.run("tests.package_installing", site, *sources)
    assert built.returncode == 0, built.stdout + built.stderr


def _install_here(site, *sources):
    from setuptools import build_meta

    for source in sources:
        with contextlib.chdir(source):
            wheel = build_meta.build_wheel(os.curdir)
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(site)
            Path(wheel).unlink()


if __name__ == "__main__":
    _install_here(*sys.argv[1:])
