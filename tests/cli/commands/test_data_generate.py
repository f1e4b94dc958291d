"""`ctcbench data generate --out`: splits that a data set would take from the train images."""

from __future__ import annotations

from ctcbench.__main__ import main


def test_splits_that_are_not_there_are_named(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "400")

    def written(split: str) -> str:
        command = ["data", "generate", "captcha:width=40,height=16,length=1", "--samples", "3"]
        assert main([*command, "--split", split, "--out", str(tmp_path / "out")]) == 0
        return " ".join(capsys.readouterr().out.split())

    assert "a share" not in written("test")
    shown = written("train")
    assert "has no val images: a data set that reads it takes a share of the train images" in shown
    assert "write it with --split val, or read it with val=0" in shown
    assert "a share" not in written("val")
