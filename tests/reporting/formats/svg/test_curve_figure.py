"""Training curves as SVG: well formed, one line per run, labelled, light and dark, texts escaped."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ctcbench.__main__ import main
from ctcbench.contract.errors import UsageError
from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.formats.svg.curve_figure import MOST_ROWS, curves_svg
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from tests.reporting.report_cases import a_run

ROOT = Path(__file__).parents[4]


SVG = "{http://www.w3.org/2000/svg}"


def trained(out: Path, left: int | None, **settings) -> Result:
    """Return a run whose loss is 13 until it leaves the plateau and decreases after that."""
    found = a_run(out, provenance={"training": {"left_plateau_step": left}}, **settings)
    assert found.folder
    folder = RunFolder(found.folder)
    for step in range(10, 310, 10):
        past = max(0, step - left) if left else 0
        loss = 500.0 if step == 10 else 13 * math.exp(-past / 100)
        folder.append_metrics({"kind": "steps", "step": step, "loss": loss})
        if step % 100 == 0:
            exact = 1 - math.exp(-past / 100)
            folder.append_metrics({"kind": "epoch", "step": step, "val_exact": exact, "val_loss": loss})
    return found


def drawn(results: list[Result]) -> ET.Element:
    return ET.fromstring(curves_svg(build_report(results)))


def texts(svg: ET.Element) -> str:
    return "\n".join("".join(text.itertext()) for text in svg.iter(f"{SVG}text"))


@pytest.fixture
def lottery(tmp_path: Path) -> list[Result]:
    return [
        *(trained(tmp_path, 50 + 10 * seed, seed=seed, backbone="cnn3") for seed in range(4)),
        *(
            trained(tmp_path, None if seed else 200, seed=seed, skill=0.1, backbone="cnn2")
            for seed in range(4)
        ),
    ]


def test_each_panel_has_a_line_per_run_and_dots_where_the_plateau_was_left(lottery):
    svg = drawn(lottery)
    lines = [path.get("class") for path in svg.iter(f"{SVG}path")]
    assert sorted(lines) == ["run row1"] * 8 + ["run row2"] * 8
    dots = [dot.get("class") for dot in svg.iter(f"{SVG}circle")]
    assert sorted(dots) == ["left fill1"] * 4 + ["left fill2"]
    said = {"".join(title.itertext()) for path in svg.iter(f"{SVG}path") for title in path}
    assert len(said) == 8
    assert any(text.startswith("cnn2, seed 3: ") and "on the blank plateau at" in text for text in said)
    assert any(text.startswith("cnn3, seed 1: ") and "plateau at step 60" in text for text in said)


def test_a_run_of_one_epoch_is_a_dot(tmp_path):
    found = a_run(tmp_path)
    folder = RunFolder(found.folder)
    for step in (10, 20):
        folder.append_metrics({"kind": "steps", "step": step, "loss": 10.0})
    folder.append_metrics({"kind": "epoch", "step": 20, "val_exact": 0.5, "val_loss": 10.0})
    svg = drawn([found])
    assert [path.get("class") for path in svg.iter(f"{SVG}path")] == ["run row1"]
    assert "only fill1" in [dot.get("class") for dot in svg.iter(f"{SVG}circle")]


def test_axes_have_units_and_rows_a_legend(lottery):
    said = texts(drawn(lottery))
    for words in ("training loss, nats per image", "exact accuracy in validation, %", "training step"):
        assert words in said
    assert re.search(
        r"cnn3 +exact \d\d\.\d\d ± \d\.\d\d %, collapsed 0 of 4, plateau left: 65 \(50 – 80\)", said
    )
    assert "plateau left: 200, 3 never" in said
    assert "\n300\n" in said and "\n100\n" in said


def test_lines_are_at_the_positions_of_their_values(lottery):
    svg = drawn(lottery)
    ticks_at = {
        (text.get("text-anchor"), text.text): (float(text.get("x")), float(text.get("y")))  # type: ignore[arg-type]
        for text in svg.iter(f"{SVG}text")
        if text.get("class") == "tick"
    }  # of the panel on the right, which comes last
    (exact,) = [
        p for p in svg.iter(f"{SVG}path") if "cnn3, seed 0" in p[0].text and p.get("clip-path") == "none"
    ]
    points = [tuple(map(float, pair.split())) for pair in exact.get("d")[1:].split("L")]
    assert len(points) == 3
    x_300, y_0, y_100 = ticks_at["middle", "300"][0], ticks_at["end", "0"][1], ticks_at["end", "100"][1]
    assert points[-1][0] == pytest.approx(x_300, abs=0.2)
    share = (y_0 - points[-1][1]) / (y_0 - y_100)
    assert share == pytest.approx(1 - math.exp(-2.5), abs=0.005)


def test_a_very_high_first_loss_does_not_determine_the_scale(lottery):
    figures = re.findall(r"^[\d,.]+$", texts(drawn(lottery)), re.M)
    assert "500" not in figures and "10" in figures


def test_the_figure_in_the_documentation_is_of_this_kind():
    text = (ROOT / "docs" / "lottery.svg").read_text(encoding="utf-8")
    svg = ET.fromstring(text)
    assert [path.get("class") for path in svg.iter(f"{SVG}path")] == ["run row2"] * 20 + ["run row1"] * 20
    # The table beside it has its figures.
    page = (ROOT / "docs" / "talk.md").read_text(encoding="utf-8")
    lines = [line for line in texts(svg).splitlines() if " exact " in line]
    assert len(lines) == 2
    for line in lines:
        name, exact, collapsed = re.match(
            r"(\S+) +exact (\S+ ± \S+) %, collapsed (\d+ of \d+)", line
        ).groups()  # type: ignore[union-attr]
        (row,) = [
            row for row in page.splitlines() if row.replace("`", "").startswith(f"| {name} | {collapsed}")
        ]
        assert exact in row


def test_light_and_dark(lottery):
    style = drawn(lottery).find(f"{SVG}style").text  # type: ignore[union-attr]
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for name in ("paper", "ink", "soft", "line", "c1", "c2"):
        values = [re.search(rf"--{name}: (#\w+)", part)[1] for part in (light, dark)]  # type: ignore[index]
        assert values[0] != values[1]
    used = set(re.findall(r"var\(--(\w+)\)", style))
    assert used == set(re.findall(r"--(\w+):", dark))


def test_names_are_escaped(tmp_path):
    hostile = "</style><script>alert(1)</script>&\x1b"
    results = [
        trained(tmp_path, 50, seed=seed, init_from=start, folder=f"{seed}-{len(start)}")
        for seed in (0, 1)
        for start in (hostile, "a model")
    ]
    text = curves_svg(build_report(results))
    text.encode("utf-8")
    svg = ET.fromstring(text)
    assert not list(svg.iter(f"{SVG}script")) and "<script" not in text
    assert "</style><script>alert(1)" in texts(svg)
    assert "\x1b" not in text


def test_of_many_rows_the_best_are_shown(tmp_path):
    results = [trained(tmp_path, 50, skill=0.5 + i / 50, batch_size=i + 1) for i in range(MOST_ROWS + 3)]
    svg = drawn(results)
    assert len(list(svg.iter(f"{SVG}path"))) == 2 * MOST_ROWS
    assert f"Rows 1 to {MOST_ROWS} of {MOST_ROWS + 3}." in texts(svg)


def test_without_training_records_it_is_an_error(tmp_path):
    with pytest.raises(UsageError, match="no records of training"):
        curves_svg(build_report([a_run(tmp_path)]))


def test_the_command_writes_it(lottery, tmp_path, capsys):
    path = tmp_path / "curves.svg"
    assert main(["report", str(tmp_path), "--format", "svg", "-o", str(path)]) == 0
    assert ET.parse(path).getroot().tag == f"{SVG}svg"
    assert str(path) in capsys.readouterr().err.splitlines()
