"""The C++ library without Python: warnings, its own tests, sanitizers, the example, fuzzing."""

import shutil
import subprocess
from pathlib import Path

import pytest

CSRC = Path(__file__).parents[2] / "csrc"
CORE = sorted(path for path in CSRC.glob("*.cpp") if not path.name.startswith("bindings"))
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]
STRICT = ["-std=c++17", *WARNINGS, "-ffp-contract=off", "-pthread"]
ADDRESS = ["-O1", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
THREAD = ["-O1", "-g", "-fsanitize=thread"]
FUZZ = ["-O2", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]

EXAMPLE_OUTPUT = "ab 0.4440 at frames 0 2\na 0.2340 at frames 0\nb 0.1320 at frames 2\n"


def any_compiler():
    compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
    return compiler or pytest.skip("no C++ compiler")


def clang():
    for name in ("clang++", *(f"clang++-{version}" for version in range(30, 11, -1))):
        if found := shutil.which(name):
            return found
    return pytest.skip("no clang++: apt-get install clang libclang-rt-14-dev")


def succeed(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


def build_library(compiler, folder, flags):
    """Compile the library; return its object files."""
    succeed([compiler, *STRICT, *flags, f"-I{CSRC}", "-c", *map(str, CORE)], cwd=folder)
    return [str(path) for path in folder.glob("*.o")]


def build_program(compiler, main, library, folder, flags):
    program = folder / Path(main).stem
    succeed([compiler, *STRICT, *flags, f"-I{CSRC}", str(CSRC / main), *library, "-o", str(program)])
    return program


def build_and_run_tests(compiler, folder, flags):
    library = build_library(compiler, folder, flags)  # the slow part
    for tests in (
        "core_test",
        "thread_test",
        "alignment_test",
        "language_model_test",
        "guide_test",
        "risk_test",
    ):
        program = build_program(compiler, f"tests/{tests}.cpp", library, folder, flags)
        assert succeed([program]) == "all passed\n"
    return library


@pytest.mark.landing
def test_library_and_example_under_address_and_undefined_behaviour_sanitizers(tmp_path):
    compiler = any_compiler()
    library = build_and_run_tests(compiler, tmp_path, ADDRESS)
    example = build_program(compiler, "examples/decode.cpp", library, tmp_path, ADDRESS)
    assert succeed([example]) == EXAMPLE_OUTPUT


@pytest.mark.slow
def test_library_under_thread_sanitizer(tmp_path):
    build_and_run_tests(any_compiler(), tmp_path, THREAD)


def test_library_includes_no_python():
    for path in CSRC.rglob("*.[ch]pp"):
        if not path.name.startswith("bindings"):
            text = path.read_text(encoding="utf-8")
            assert "pybind" not in text, path
            assert "Python.h" not in text, path


@pytest.mark.landing
def test_builds_without_a_warning_where_there_is_no_x86(tmp_path):
    # -DCTC_PORTABLE leaves out the code for x86, as a build for another machine does.
    build_and_run_tests(any_compiler(), tmp_path, ["-O2", "-DCTC_PORTABLE"])


@pytest.mark.slow
def test_builds_optimised_without_a_warning(tmp_path):
    compiler, flags = any_compiler(), ["-O3"]
    library = build_and_run_tests(compiler, tmp_path, flags)
    build_program(compiler, "bench/against_plain.cpp", library, tmp_path, flags)


@pytest.mark.slow
def test_builds_without_a_warning_with_clang(tmp_path):
    build_and_run_tests(clang(), tmp_path, ["-O2"])


@pytest.mark.slow
def test_example_with_cmake(tmp_path):
    if shutil.which("cmake") is None:
        pytest.skip("no cmake")
    succeed(["cmake", "-S", str(CSRC / "examples"), "-B", str(tmp_path)])
    succeed(["cmake", "--build", str(tmp_path)])
    assert succeed([tmp_path / "decode"]) == EXAMPLE_OUTPUT


@pytest.mark.slow
def test_fuzzing_for_a_minute_finds_nothing(tmp_path):
    compiler = clang()
    program = build_program(compiler, "fuzz/search_fuzz.cpp", list(map(str, CORE)), tmp_path, FUZZ)
    succeed(
        [program, "-max_total_time=60", "-max_len=1500", "-len_control=0", str(tmp_path)],
        cwd=tmp_path,
    )
