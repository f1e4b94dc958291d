"""Model cards: metadata that parses as YAML, all sections, hostile texts, old and incomplete runs."""

import dataclasses
import re

import pytest
import yaml

from ctcbench import RunConfig
from ctcbench.__main__ import main
from ctcbench.contract.components import Component
from ctcbench.contract.errors import UsageError
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin
from ctcbench.reporting.formats.model_card import model_card
from ctcbench.reporting.report_model import Report
from tests.reporting.formats.html import html_cases as cases
from tests.reporting.formats.html.html_runs import a_run

EVIL = 'x"\n---\nlicense: mit\n# <script>`|[a](b)\u0085\u2028\ud800'
SECTIONS = (
    "Use",
    "Model",
    "Data",
    "Training",
    "Results",
    "Confidence",
    "Where mistakes are",
    "Intended use and limits",
)


def metadata(card):
    start, block, rest = card.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(block), rest


@pytest.fixture
def member(tmp_path):
    sure = cases.texts(("1l", "11"), ("22", "22"), ("3", "33"), ("", "44"), sure=(0.9, 0.95, 0.4, 0.1))
    return cases.member(
        tmp_path, sure, seed=0, dataset="captcha:length=2", backbone="cnn2", head="none", decoder="greedy"
    )


def test_the_metadata_is_what_the_hub_reads(member, registry):
    found, _ = metadata(model_card(cases.report([cases.row(1, {}, [member])]), registry))
    assert found["library_name"] == "ctcbench" and found["pipeline_tag"] == "image-to-text"
    assert {"ocr", "captcha", "cnn2"} <= set(found["tags"])
    (entry,) = found["model-index"]
    (result,) = entry["results"]
    assert result["dataset"] == {"type": "captcha", "name": "captcha:length=2", "split": "test"}
    assert {m["type"]: m["value"] for m in result["metrics"]} == {"exact_match": 0.25, "cer": 0.5}


@pytest.mark.parametrize(
    ("cer", "shown"), [(2e-05, 2e-05), (1e-9, 0.0), (0.0, 0.0), (1.5, 1.5), (1 / 3, 0.333333)]
)
def test_small_numbers_of_the_metadata_are_numbers(member, registry, cer, shown):
    metrics = member.result.score.metrics
    changed = {**metrics, "cer": metrics["cer"]._replace(value=cer)}
    score = dataclasses.replace(member.result.score, metrics=changed)
    member = dataclasses.replace(member, result=dataclasses.replace(member.result, score=score))
    found, _ = metadata(model_card(cases.report([cases.row(1, {}, [member])]), registry))
    values = {m["type"]: m["value"] for m in found["model-index"][0]["results"][0]["metrics"]}
    assert values["cer"] == shown and isinstance(values["cer"], float)


def test_the_card_has_every_section(member, registry):
    _, body = metadata(model_card(cases.report([cases.row(1, {}, [member])]), registry))
    for section in SECTIONS:
        assert f"\n## {section}\n" in body
    assert "ctcbench.load(" in body and "ctcbench predict" in body
    assert "| exact: texts that are entirely right, case counted | 25.00 % | 4.56 – 69.94 % |" in body
    assert "| `cnn2`: Two convolutions. |" in body, "without the frames of images of the default size"
    assert "Expected calibration error" in body and "| 90 % – 100 % | 2 | 92.50 % | 50.00 % |" in body
    assert "`1` → `l` (1)" in body and "`3` → ∅ (1)" in body and "25.00 % of its texts are empty" in body


def a_plugins_head(sequence):
    """A head of a plugin."""


def test_plugins_that_the_recogniser_needs_are_named(tmp_path, registry):
    sure = cases.texts(("1l", "11"), sure=(0.9,))
    found = cases.member(
        tmp_path, sure, seed=0, head="a_plugins_head:width=8", backbone="gone", loss="ctc", decoder="greedy"
    )
    provenance = {"plugins": {"ctcbench-mine": "1.2"}}
    found = dataclasses.replace(found, result=dataclasses.replace(found.result, provenance=provenance))
    mine = Plugin("mine", "ctcbench-mine", "1", "mine", components=(Component("head", a_plugins_head),))
    card = model_card(cases.report([cases.row(1, {}, [found])]), Registry((*registry.plugins, mine)))
    assert (
        "\nIt needs plugins of ctcbench: that of `gone`, which is not installed where this was written; "
        "ctcbench-mine 1.2 (for `a_plugins_head`).\n"
    ) in card


def test_the_data_have_both_sets_and_their_numbers(tmp_path, registry):
    sets = [{"images": 40, "different": 12}, {"images": 160, "different": 160}]
    config = {**RunConfig().model_dump(), "extra_dataset": "lettering", "extra_share": 0.8}
    member = cases.member(tmp_path, cases.texts(("1", "1")), **config)
    for found, shown in [
        (sets, "40 of the data set (12 different ones), 160 of the extra data set (160"),
        ({}, "–"),
    ]:
        data = {**member.result.provenance.get("data", {}), "training_sets": found}
        result = dataclasses.replace(member.result, provenance={**member.result.provenance, "data": data})
        one = dataclasses.replace(member, result=result)
        body = model_card(cases.report([cases.row(1, {}, [one])]), registry)
        assert "| extra data set | `lettering`: Texts drawn in many fonts" in body
        assert f"| training images by data set | {shown}" in body
        assert "| extra share | 0.8 |" in body and body.count("extra data") < 4


def test_spaces_are_visible(tmp_path, registry):
    member = cases.member(
        tmp_path, cases.texts(("a b", "ab"), ("c", " c")), seed=0, dataset="captcha", backbone="cnn2"
    )
    body = model_card(cases.report([cases.row(1, {}, [member])]), registry)
    assert "Most frequent confusions (∅: no character): ∅ → `␣` (1), `␣` → ∅ (1)." in body


@pytest.mark.parametrize(
    ("training", "is_calibrated"),
    [({}, True), ({"alignment": "ctc"}, True), ({"alignment": "fixed"}, False), (None, True)],
)
def test_confidences_without_ctc_are_not_called_calibrated(member, registry, training, is_calibrated):
    provenance = {**member.result.provenance, "training": training}
    result = dataclasses.replace(member.result, provenance=provenance)
    member = dataclasses.replace(member, result=result)
    body = model_card(cases.report([cases.row(1, {}, [member])]), registry)
    calibrated = (
        "Confidences are calibrated on the validation images (temperature scaling) and compared here on"
    )
    scores = (
        "Confidences are the scores of the decoder, which are not calibrated; they are compared here on the"
    )
    assert (calibrated in body, scores in body) == (is_calibrated, not is_calibrated)


def test_of_several_rows_the_best_run_is_described(member, registry, tmp_path):
    good = cases.member(tmp_path, cases.texts(("1", "1")), seed=1, backbone="cnn5", dataset="captcha")
    poor = cases.member(
        tmp_path, cases.texts(("2", "1"), ("1", "1")), seed=0, backbone="cnn5", dataset="captcha"
    )
    rows = [cases.row(1, {"backbone": "cnn5"}, [poor, good]), cases.row(2, {"backbone": "cnn2"}, [member])]
    _, body = metadata(model_card(cases.report(rows), registry))
    assert body.lstrip().startswith("# cnn5 · captcha") and "mean ± sd of 2 seeds" in body
    assert "It reads 100.00 % of 1 test image" in body and "chosen from 3" in body
    assert "No confidences are stored" in body, "as with results of earlier versions"


def test_the_use_names_the_decoder_of_the_results_if_the_run_has_another(tmp_path, registry):
    member = a_run(tmp_path, registry, "greedy", "cnn3", 0)
    _, own = metadata(model_card(cases.report([cases.row(1, {}, [member])]), registry))
    assert "decoder=" not in own and "--decoder" not in own
    config = {**member.result.config, "decoder": "beam_cpp:length=4"}
    member = dataclasses.replace(member, result=dataclasses.replace(member.result, config=config))
    _, other = metadata(model_card(cases.report([cases.row(1, {}, [member])]), registry))
    assert "predict([\"picture.png\"], decoder='beam_cpp:length=4'):" in other
    assert "picture.png --decoder beam_cpp:length=4`" in other


def test_bars_are_escaped_in_tables_alone(tmp_path, registry):
    member = a_run(tmp_path, registry, "greedy", "cnn3", 0)
    config = {**member.result.config, "decoder": "beam_cpp:pattern=a|b"}
    result = dataclasses.replace(member.result, config=config)
    member = dataclasses.replace(member, result=result, predictions=cases.texts(("a|", "a|"), ("a|", "a")))
    body = model_card(cases.report([cases.row(1, {}, [member])]), registry)
    assert "picture.png --decoder 'beam_cpp:pattern=a|b'`." in body
    assert "decoder `beam_cpp:pattern=a|b`. Intervals" in body and "∅ → `|` (1)" in body
    assert "| decoder | `beam_cpp:pattern=a\\|b`" in body


def test_the_training_has_every_setting_that_is_not_at_its_default(tmp_path, registry):
    given = {
        "balance": 0.5,
        "accumulate": 2,
        "patience": 3,
        "freeze": "backbone",
        "skip_bad": True,
        "amp": False,
    }
    read = cases.texts(("1", "1"))
    config = {**RunConfig().model_dump(), **given}
    member = cases.member(tmp_path, read, **config)
    body = model_card(cases.report([cases.row(1, {}, [member])]), registry)
    table = body[body.index("## Training") : body.index("## Results")]
    assert all(f"| {name.replace('_', ' ')} | {value} |" in table for name, value in given.items())
    assert "ema" not in table and "max steps" not in table and "train samples" not in table


def test_hostile_texts_are_escaped(tmp_path, registry):
    read = cases.texts((EVIL, EVIL + "x"), ("`", "|"))
    one = cases.member(
        tmp_path / "`<b>`", read, seed=0, dataset=EVIL, backbone=EVIL, decoder=EVIL, optimizer=EVIL
    )
    provenance = {**one.result.provenance, "host": {"gpu": EVIL}, "plugins": {EVIL: EVIL}, "started": EVIL}
    one = dataclasses.replace(one, result=dataclasses.replace(one.result, provenance=provenance))
    card = model_card(cases.report([cases.row(1, {EVIL: EVIL}, [one])]), registry)
    found, body = metadata(card)
    assert "license" not in found and set(found) == {
        "library_name", "pipeline_tag", "tags", "metrics", "model-index",
    }  # fmt: skip
    assert "\nlicense" not in body and "\n---\n" not in body
    assert "<script>" not in re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", body), "outside of code"
    card.encode()


def test_the_command_writes_a_card_of_a_run(tmp_path, registry, capsys):
    a_run(tmp_path, registry, "greedy", "cnn3", 0)
    target = tmp_path / "README.md"
    assert main(["report", str(tmp_path), "--format", "card", "-o", str(target)]) == 0
    found, body = metadata(target.read_text(encoding="utf-8"))
    assert found["metrics"] == ["exact_match", "cer"] and "A picture has 20 frames" in body
    assert main(["report", str(tmp_path), "--format", "card", "-o", "card.html"]) == 2
    assert "the suffix is that of --format html, not of card" in capsys.readouterr().err
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "report.md")]) == 0
    assert (tmp_path / "report.md").read_text(encoding="utf-8").startswith("| #")


def test_without_results_there_is_nothing_to_describe(registry):
    with pytest.raises(UsageError, match="no results to describe"):
        model_card(Report((), {}, ()), registry)
