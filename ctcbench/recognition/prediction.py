"""Prediction: what a recogniser returns for a picture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Character:
    """A character of a text, and where it is in the picture.

    Attributes:
        text: the character as the alphabet of the recogniser has it.
        left: left end of the columns of its frames in pixels, counted from the left edge of the picture as
            it is displayed, with its EXIF orientation applied.
        right: right end of these columns.
        confidence: the highest calibrated probability of the character in one of its frames, 0 to 1.
    """

    text: str
    left: float
    right: float
    confidence: float


@dataclass(frozen=True)
class Alternative:
    """One of the most probable texts of a picture.

    Attributes:
        text: the text, in Unicode NFC.
        confidence: p(text | picture), as that of a prediction.
        score: the logarithm by which texts are ranked, where that is not the probability alone, as with a
            language model or with several crops; else None.
    """

    text: str
    confidence: float
    score: float | None = None


@dataclass(frozen=True)
class Prediction:
    """The text of a picture, and the probability that it is right.

    Attributes:
        text: the text, in Unicode NFC.
        confidence: p(text | picture) over all alignments, 0 to 1, calibrated on the run's validation
            images (`ctcbench.evaluation.calibration`): of the texts with confidence 0.9, nine in ten should
            be right, for pictures of the same kind. It is not calibrated while the run is not finished.
            Without CTC it is the decoder's own score, None if it has none. Of a picture that is read at
            several crops it is the share of the text among all candidates (`CropInterpretation`).
        distance: how far the picture's statistics are from those of the training images, 1 at the limit that
            one in a hundred pictures like them exceeds (`ctcbench.evaluation.familiarity`); None if they are
            not stored with the recogniser.
        size: width and height of the picture in pixels, as it is displayed.
        alternatives: the most probable texts, most probable first; None if they were not asked for.
        characters: the characters of the text with their places, in the order of the text; None if they
            were not asked for.
    """

    text: str
    confidence: float | None
    distance: float | None
    size: tuple[int, int]
    alternatives: tuple[Alternative, ...] | None = None
    characters: tuple[Character, ...] | None = None

    @property
    def familiar(self) -> bool | None:
        """Whether the picture is like the training images; None if that is not known.

        The confidence of one that is not may be far too high.
        """
        return None if self.distance is None else self.distance <= 1
