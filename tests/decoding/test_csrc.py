"""The C++ library by itself: builds without a warning, passes its own tests, clean under the sanitizers."""

import shutil
import subprocess
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[2] / "csrc"
CORE = sorted(path for path in CSRC.glob("*.cpp") if path.name != "bindings.cpp")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]
STRICT = ["-std=c++17", *WARNINGS, "-pthread"]
ADDRESS = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
THREAD = ["-O1", "-g", "-fsanitize=thread"]


def build_and_run(main, folder, flags):
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    program = folder / "program"
    command = [compiler, *STRICT, *flags, f"-I{CSRC}", str(CSRC / main), *map(str, CORE), "-o", str(program)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    ran = subprocess.run([program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_core_under_address_and_undefined_behaviour_sanitizers(tmp_path):
    assert build_and_run("tests/core_test.cpp", tmp_path, ADDRESS) == "all passed\n"


@pytest.mark.slow
def test_core_under_thread_sanitizer(tmp_path):
    assert build_and_run("tests/core_test.cpp", tmp_path, THREAD) == "all passed\n"


def test_example(tmp_path):
    assert build_and_run("examples/decode.cpp", tmp_path, ["-O2"]) == (
        "ab 0.4440 at frames 0 2\na 0.2340 at frames 0\nb 0.1320 at frames 2\n"
    )


def test_library_knows_no_python():
    for path in CSRC.rglob("*.[ch]pp"):
        if path.name != "bindings.cpp":
            text = path.read_text(encoding="utf-8")
            assert "pybind" not in text, path
            assert "Python.h" not in text, path
