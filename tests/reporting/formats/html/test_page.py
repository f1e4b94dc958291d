"""The page of a report as text: well formed, self-contained, small, with all texts escaped."""

import dataclasses
import json
import re

import pytest
from typer.testing import CliRunner

from ctcbench.cli.app import app
from ctcbench.cli.commands.report import _require_place
from ctcbench.contract.errors import UsageError
from ctcbench.reporting.formats.html.page import as_json, html_page
from ctcbench.reporting.report_model import Failure, Report, ReportWarning, TalkFigure
from tests.reporting.formats.html import html_cases as cases
from tests.reporting.formats.html.html_reader import Page, data_of

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'"


@pytest.fixture
def small(tmp_path):
    read = cases.texts(("1l", "11"), ("22", "22"), ("3", "33"), ("", "44"))
    rows = [
        cases.row(
            1, {"backbone": "cnn3", "head": "none"}, [cases.member(tmp_path, read, seed=s) for s in (0, 1)]
        ),
        cases.row(2, {"backbone": "cnn2", "head": ""}, [cases.member(tmp_path, read, seed=0)]),
    ]
    return cases.report(rows)


def test_a_page_is_well_formed_and_makes_no_network_request(small, registry):
    text = html_page(small, registry)
    page = Page(text)
    assert text.startswith("<!doctype html>")
    assert len(page.ids) == len(set(page.ids))
    assert "http:" not in text and "https:" not in text and "@import" not in text
    loading = [value for _, name, value in page.attributes if name in ("src", "srcset", "data", "action")]
    assert loading == []
    assert all(value.startswith("#") for tag, name, value in page.attributes if (tag, name) == ("a", "href"))
    linked = [
        value.removeprefix("#") for _, name, value in page.attributes if name == "href" and value[0] == "#"
    ]
    assert set(linked) <= set(page.ids)
    assert page.tags.count("h1") == 1


def test_the_summary_does_not_compare_rows_with_different_test_images(small, registry, tmp_path):
    note = "not all tested on the same images"
    words = " ".join(Page(html_page(small, registry)).words)
    assert "test images each 4" in " ".join(words.split()) and note not in words
    other = cases.row(
        2, {"backbone": "cnn2", "head": ""}, [cases.member(tmp_path, cases.texts(("1", "1")), seed=0)]
    )
    warnings = (*small.warnings, ReportWarning("test sets", "test sets differ"))
    mixed = dataclasses.replace(small, rows=(small.rows[0], other), warnings=warnings)
    words = " ".join(" ".join(Page(html_page(mixed, registry)).words).split())
    assert "test images each 1 – 4" in words and note in words


def test_the_page_has_every_section_and_row(small, registry):
    talk = TalkFigure("talk-10k", {"exact": 0.001}, scaled="train_samples 8100 → 810")
    rows = (dataclasses.replace(small.rows[0], talk=talk, columns=(("my column", "my text"),)),)
    rows += (dataclasses.replace(small.rows[1], columns=(("my column", "–"),)),)
    text = html_page(dataclasses.replace(small, rows=rows), registry)
    page = Page(text)
    sections = (
        "results", "test-images", "training", "cost", "effects", "tests", "confidence", "breakdown",
        "confusion", "mistakes", "warnings",
    )  # fmt: skip
    assert set(sections) <= set(page.ids)
    words = " ".join(page.words)
    for word in ("cnn3", '""', "talk-10k", "my text", "Rows of fewer than three", "a CPU, 2 cores", "torch"):
        assert (word in words) == (word != "torch"), word
    assert words.count("25.00") >= 2  # one of four texts is right
    assert len(data_of(text)["rows"]) == 2


def test_the_talks_figure_is_marked_if_the_row_has_another_size(small, registry):
    def page(**talk):
        row = dataclasses.replace(small.rows[0], talk=TalkFigure("talk-overfit1", **talk))
        return Page(html_page(dataclasses.replace(small, rows=(row, small.rows[1])), registry))

    whole = page(metrics={"exact": 0.001}, note="only blanks")
    scaled = page(metrics={}, note="only blanks", scaled="train_samples 16 → 8")
    said, said_scaled = (" ".join(page.words) for page in (whole, scaled))
    assert "0.10" in said and "talk-overfit1" in said and ", scaled" not in said
    assert "talk-overfit1, scaled" in said_scaled and "only blanks" in said_scaled
    assert ("span", "title", "train_samples 16 → 8") in scaled.attributes


def test_the_page_of_an_empty_report(registry):
    text = html_page(Report((), {}, (), damaged=("a.json: damaged",)), registry)
    words = " ".join(Page(text).words)
    assert "No results" in words and "a.json: damaged" in words


@pytest.mark.parametrize("hostile", [EVIL, "{{ 7 * 7 }}{% raw %}", "--><!--", "\ud800", "a\x00b"])
def test_all_texts_of_results_are_escaped(hostile, tmp_path, registry):
    predictions = cases.texts((hostile, hostile + "x"), (hostile, "y"), ("", hostile))
    one = cases.member(tmp_path / "<b>", predictions, seed=0, dataset=hostile)
    two = cases.member(tmp_path / "<b>", predictions, seed=0, dataset="folder")
    provenance = {
        **one.result.provenance,
        "host": {"gpu": hostile},
        "plugins": {hostile: hostile},
        "started": hostile,
    }
    one = dataclasses.replace(one, result=dataclasses.replace(one.result, provenance=provenance))
    rows = [cases.row(1, {hostile: hostile}, [one]), cases.row(2, {hostile: "b"}, [two])]
    rows = [dataclasses.replace(row, columns=((hostile, hostile),)) for row in rows]
    rows[0] = dataclasses.replace(rows[0], talk=TalkFigure(hostile, {}, hostile))
    report = dataclasses.replace(
        cases.report(rows),
        common={hostile: hostile},
        warnings=(ReportWarning(hostile, hostile, (1,)),),
        damaged=(hostile,),
        failures=(Failure(tmp_path / "<i>", hostile),),
    )
    plain = cases.report([cases.row(1, {"a": "a"}, [two]), cases.row(2, {"a": "b"}, [two])])
    text = html_page(report, registry)
    page, usual = Page(text), Page(html_page(plain, registry))
    assert page.tags.count("script") == usual.tags.count("script") == 2
    assert {"img", "b", "i"}.isdisjoint(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "<" not in re.search(r'id="data">(.*?)</script>', text).group(1)
    if hostile == EVIL:
        assert "".join(page.words).count(EVIL) >= 8
        assert hostile in json.dumps(data_of(text), ensure_ascii=False).replace('\\"', '"')
    text.encode("utf-8")


def test_the_content_security_policy_allows_its_own_script_only(small, registry):
    text = html_page(small, registry)
    policy = next(
        value for tag, name, value in Page(text).attributes if name == "content" and "default-src" in value
    )
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy.replace("style-src 'unsafe-inline'", "")


def test_json_in_a_script_has_no_characters_that_html_interprets():
    text = as_json({"a": "</script><!--&\u2028é"})
    assert not set("<>&") & set(text) and text.isascii()
    assert json.loads(text) == {"a": "</script><!--&\u2028é"}


@pytest.mark.landing
def test_the_page_of_two_hundred_rows_is_small(tmp_path, registry):
    read = cases.texts(*[(f"{i:03}x" * 10, f"{i:03}y" * 10) for i in range(300)])
    one = cases.member(tmp_path, read, seed=0)
    rows = [cases.row(n, {"backbone": f"cnn3:width={n}"}, [one]) for n in range(1, 201)]
    for step in range(3000):
        (tmp_path / "metrics.jsonl").open("a").write(
            json.dumps({"kind": "epoch", "step": step, "val_exact": 0.5, "val_loss": 1.25}) + "\n"
        )
    text = html_page(cases.report(rows), registry)
    assert len(text.encode()) < 10_000_000
    shown = data_of(text)["gallery"]
    assert 0 < len(shown["entries"]) <= 480
    assert shown["counts"]["1"] == {
        "seed": 0, "wrong": 300, "shown": 2, "images": 300,
        "note": "no best paths: the log-probabilities are not stored",
    }  # fmt: skip
    assert all(entry["why"] for entry in shown["entries"])
    assert "120 of 19900 pairs" in text


def test_the_command_writes_a_page(page, tmp_path):
    runs = str(page.parent)
    target = tmp_path / "report.html"
    found = CliRunner().invoke(app, ["report", runs, "--format", "html", "-o", str(target)])
    assert found.exit_code == 0, found.output
    text = target.read_text(encoding="utf-8")
    Page(text)
    data = data_of(text)
    assert len(data["rows"]) == 3 and data["rows"][0]["n"] == 2
    assert data["gallery"]["entries"] and all(e["image"] and e["path"] for e in data["gallery"]["entries"])
    assert all(e["name"] == f"captcha test/{e['index']}" for e in data["gallery"]["entries"])
    assert data["curves"][0]["exact"]
    piped = CliRunner().invoke(app, ["report", runs, "--format", "html"])
    assert piped.stdout.startswith("<!doctype html>") and piped.stdout.rstrip().endswith("</html>")


def test_a_page_states_what_is_missing(tmp_path, registry):
    """Without log-probabilities, images and predictions, the page shows what it has."""
    read = cases.texts(("1l", "11"))
    text = html_page(cases.report([cases.row(1, {}, [cases.member(tmp_path, read, nonsense=1)])]), registry)
    (entry,) = data_of(text)["gallery"]["entries"]
    assert entry["image"] == "" and "no image" in entry["why"] and not {"path", "name"} & {*entry}
    nothing = dataclasses.replace(cases.member(tmp_path, read), predictions=None)
    text = html_page(cases.report([cases.row(1, {}, [nothing])]), registry)
    assert data_of(text)["gallery"]["counts"]["1"]["note"] == "no predictions are stored; see the warnings"


def test_a_page_needs_a_file_and_a_table_a_terminal(tmp_path, monkeypatch):
    monkeypatch.setattr("ctcbench.cli.commands.report.sys.stdout.isatty", lambda: True, raising=False)
    with pytest.raises(UsageError, match=r"-o report\.html"):
        _require_place("html", None, is_given=True)
    _require_place("html", tmp_path / "report.html", is_given=False)
    with pytest.raises(UsageError, match=r"--format md\|csv"):
        _require_place("table", tmp_path / "report.txt", is_given=False)
