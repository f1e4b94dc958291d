"""The cells and sentences of predictions."""

from __future__ import annotations

import csv
import io

import pytest

from ctcbench.cli.views.misread_csv import misread_csv
from ctcbench.cli.views.prediction_output import CsvOutput, aligned_confidences, unfamiliar_pictures
from ctcbench.recognition.prediction import Alternative, Prediction
from ctcbench.recognition.recogniser_score import Misreading


def test_confidences_are_aligned_with_their_marks() -> None:
    readings = [(0.097, False, None), (1.0, True, True), (None, None, False), (0.5, False, False)]
    assert aligned_confidences(readings) == [
        "  9.7 %  unfamiliar",
        "100.0 %",
        "      –  not proven",
        " 50.0 %  unfamiliar  not proven",
    ]
    assert aligned_confidences([(0.097, True, None)]) == ["9.7 %"]
    assert aligned_confidences([]) == []


def test_csv_has_texts_and_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    names = [" a.png", "b.png ", "=1", "c\n.png", "d.png"]
    texts = ["12 ", " ", "\u3000x\u200cy\xa0", '"a,b"', "12"]
    output = CsvOutput(1)
    for name, text in zip(names, texts, strict=True):
        output.add(name, Prediction(text, 0.5, None, (1, 1), (Alternative(text, 0.5),)))
    output.add("e.png", "damaged:\n  cut off")
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 7
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["image"] for row in rows] == [" a.png", "b.png ", "'=1", "c\\n.png", "d.png", "e.png"]
    assert [row["text"] for row in rows] == [row["text_1"] for row in rows] == [*texts, ""]
    assert [row["error"] for row in rows] == ["", "", "", "", "", "damaged: cut off"]


def test_csv_of_misread_pictures_has_texts_and_names_as_they_are() -> None:
    rows = [Misreading(" a.png", "12", "12 ", 0.5, None), Misreading("b\udc80", " ", "\u3000", None, True)]
    written = misread_csv(rows)
    assert written.encode().decode() == written
    found = list(csv.reader(io.StringIO(written)))[1:]
    assert [cells[:3] for cells in found] == [[" a.png", "12", "12 "], ["b\\udc80", " ", "\u3000"]]


def test_unfamiliar_pictures_are_counted_with_what_that_means() -> None:
    assert unfamiliar_pictures(1, 1000, "picture").startswith("1 of 1,000 pictures; it differs from the")
    assert unfamiliar_pictures(2, 2, "image").startswith("2 of 2 images; they differ from the")
