"""The sdists and the wheels of ctcbench and of ctcbench-decoder, built once for all tests of packaging."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parent.parent.parent


def run_command(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def run():
    """Return a function that runs a command, checks that it succeeds, and returns its standard output."""
    return run_command


@pytest.fixture(scope="session")
def build(tmp_path_factory, worker_id):
    """Return ``build(project)``, which builds the sdist of a folder of the checkout and from it the wheel.

    Each is built once, for all processes of pytest-xdist.
    """
    # The processes share the parent folder of their base folders; the first one builds.
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent

    def build_project(project):
        folder = shared / f"dist-{Path(project).name}"
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                draft = tmp_path_factory.mktemp("draft")
                source = tmp_path_factory.mktemp("source")
                _copy_known_files(source)
                variables = _caching_compiler(tmp_path_factory.mktemp("compiler"))
                command = (sys.executable, "-m", "build", "--no-isolation", "--outdir", str(draft))
                run_command(*command, str(source / project), env={**os.environ, **variables})
                draft.rename(folder)  # only a complete build has this name
        (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
        return sdist, wheel

    return build_project


@pytest.fixture(scope="session")
def built(build):
    """Return the sdist and the wheel of ctcbench."""
    return build(".")


@pytest.fixture(scope="session")
def built_decoder(build):
    """Return the sdist and the wheel of ctcbench-decoder."""
    return build("plugins/ctcbench-decoder")


# Preprocesses each file as any compiler does, so that a missing header is an error, and compiles it only if
# no earlier build has had the same text, compiler and flags. Without -O3, on which packaging does not depend.
COMPILER = """#!/bin/sh
set -e
case " $* " in *" -c "*) ;; *) exec c++ "$@" ;; esac
for word; do
    if [ "$previous" = -o ]; then object=$word; fi
    previous=$word
done
c++ "$@" -E
key=$({ c++ --version; echo "$@"; cat "$object"; } | sha256sum | cut -c1-64)
cached="$OBJECTS/$key.o"
if ! [ -f "$cached" ]; then
    c++ "$@" -O0 -g0
    cp "$object" "$cached.$$"
    mv "$cached.$$" "$cached"
fi
cp "$cached" "$object"
"""


def _caching_compiler(folder):
    """Return environment variables with which setuptools compiles by `COMPILER`."""
    script, objects = folder / "c++", ROOT / "build" / "packaging-objects"
    script.write_text(COMPILER)
    script.chmod(0o755)
    objects.mkdir(parents=True, exist_ok=True)
    return {"CC": str(script), "CXX": str(script), "OBJECTS": str(objects)}


def _copy_known_files(target):
    """Copy the files that git does not ignore, so that stray build outputs are not packaged."""
    listed = run_command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            copy = target / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy, follow_symlinks=False)
