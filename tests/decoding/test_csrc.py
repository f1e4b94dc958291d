"""The C++ library by itself: builds without a warning, passes its own tests, clean under the sanitizers."""

import shutil
import subprocess
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[2] / "csrc"
CORE = sorted(path for path in CSRC.glob("*.cpp") if path.name != "bindings.cpp")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]
STRICT = ["-std=c++17", *WARNINGS, "-ffp-contract=off", "-pthread"]
ADDRESS = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
THREAD = ["-O1", "-g", "-fsanitize=thread"]


FUZZ = ["-O2", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]


def any_compiler():
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    return compiler or pytest.skip("no C++ compiler")


def clang():
    for name in ("clang++", *(f"clang++-{version}" for version in range(30, 11, -1))):
        if found := shutil.which(name):
            return found
    return pytest.skip("no clang++: apt-get install clang libclang-rt-14-dev")


def build(compiler, main, folder, flags):
    program = folder / "program"
    command = [compiler, *STRICT, *flags, f"-I{CSRC}", str(CSRC / main), *map(str, CORE), "-o", str(program)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return program


def build_and_run(main, folder, flags):
    program = build(any_compiler(), main, folder, flags)
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


def test_builds_without_a_warning_where_there_is_no_x86(tmp_path):
    # -DCTC_PORTABLE leaves out what is x86's own, as a build for another machine does.
    assert build_and_run("tests/core_test.cpp", tmp_path, ["-O2", "-DCTC_PORTABLE"]) == "all passed\n"


@pytest.mark.slow
def test_builds_without_a_warning_with_clang(tmp_path):
    program = build(clang(), "tests/core_test.cpp", tmp_path, ["-O2"])
    assert subprocess.run([program], capture_output=True, text=True, check=False).stdout == "all passed\n"


@pytest.mark.slow
def test_example_with_cmake(tmp_path):
    if shutil.which("cmake") is None:
        pytest.skip("no cmake")
    for arguments in (["-S", str(CSRC / "examples"), "-B", str(tmp_path)], ["--build", str(tmp_path)]):
        done = subprocess.run(["cmake", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    ran = subprocess.run([tmp_path / "decode"], capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("ab 0.4440 at frames 0 2\n")


@pytest.mark.slow
def test_fuzzing_for_a_minute_finds_nothing(tmp_path):
    program = build(clang(), "fuzz/search_fuzz.cpp", tmp_path, FUZZ)
    command = [program, "-max_total_time=60", "-max_len=1500", "-len_control=0", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr[-3000:]
