"""A fixture that installs plugins for the tests of the registry."""

import pytest


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return ``install(name, code)``: a module, and the metadata that makes it an entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def add(name, code, distribution=None):
        distribution = distribution or f"ctcbench-{name}"
        module = f"plugin_{name}_{distribution.replace('-', '_')}"
        (tmp_path / f"{module}.py").write_text(code, encoding="utf-8")
        metadata = tmp_path / f"{distribution.replace('-', '_')}-1.2.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        (metadata / "entry_points.txt").write_text(f"[ctcbench]\n{name} = {module}\n")

    return add
