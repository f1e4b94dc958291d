"""Machine, versions and time, found without importing the packages."""

import json
import platform
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import ctcbench
from ctcbench.results import provenance


def test_the_host_has_a_processor_with_cores():
    found = provenance.host()
    assert list(found) == ["cpu", "gpu", "cores"]
    assert found["cpu"]
    assert found["gpu"] is None
    assert found["cores"] >= 1
    assert provenance.host(gpu="NVIDIA H100")["gpu"] == "NVIDIA H100"


def test_the_processor_has_a_name_without_proc(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Fast: 3 GHz\n")
    if sys.platform == "linux":
        assert provenance._cpu(tmp_path / "cpuinfo") == "Fast: 3 GHz"
    assert provenance._cpu(tmp_path / "none")


def test_versions_are_read_without_importing_the_packages(ctcbench_env):
    code = (
        "import json, sys; from ctcbench.results.provenance import versions\n"
        "found = versions()\n"
        "assert not {'torch', 'numpy', 'PIL', 'captcha'} & set(sys.modules)\n"
        "print(json.dumps(found))\n"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], env=ctcbench_env)
    found = json.loads(printed)
    assert list(found) == ["ctcbench", "python", "torch", "numpy", "pillow", "captcha"]
    assert found["python"] == platform.python_version()
    assert found["ctcbench"] == ctcbench.__version__
    import numpy

    assert found["numpy"] == numpy.__version__


def test_a_missing_package_has_no_version(monkeypatch):
    monkeypatch.setattr(provenance, "PACKAGES", ("no-such-package-of-ours",))
    assert provenance.versions()["no-such-package-of-ours"] is None


def test_now_is_in_utc_with_its_offset():
    moment = datetime.fromisoformat(provenance.now())
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(seconds=5)
