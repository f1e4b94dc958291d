"""What commands print about one run: score, cost, examples, diagnosis; contact sheets."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from ctcbench.cli.result_output import print_report
from ctcbench.cli.views.contact_sheet import contact_sheet, half_blocks
from ctcbench.cli.views.decoding_examples import Example, choose_examples, examples_table, highlight
from ctcbench.cli.views.run_diagnosis import diagnosis, talk_comparison
from ctcbench.cli.views.run_report import run_report
from ctcbench.contract.data import LogProbs
from ctcbench.contract.hooks import Column
from ctcbench.contract.specs import Alphabet
from ctcbench.evaluation.score import Score
from ctcbench.recognition import onnx_packages
from ctcbench.reporting.talk_figures import is_talk_data
from ctcbench.results.result import Result


def a_result(exact: float = 0.9195, *, config: dict[str, Any] | None = None, **score: Any) -> Result:
    figures: dict[str, Any] = {
        name: value
        for metric in ("char_accuracy", "cer", "edit_distance", "exact_caseless", "exact_folded")
        for name, value in ((metric, 0.5), (f"{metric}_ci", (0.4, 0.6)))
    }
    interval = (0.907, 0.931) if exact > 0.9 else (0.0, 1.0)
    figures |= {"exact": exact, "exact_ci": interval, "split": "test", "images": 2000}
    figures |= {"empty_outputs": 0.0, "mean_length": 5.0, "collapsed": False} | score
    settings = {"dataset": "captcha", "backbone": "cnn3", "head": "bilstm2", "decoder": "beam_cpp", "seed": 0}
    return Result(
        settings | {"train_samples": 20000, "shortcut": "sum", "clip": 5.0, "lr": 3e-3} | (config or {}),
        Score.from_json(figures),
        {
            "parameters": 2306110,
            "train_seconds": 61.04,
            "images_per_second": 327.6,
            "decode_ms_per_image": 0.0499,
            "peak_memory_mib": None,
        },
        {"host": {"cpu": "A CPU", "gpu": None, "cores": 2}, "training": {"blank_steps_at_end": 625}},
    )


def shown(*parts: Any, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(("width", "explains"), [(60, False), (71, False), (72, True), (120, True)])
def test_a_narrow_terminal_has_no_room_for_the_explanation_of_metrics(width: int, explains: bool) -> None:
    text = shown(*run_report(a_result(), Path("r")), width=width)
    assert ("what it counts" in text) is explains
    assert "│ exact         │ 91.95 % │ 90.70 – 93.10 % │" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_run_report_is_complete(width: int) -> None:
    text = shown(
        *run_report(
            a_result(),
            Path("runs/abc"),
            examples=[Example("··aa·b", "ab", "aB")],
            columns=[Column("joules", lambda document: f"{document['cost']['train_seconds']:.0f}")],
            other_decoders=["beam", "greedy"],
        ),
        width=width,
    )
    words = ["91.95 %", "90.70 – 93.10 %", "caseless", "folded", "char", "CER", "edit distance", "2,306,110"]
    words += ["1 min 01 s", "328", "0.0499", "joules", "61", "··aa·b", "aB", "runs/abc", "--decoder beam"]
    for word in words:
        assert word in text
    assert max(map(len, text.splitlines())) <= width


def test_a_plugin_column_that_raises_shows_its_error() -> None:
    text = shown(
        *run_report(a_result(), Path("r"), columns=[Column("odd", lambda document: document["none"])])
    )
    assert "failed: KeyError" in text


def test_proofs_of_the_decoder_have_a_line() -> None:
    result, folder = a_result(), Path("runs/abc")
    assert "proven best" not in shown(*run_report(result, folder))
    proofs = {"images": 3, "proven": 2, "proofs": {"beam": 2}, "largest_gap": 0.5}
    result = replace(result, provenance={**result.provenance, "proofs": proofs})
    expected = "proven best   2 of 3 (beam 2); of the others a more probable text may exist, gap at most 0.5"
    assert expected in shown(*run_report(result, folder), width=120)


def test_commands_are_not_broken_into_lines(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path("runs/" + "of a folder with a long name/" * 5)
    print_report(a_result(config={"loss": "ctc"}), folder)
    lines = capsys.readouterr().out.splitlines()
    for command in ("decode", "predict", "export"):
        [line] = [line for line in lines if f"ctcbench {command}" in line]
        assert f"'{folder}'" in line and len(line) > 150


@pytest.mark.parametrize(("width", "between"), [(80, "  "), (70, f"\n{'':<12}")])
def test_a_remark_that_does_not_fit_beside_its_command_is_below_it(width: int, between: str) -> None:
    report = run_report(a_result(), Path("runs/abc"), other_decoders=["best_cpp", "greedy", "mbr", "beam"])
    command = "ctcbench decode runs/abc --decoder best_cpp"
    assert f"next        {command}{between}(or greedy, mbr, beam)\n" in shown(*report, width=width)


def test_the_export_is_suggested_with_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_packages, "find_spec", lambda package: package != "onnxscript" or None)
    assert "model.onnx  (first: pip install 'ctcbench[onnx]')\n" in shown(*run_report(a_result(), Path("r")))
    monkeypatch.setattr(onnx_packages, "find_spec", lambda package: True)
    assert "model.onnx\n" in shown(*run_report(a_result(), Path("r")))


def test_results_on_the_talks_data_are_compared_with_the_talk() -> None:
    above, below = talk_comparison(a_result(0.9195)), talk_comparison(a_result(0.5))
    assert above and "53.06 %" in above.plain and "38.89 points above" in above.plain
    assert below and "3.06 points below" in below.plain
    assert is_talk_data({"dataset": "captcha:width=150,alphabet=alnum,seed=3"})
    for dataset in (
        "captcha:alphabet=digits",
        "captcha:length=4",
        "folder:path=x",
        "captcha:noise=none",
        "???",
    ):
        assert not is_talk_data({"dataset": dataset})
        assert talk_comparison(a_result(config={"dataset": dataset})) is None


def test_the_lines_that_a_remedy_is_broken_into_are_indented() -> None:
    text = shown(*run_report(a_result(0.0, collapsed=True, empty_outputs=1.0), Path("r")), width=40)
    remedies = text.split("What to try:\n")[1].split("\n\n")[0].splitlines()
    assert len(remedies) > 4 and all(line.startswith("  ") and line[2] != " " for line in remedies)


def test_a_collapsed_run_has_a_diagnosis_and_remedies() -> None:
    assert diagnosis(a_result()) is None
    blank = diagnosis(a_result(0.0, collapsed=True, empty_outputs=1.0, blank_probability=0.98))
    assert (
        blank and "blank plateau" in blank.plain and "98.00 %" in blank.plain and "625 steps" in blank.plain
    )
    assert "--shortcut sum" not in blank.plain and "--blank-penalty" in blank.plain
    plain = diagnosis(a_result(0.0, collapsed=True, empty_outputs=1.0, config={"shortcut": "none"}))
    assert plain and plain.plain.split("What to try:\n")[1].strip().startswith("--shortcut sum")
    assert "--optimizer muon" not in plain.plain
    talk = diagnosis(a_result(0.0, collapsed=True, config={"optimizer": "adamw", "loss": "ctc"}))
    assert talk and "--optimizer muon" in talk.plain and "--loss ctc:label_smoothing" in talk.plain
    same = diagnosis(a_result(0.0, collapsed=True))
    assert same and "same text" in same.plain


def test_the_first_remedy_of_a_run_of_few_steps_is_more_of_them() -> None:
    result = a_result(0.0, collapsed=True, config={"shortcut": "none"})
    for steps, first in (
        (68, "more --epochs or --train-samples: this run had 68 steps"),
        (1250, "--shortcut sum"),
    ):
        result.provenance["training"]["steps"] = steps
        found = diagnosis(result)
        assert found and found.plain.split("What to try:\n")[1].strip().startswith(first)
        assert found.plain.count("more --epochs") == 1


def test_a_short_run_that_reads_nothing_is_hardly_trained() -> None:
    result = a_result(0.0)
    result.provenance["training"] = {"steps": 20}
    found = diagnosis(result)
    assert found and found.plain.startswith("Hardly trained: no text is right after 20 steps.")
    assert "--epochs" in found.plain and "--init-from" in found.plain
    result.provenance["training"]["best_val_exact"] = -1.0  # no validation
    found = diagnosis(result)
    assert found and found.plain.startswith("Hardly trained")
    result.provenance["training"]["steps"] = 5000
    assert diagnosis(result) is None
    result = a_result(0.02)
    result.provenance["training"] = {"steps": 20}
    assert diagnosis(result) is None
    result = a_result(0.0)  # of a decoder whose constraint is wrong
    result.provenance["training"] = {"steps": 20, "best_val_exact": 0.9}
    assert diagnosis(result) is None


def _log_probs(path: list[list[int]], texts: tuple[str, ...]) -> LogProbs:
    values_NTK = np.log(np.eye(3, dtype=np.float32)[np.array(path)] * 0.9 + 0.03)
    lengths_N = np.full(len(path), len(path[0]), np.int64)
    lengths_N[-1] -= 1
    return LogProbs(values_NTK, lengths_N, texts, Alphabet("ab"))


def test_examples_are_misread_images_first_then_some_that_are_right() -> None:
    log_probs = _log_probs([[0, 1, 1, 2], [0, 0, 2, 2], [1, 0, 1, 2]], ("ab", "a", "aa"))
    chosen = choose_examples(log_probs, ["ab", "b", "aa"])
    assert chosen[0] == Example("··bb", "b", "a")
    assert [example.raw for example in chosen] == ["··bb", "·aab", "a·a"]
    assert len(choose_examples(log_probs, ["x", "y", "z"], wrong=2, right=0)) == 2
    assert [example.target for example in choose_examples(log_probs, ["ab", "a"])] == ["ab", "a"]
    text = shown(examples_table([*chosen, Example("···", "", "a"), Example("·a ·b", "a b", "a b")]))
    assert "·a␣·b" in text  # a row would break at a space
    assert "(empty)" in text and text.index("wrong") < text.index("right")


def test_differing_characters_are_coloured() -> None:
    decoded, target = highlight("1C1k", "1C19k")
    assert [decoded.plain[s.start : s.end] for s in decoded.spans] == []
    assert [target.plain[s.start : s.end] for s in target.spans] == ["9"]
    decoded, target = highlight("abc", "abd")
    assert [(s.start, s.end) for s in decoded.spans] == [(s.start, s.end) for s in target.spans] == [(2, 3)]
    decoded, target = highlight("a b ", "a b")
    assert (decoded.plain, target.plain) == ("a b␣", "a b") and [s.start for s in decoded.spans] == [3]


def test_contact_sheet_and_half_blocks() -> None:
    images_NCHW = np.random.default_rng(0).integers(0, 256, (7, 1, 24, 64), dtype=np.uint8)
    sheet, missing = contact_sheet(images_NCHW, [str(n) for n in range(7)], columns=5)
    assert sheet.width > 5 * 64 and sheet.height > 2 * 24
    assert not missing
    blocks = half_blocks(images_NCHW[0], 32)
    assert [len(line) for line in blocks.plain.splitlines()] == [32] * 6
    assert half_blocks(np.zeros((3, 10, 20), np.uint8), 80).plain.splitlines() == ["▀" * 20] * 5


def test_a_run_on_the_plateau_is_stuck_even_if_its_outputs_are_not_empty() -> None:
    result = a_result(0.0, empty_outputs=0.1, config={"shortcut": "none"})
    result.provenance["training"].update(blank_steps_at_end=0, plateau_steps_at_end=1200)  # type: ignore[index]
    text = " ".join(shown(diagnosis(result)).split())
    assert text.startswith("Stuck: the blank plateau; blank or no better")
    assert "blank or no better than guessing for the last 1,200 steps" in text
    assert "--shortcut sum" in text
