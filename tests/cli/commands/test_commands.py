"""The commands run on a small trained run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from ctcbench.__main__ import main
from ctcbench.cli.views.run_report import UnbrokenLine, run_report
from ctcbench.results.decoder_key import decoder_key
from ctcbench.results.run_folder import RunFolder
from tests.cli.cli_cases import TINY, Cli

Capture = pytest.CaptureFixture[str]


def test_run_prints_the_whole_report(trained: Path, capsys: Capture) -> None:
    assert main(["run", *TINY, "--out", str(trained.parent)]) == 0
    shown = capsys.readouterr()
    for word in ("RAW", "DECODED", "TARGET", "exact", "caseless", "folded", "char", "CER", "edit distance"):
        assert word in shown.out
    for word in ("95 % interval", "parameters", "images/s", "ms per image", "peak memory", trained.name):
        assert word in shown.out
    assert "ctcbench decode" in shown.out
    assert "53.06" not in shown.out, "the talk used other data"


def test_run_json_is_one_document_and_nothing_else(trained: Path, cli: Cli) -> None:
    ended = cli("run", *TINY, "--out", str(trained.parent), "--json")
    assert ended.returncode == 0
    document = json.loads(ended.stdout)
    assert document["schema"] == 1
    assert document["score"]["images"] == 30
    assert document["config"]["backbone"] == "cnn2:width=8"


def test_flags_override_the_config_file_which_overrides_the_preset(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "my.toml"
    file.write_text('backbone = "cnn2"\nhead = "none"\nepochs = 7\n')
    assert (
        main(["show", "--preset", "default", "--config", str(file), "--epochs", "9", "--no-amp", "--json"])
        == 0
    )
    config = json.loads(capsys.readouterr().out)["config"]
    assert (config["backbone"], config["head"], config["epochs"], config["amp"]) == ("cnn2", "none", 9, False)
    assert main(["show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"]["amp"] is None


def test_a_repeated_flag_prints_a_notice(capsys: Capture) -> None:
    assert main(["show", "--backbone", "cnn3", "--backbone", "cnn2", "--amp", "--no-amp", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["config"]["backbone"] == "cnn2"
    assert printed.err == (
        "--backbone: given 2 times (cnn3, cnn2); the last is used; "
        "`ctcbench ablate` compares several values\n"
    )
    assert main(["show", "--train-samples", "9" * 20]) == 2
    assert "(allowed: 1 to 100000000)" in capsys.readouterr().err


def test_decode_never_imports_torch(trained: Path) -> None:
    script = (
        "import sys; from ctcbench.__main__ import main;"
        f"code = main(['decode', {str(trained)!r}, '--decoder', 'beam:width=3']);"
        "assert code == 0, code; sys.exit('torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "beam:width=3" in ended.stdout


def test_the_report_of_a_decoding_names_its_decoder_for_predict(trained: Path) -> None:
    folder = RunFolder(trained)
    result = folder.read_result(decoder_key(str(folder.read_config()["decoder"])))
    result = replace(result, score=replace(result.score, collapsed=False))
    other = replace(result, config={**result.config, "decoder": "beam:width=3"})
    command = f"ctcbench predict {trained} IMAGE…"
    for one, flag in ((result, ""), (other, " --decoder beam:width=3")):
        assert UnbrokenLine("your images", command + flag, "cyan") in run_report(one, trained)


def test_decode_of_an_unfinished_run_is_a_usage_error(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    copy = shutil.copytree(trained, tmp_path / "run")
    (copy / "summary.json").unlink()
    assert main(["decode", str(copy), "--decoder", "greedy"]) == 2
    assert "not finished" in capsys.readouterr().err
    assert main(["decode", str(tmp_path), "--decoder", "greedy"]) == 2
    assert "it contains the runs run" in capsys.readouterr().err


def test_an_argument_given_as_a_flag_is_explained(capsys: Capture) -> None:
    assert main(["data", "preview", "--dataset", "captcha"]) == 2
    assert "`ctcbench data preview DATASET`" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["table", "md", "csv", "latex", "json"])
def test_report_names_damaged_results_and_reports_the_others(
    trained: Path, tmp_path: Path, capsys: Capture, form: str
) -> None:
    good = shutil.copytree(trained, tmp_path / "runs" / "good")
    assert main(["report", str(good), "--format", form]) == 0
    assert capsys.readouterr().err == ""
    bad = shutil.copytree(trained, tmp_path / "runs" / "bad")
    (damaged,) = (bad / "results").glob("greedy.json")
    damaged.write_text(damaged.read_text()[:100])
    assert main(["report", str(tmp_path / "runs"), "--format", form]) == 1
    shown = capsys.readouterr()
    # The table names it in its own body, where a long path is broken into lines.
    printed = "".join(shown.out.split()) if form == "table" else shown.err
    assert str(damaged) in printed and ("good" in shown.out or form == "latex")
    if form == "json":
        document = json.loads(shown.out)
        assert all(run["schema"] == 1 for row in document["rows"] for run in row["runs"])
        assert len(document["damaged"]) == 1


def test_data_commands(tmp_path: Path, capsys: Capture) -> None:
    dataset = TINY[1]
    sheet = tmp_path / "sheet.png"
    assert main(["data", "preview", dataset, "--samples", "7", "--out", str(sheet)]) == 0
    with Image.open(sheet) as picture:
        assert picture.size[0] > 5 * 64
    assert main(["data", "preview", dataset, "--samples", "3"]) == 0
    assert "captcha train/2" in capsys.readouterr().out
    assert main(["data", "generate", dataset, "--samples", "30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == 30
    assert main(["data", "describe", dataset, "--samples", "30", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["width"], facts["height"], facts["classes"], facts["lengths"]) == (64, 24, 11, {"2": 30})
    assert sum(facts["characters"].values()) == 60
    assert main(["data", "describe", dataset, "--samples", "30"]) == 0
    assert "64 × 24" in capsys.readouterr().out
    assert (
        main(["data", "preview", dataset, "--samples", "3", "--out", str(tmp_path / "no" / "sheet.png")]) == 2
    )


def test_presets_lists_each(capsys: Capture) -> None:
    assert main(["presets", "--json"]) == 0
    assert "default" in json.loads(capsys.readouterr().out)
    assert main(["presets"]) == 0
    assert "--backbone" in capsys.readouterr().out


@pytest.mark.landing
def test_bench_startup_reports_ratios_to_bare_python(cli: Cli) -> None:
    ended = cli("bench", "startup", "--rounds", "3", "--json")
    assert ended.returncode == 0, ended.stderr
    commands = json.loads(ended.stdout)["commands"]
    assert list(commands) == ["python -c pass", "ctcbench --help", "ctcbench run --help"]
    assert commands["python -c pass"]["ratio"] == 1
    assert all(figures["median_ms"] > 0 for figures in commands.values())
