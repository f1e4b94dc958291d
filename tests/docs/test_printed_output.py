"""Output that the pages show is what the program prints today."""

import re
from types import SimpleNamespace

from ctcbench.cli.views.run_diagnosis import diagnosis
from ctcbench.evaluation.metrics import METRICS
from ctcbench.training.blank_plateau import BlankPlateauDetector
from tests.docs.pages import DOCS, blocks, read


def test_the_score_table_has_the_metrics_of_today():
    [output] = [block for block in blocks(DOCS / "usage.md", "text") if "what it counts" in block]
    table = output.partition("what it counts")[2].partition("└")[0]
    described, name = {}, ""
    for label, _, _, text in re.findall(r"^│ (.*?) │ (.*?) │ (.*?) │ (.*?) │$", table, re.M):
        name = label.strip() or name  # without a label: the rest of a long description
        described[name] = f"{described.get(name, '')} {text.strip()}".strip()
    assert described == {metric.label: metric.help for metric in METRICS}


def test_the_plateau_on_the_page_of_the_talk_is_reported_in_these_words():
    page = read(DOCS / "talk.md")
    notice = BlankPlateauDetector(steps=799, longest=799).update(800, 21.3, False, 20.6)
    assert notice in " ".join(page.split())
    result = SimpleNamespace(
        score=SimpleNamespace(collapsed=False, empty_outputs=0.0, blank_probability=0.7209),
        provenance={"training": {"plateau_steps_at_end": 1250}},
        config={"shortcut": "none", "optimizer": "adamw", "loss": "ctc"},
    )
    shown = re.search(r"^Stuck: .*?most effective\)$", page, re.M | re.S)[0]
    assert " ".join(str(diagnosis(result)).split()).startswith(" ".join(shown.split()))
