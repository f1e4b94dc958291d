"""How setuptools builds the C++ parts, for the two distributions of this repository."""

import shutil
import zlib
from pathlib import Path

from pybind11.setup_helpers import ParallelCompile, Pybind11Extension, build_ext

# -ffp-contract=off: the same sums on machines with fused multiply-add as on those without.
UNIX_COMPILE_ARGS = ["-O3", "-Wall", "-Wextra", "-Wpedantic", "-ffp-contract=off", "-pthread"]
# /permissive-: the keywords and the lookup rules of the standard, as with GCC and Clang.
MSVC_COMPILE_ARGS = ["/O2", "/W3", "/fp:precise", "/permissive-", "/utf-8", "/DNOMINMAX"]
MOST_JOBS = 8  # a compilation takes up to 0.5 GB of memory


class BuildExt(build_ext):
    """Picks the flags once the compiler is known, and compiles several files at once.

    The environment variable MAX_JOBS limits how many. ccache is used if it is installed.
    """

    def build_extensions(self) -> None:
        """Add the compiler's flags to each extension, and build them."""
        msvc = self.compiler.compiler_type == "msvc"
        for extension in self.extensions:
            extension.extra_compile_args += MSVC_COMPILE_ARGS if msvc else UNIX_COMPILE_ARGS
            extension.extra_link_args += [] if msvc else ["-pthread"]
        if not msvc:
            self._compile_with_ccache()
        # With MSVC it has no effect: the class of that compiler has a method of its own.
        with ParallelCompile("MAX_JOBS", max=MOST_JOBS):
            super().build_extensions()

    def _compile_with_ccache(self) -> None:
        if shutil.which("ccache") is None:
            return
        for name in ("compiler_so", "compiler_so_cxx"):  # for C, and for C++
            command = getattr(self.compiler, name, None)
            if command and Path(command[0]).stem != "ccache":
                self.compiler.set_executable(name, ["ccache", *command])


def make_extension(module: str, sources: str, headers: str) -> Pybind11Extension:
    """Return the extension `module` of the C++ files in `sources`, built again after a change of a header.

    The build has the CRC-32 of the types of the module, ``<module>.pyi``, as the macro INTERFACE_STAMP:
    `load_extension` of the package compares it with the file.
    """
    stub = Path(*module.split(".")).with_suffix(".pyi")
    stamp = zlib.crc32(stub.read_bytes().replace(b"\r\n", b"\n"))
    return Pybind11Extension(
        module,
        define_macros=[("INTERFACE_STAMP", f"{stamp}U")],
        sources=sorted(path.as_posix() for path in Path(sources).glob("*.cpp")),
        include_dirs=["csrc"],
        depends=[
            stub.as_posix(),
            *sorted(path.as_posix() for folder in {sources, headers} for path in Path(folder).glob("*.hpp")),
        ],
        cxx_std=17,
    )
