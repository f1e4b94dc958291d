"""Builds the C++ parts (decoder, captcha painter); everything else about the package is in pyproject.toml."""

from pathlib import Path

from pybind11.setup_helpers import Pybind11Extension, build_ext
from setuptools import setup

# -ffp-contract=off: the same sums on machines with fused multiply-add as on those without.
UNIX_COMPILE_ARGS = ["-O3", "-Wall", "-Wextra", "-Wpedantic", "-ffp-contract=off", "-pthread"]
MSVC_COMPILE_ARGS = ["/O2", "/W3", "/fp:precise"]


class BuildExt(build_ext):
    """Picks the flags once the compiler is known."""

    def build_extensions(self) -> None:
        msvc = self.compiler.compiler_type == "msvc"
        for extension in self.extensions:
            extension.extra_compile_args += MSVC_COMPILE_ARGS if msvc else UNIX_COMPILE_ARGS
            extension.extra_link_args += [] if msvc else ["-pthread"]
        super().build_extensions()


def extension(module: str, sources: str, headers: str) -> Pybind11Extension:
    """Return the extension `module` of the C++ files in `sources`, built again after a change of a header."""
    return Pybind11Extension(
        module,
        sources=sorted(path.as_posix() for path in Path(sources).glob("*.cpp")),
        include_dirs=["csrc"],
        depends=sorted(path.as_posix() for path in Path(headers).glob("*.hpp")),
        cxx_std=17,
    )


setup(
    ext_modules=[
        extension("ctcbench.decoding._core", sources="csrc", headers="csrc/ctc"),
        extension("ctcbench.builtin._captcha_canvas", sources="csrc/captcha", headers="csrc/captcha"),
    ],
    cmdclass={"build_ext": BuildExt},
)
