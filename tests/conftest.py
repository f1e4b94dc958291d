"""Fixtures that all tests share, and a last section that says which tests were skipped and what they need."""

import os
import shutil
from dataclasses import replace

# The models of tests are tiny: on a busy machine, a second thread makes them slower, some a thousand times.
os.environ["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS") or "1"

import hypothesis
import pytest

from ctcbench.registry.discovery import load_registry

# No deadline: how long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("ctcbench", deadline=None)
hypothesis.settings.load_profile("ctcbench")

# What to install for the tests that were skipped: words of the reason, and the packages.
INSTALL = {
    "chromium": "apt-get install chromium chromium-driver (and `pip install selenium`)",
    "latex": "apt-get install texlive-latex-recommended",
    "clang": "apt-get install clang libclang-rt-14-dev",
    "cmake": "apt-get install cmake",
    "compiler": "apt-get install g++",
    "ctc_beam_decoder": "pip install ctc-beam-decoder",
    "fast_ctc_decode": "pip install fast-ctc-decode",
    "flashlight": "pip install flashlight-text",
    "lmdb": "pip install lmdb",
    "onnx": "pip install onnx onnxruntime onnxscript",
    "optuna": "pip install 'optuna>=5,<6'",
    "pyarrow": "pip install pyarrow",
    "pyctcdecode": "pip install --no-deps pygtrie pyctcdecode",
    "ray": "pip install 'ray>=2.40,<3'",
    "regex": "pip install regex",
    "submitit": "pip install 'submitit>=1.5,<2'",
    "scipy": "pip install scipy",
    "sklearn": "pip install scikit-learn",
    "selenium": "pip install selenium",
    "statsmodels": "pip install statsmodels",
    "tensorboard": "pip install tensorboard",
    "triton": "pip install triton",
    "ruff": "pip install ruff",
}


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Keep drawn images and compiled networks out of the user's cache; one session's tests share them."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CTCBENCH_CACHE", str(folder))
        # torch's cache of compiled code does not know ATEN_CPU_CAPABILITY: code that was generated for one
        # instruction set is compiled with the headers of another.
        patch.setenv("TORCHINDUCTOR_CACHE_DIR", str(folder / "compiled"))
        yield folder


@pytest.fixture(scope="session")
def registry():
    """Return the built-in components."""
    return load_registry([])


@pytest.fixture(scope="session")
def finished(registry, own_cache, tmp_path_factory):
    """The result of a finished run, for tests that do not change its folder."""
    from ctcbench.config.recipe import resolve
    from ctcbench.pipeline import runner
    from ctcbench.training.runtime import Runtime
    from tests.tiny_config import tiny

    return runner.run(resolve(registry, tiny()), Runtime(tmp_path_factory.mktemp("finished")))


@pytest.fixture
def finished_copy(finished, tmp_path):
    """A copy of the finished run whose folder a test may change."""
    folder = shutil.copytree(finished.folder, tmp_path / "copy" / finished.folder.name)
    return replace(finished, path=folder / "results" / finished.path.name)


@pytest.fixture
def damaged(finished_copy):
    """A finished run whose files a test may damage."""
    from tests.pipeline.run_cases import RunToDamage

    return RunToDamage(finished_copy.folder)


@pytest.fixture
def pictures(tmp_path):
    """A folder of sixty narrow pictures with two digits in their names."""
    import numpy as np
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for i in range(60):
        pixels = generator.integers(0, 256, (24, 30), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{10 + i}.png")
    return folder


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Write the skipped tests by reason, each with what to install, below pytest's own summary."""
    result = yield
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        terminalreporter.section("tests that did not run")
    for reason, count in sorted(reasons.items()):
        needed = [install for word, install in INSTALL.items() if word in reason.lower()]
        advice = f": {' or '.join(needed)}" if needed else ""
        terminalreporter.write_line(f"{count} test{'s' * (count != 1)}: {reason}{advice}")
    return result
