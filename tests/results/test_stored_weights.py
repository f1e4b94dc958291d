"""Folders without the weights of a recogniser."""

from __future__ import annotations

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_weights import require_weights


def test_a_run_that_stopped_before_its_first_weights_has_the_command_that_resumes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for out, flags in (("runs", ""), ("my runs", " --out 'my runs'")):
        folder = RunFolder((tmp_path / out / "abc").relative_to(tmp_path))
        folder.path.mkdir(parents=True)
        with pytest.raises(
            UsageError, match=r"abc: no trained run there \(it has no config\.toml and no weights\.saf"
        ):
            require_weights(folder)
        folder.config_path.touch()
        with pytest.raises(UsageError, match=r"no trained run there \(it has no weights\.safetensors\)"):
            require_weights(folder)
        folder.checkpoint_path.touch()
        with pytest.raises(UsageError) as caught:
            require_weights(folder)
        config = str(folder.config_path) if out == "runs" else f"'{folder.config_path}'"
        assert str(caught.value).endswith(f"resume it with: ctcbench run --config {config} --resume{flags}")
        folder.weights_path.touch()
        require_weights(folder)
    with pytest.raises(UsageError, match=r"none: no trained run there \(no such folder\)"):
        require_weights(RunFolder(tmp_path / "none"))
