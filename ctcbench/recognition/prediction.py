"""Prediction: what a recogniser returns for a picture."""

from __future__ import annotations

from dataclasses import dataclass

from ctcbench.evaluation.proof_counts import ProofTally


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
        score: the logarithm by which texts are ranked, where that is not the confidence: with a language
            model, with several crops, and with ``best_cpp``, whose scores are exact log-probabilities before
            the calibration; else None, as where the decoder does not know it.
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
        alternatives: the best texts, best first; None if they were not asked for. If `optimal`, the first is
            `text`; that no better one than the second is missing is not proven.
        characters: the characters of the text with their places, in the order of the text; None if they
            were not asked for. Empty if no alignment of the text with the frames is possible, as where a
            decoder returns more characters than there are frames.
        optimal: whether the decoder has proven that no text that its options permit is more probable by the
            network's log-probabilities, before the calibration of `confidence`; None if it has no proofs, as
            all decoders but ``best_cpp``, or if the text was chosen from several crops.
        gap: no permitted text is more than exp(`gap`) times as probable: 0 if `optimal`, infinite if no bound
            is known; None as `optimal`.
        proof: what proved it, as `ctcbench.decoding.BestLabelling.proof`; None as `optimal`.
    """

    text: str
    confidence: float | None
    distance: float | None
    size: tuple[int, int]
    alternatives: tuple[Alternative, ...] | None = None
    characters: tuple[Character, ...] | None = None
    optimal: bool | None = None
    gap: float | None = None
    proof: str | None = None

    @property
    def familiar(self) -> bool | None:
        """Whether the picture is like the training images; None if that is not known.

        The confidence of one that is not may be far too high.
        """
        return None if self.distance is None else self.distance <= 1

    def count_proof(self, tally: ProofTally) -> None:
        """Add the proof to those of other predictions, if the decoder has proofs."""
        if self.optimal is not None and self.gap is not None and self.proof is not None:
            tally.add(optimal=self.optimal, gap=self.gap, proof=self.proof)
