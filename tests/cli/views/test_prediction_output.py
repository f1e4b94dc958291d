"""The cells and sentences of predictions."""

from __future__ import annotations

from ctcbench.cli.views.prediction_output import aligned_confidences, unfamiliar_pictures


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


def test_unfamiliar_pictures_are_counted_with_what_that_means() -> None:
    assert unfamiliar_pictures(1, 1000, "picture").startswith("1 of 1,000 pictures; it differs from the")
    assert unfamiliar_pictures(2, 2, "image").startswith("2 of 2 images; they differ from the")
