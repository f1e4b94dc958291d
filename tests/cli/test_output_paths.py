"""The output paths of `ctcbench report -o` and of contact sheets."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from ctcbench.__main__ import main
from tests.reporting.report_cases import a_run


def test_a_report_is_written_to_the_target_of_a_link(tmp_path, capsys):
    a_run(runs := tmp_path / "runs")
    link = tmp_path / "link.md"
    link.symlink_to("report.md")
    assert main(["report", str(runs), "--format", "md", "-o", str(link)]) == 0
    assert link.is_symlink() and "| exact % |" in (tmp_path / "report.md").read_text()
    capsys.readouterr()
    missing = tmp_path / "mistyped" / "report.md"
    assert main(["report", str(runs), "--format", "md", "-o", str(missing)]) == 2
    assert f"{missing}: no folder {missing.parent} to write it in" in capsys.readouterr().err
    assert not missing.parent.exists()


@pytest.mark.parametrize(
    ("name", "first"),
    [("r.html", "<!doctype html>"), ("r.MD", "| # |"), ("r.csv", "row,"), ("r.tex", "%"), ("r.json", "{")],
)
def test_the_suffix_of_the_file_selects_the_format(name, first, tmp_path, capsys):
    a_run(runs := tmp_path / "runs")
    assert main(["report", str(runs), "-o", str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_text().startswith(first)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["-o", "r.html", "--format", "md"], "the suffix is that of --format html, not of md"),
        (["-o", "r.csv", "--json"], "the suffix is that of --format csv, not of json"),
        (["--json", "--format", "csv"], "--json and --format csv: give one of them"),
        (
            ["-o", "r.xyz"],
            "-o r.xyz: its suffix is of no file format; for a file use --format md|csv|",
        ),
        (["-o", "r.md", "--format", "table"], "the format table is for the terminal"),
    ],
)
def test_formats_that_contradict_each_other_are_an_error(flags, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    a_run(Path("runs"))
    assert main(["report", "runs", *flags]) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


@pytest.mark.parametrize("command", ["report", "verify"])
def test_folders_that_contain_runs_are_named(command, tmp_path, capsys):
    a_run(tmp_path / "study")
    (tmp_path / "pictures").mkdir()
    assert main([command, str(tmp_path)]) == 2
    assert f"there are runs in {tmp_path / 'study'}: give that folder" in capsys.readouterr().err


def test_a_contact_sheet_is_a_png_file(tmp_path, capsys):
    sheet = tmp_path / "sheet.jpg"
    assert main(["data", "preview", "--samples", "2", "--out", str(sheet)]) == 2
    assert "sheet.jpg: the contact sheet is a PNG file" in capsys.readouterr().err and not sheet.exists()


def test_a_missing_folder_is_an_error_before_the_preview_is_drawn(tmp_path, capsys):
    missing: Path = tmp_path / "mistyped" / "sheet.png"
    assert main(["data", "preview", "nothing-of-that-name", "--out", str(missing)]) == 2
    assert "no folder" in capsys.readouterr().err and not missing.parent.exists()


def test_runs_without_results_are_said_to_be_unfinished(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for key in ("a1", "b2"):
        Path("runs", key).mkdir(parents=True)
        Path("runs", key, "config.toml").touch()
    message = "no results; the training of runs/a1 is not finished{}; `ctcbench run … --resume` resumes it"
    for given, others in (("runs/a1", ""), ("runs", ", and 1 more")):
        assert main(["report", given]) == 2
        assert f"ctcbench report: {given}: {message.format(others)}" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["studies", "studies/heads"])
def test_the_folder_above_that_of_a_study_is_named(given, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    a_run(Path("runs"))
    Path("runs/studies/heads").mkdir(parents=True)
    assert main(["report", f"runs/{given}"]) == 2
    assert "there are runs in runs: give that folder" in capsys.readouterr().err


def test_a_contact_sheet_replaces_no_picture_of_the_data_set(tmp_path, capsys):
    picture = tmp_path / "ab.png"
    Image.new("L", (30, 20), 255).save(picture)
    before = picture.read_bytes()
    for words in (["preview", "--out"], ["describe", "--contact-sheet"]):
        command = ["data", words[0], f"folder:path={tmp_path}", words[1], str(picture)]
        assert main(command) == 2
        assert "ab.png: is a file of the data set; name another one to write" in capsys.readouterr().err
    assert picture.read_bytes() == before


def test_a_contact_sheet_on_standard_output_is_alone_there(capfdbinary):
    drawn = "captcha:width=60,height=24,length=2,alphabet=digits"
    assert main(["data", "preview", drawn, "--samples", "2", "--out", "/dev/stdout"]) == 0
    printed = capfdbinary.readouterr()
    assert Image.open(io.BytesIO(printed.out)).format == "PNG" and printed.out.endswith(b"IEND\xaeB`\x82")
    assert b"2 images: /dev/stdout" in printed.err
    command = ["data", "describe", drawn, "--samples", "2", "--contact-sheet", "/dev/stdout"]
    assert main([*command, "--json"]) == 2
    assert b"--json: prints on standard output, as /dev/stdout does" in capfdbinary.readouterr().err
    assert main(command) == 0
    assert capfdbinary.readouterr().out.endswith(b"IEND\xaeB`\x82")
