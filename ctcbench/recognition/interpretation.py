"""Interpretation: from the log-probabilities of pictures to their texts, confidences and positions."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import LogProbs, Sample
from ctcbench.contract.errors import UsageError
from ctcbench.decoding import BestLabelling, beam_search
from ctcbench.evaluation.ctc_alignment import character_frames
from ctcbench.evaluation.ctc_likelihood import text_log_probs
from ctcbench.evaluation.familiarity import Familiarity
from ctcbench.pipeline.built_decoder import BuiltDecoder
from ctcbench.recognition.picture_batch import PictureBatch, make_batch, split_by_width
from ctcbench.recognition.prediction import Alternative, Character, Prediction
from ctcbench.recognition.reader import Reader

_NARROWEST_BEAM, _BEAM_PER_TEXT = 25, 4
_LEAST_CANDIDATES, _MORE_CANDIDATES = 8, 4


@dataclass(frozen=True)
class Interpretation:
    """How log-probabilities of pictures become texts, confidences and positions.

    Attributes:
        reader: the network that computes them.
        decoder: finds the text of each picture.
        sharpness: exponent of the probabilities that calibrates confidences.
        familiarity: the statistics of the training images, None if they are not known.
        n_best: number of the most probable texts, 0 for none.
        positions: whether characters are located.
        composed: whether texts are in Unicode NFC; else they are as the alphabet writes them.
    """

    reader: Reader
    decoder: BuiltDecoder
    sharpness: float
    familiarity: Familiarity | None
    n_best: int
    positions: bool
    composed: bool = True

    def predict(self, samples: Sequence[Sample]) -> list[Prediction]:
        """Return the predictions of pictures that are prepared for the network; several threads may call it.

        Raises:
            PluginError: the decoder failed.
        """
        found: dict[int, Prediction] = {}
        for rows in split_by_width(samples, self.reader) if samples else ():
            batch = make_batch([samples[row] for row in rows], self.reader)
            chosen = [samples[row] for row in rows]
            found.update(zip(rows.tolist(), self._read(batch, self.distances(chosen)), strict=True))
        return [found[row] for row in range(len(samples))]

    def distances(self, samples: Sequence[Sample]) -> Sequence[float | None]:
        """Return how far pictures are from the training images; None where that is not known."""
        if self.familiarity is None:
            return [None] * len(samples)
        images = [sample.image[..., : sample.width] for sample in samples]
        distances: list[float | None] = self.familiarity.distances(images).tolist()
        return distances

    def _read(self, batch: PictureBatch, distances: Sequence[float | None]) -> list[Prediction]:
        values_NTK, lengths_N = self.reader.read(batch.images_NCHW, batch.widths_N)
        read = LogProbs(values_NTK, lengths_N, ("",) * len(lengths_N), self.reader.alphabet)
        hypotheses, proofs, _ = self.decoder.decode_with_proofs(read)
        labels = [hypothesis.labels for hypothesis in hypotheses]
        scores = [hypothesis.log_prob for hypothesis in hypotheses]
        if self.reader.alignment == "ctc":
            # A decoder's score covers only the alignments that its search kept; this is the sum of all.
            sums = text_log_probs(read, labels, self.sharpness).tolist()
            # A decoder that found nothing that its options permit returns an empty text of score −inf.
            scores = [-math.inf if own == -math.inf else sum_ for own, sum_ in zip(scores, sums, strict=True)]
        nothing: list[None] = [None] * len(labels)
        alternatives = self._alternatives(read) if self.n_best else nothing
        characters = self.characters(read, labels, batch) if self.positions else nothing
        proofs_N: Sequence[BestLabelling | None] = proofs or [None] * len(labels)
        return [
            Prediction(
                self.text(labels[i]),
                _probability(scores[i]),
                distances[i],
                batch.sizes[i],
                alternatives[i],
                characters[i],
                *_proof(proofs_N[i]),
            )
            for i in range(len(labels))
        ]

    def text(self, labels: Sequence[int]) -> str:
        """Return the text of a labelling."""
        # Composed, as labels are: an alphabet may have a letter and an accent where NFC has one character.
        text = self.reader.alphabet.decode(labels)
        return unicodedata.normalize("NFC", text) if self.composed else text

    def _alternatives(self, read: LogProbs) -> list[tuple[Alternative, ...]]:
        """Return the best texts of each picture, best first: by the score that the decoder ranks by."""
        # A proof is for the order before the calibration, so the scores of such a decoder are kept, too.
        is_ranked = self.decoder.has_own_score or self.decoder.has_proofs
        count = self.n_best
        if count > 1:
            # Those that are sorted again: among no more than are returned, a better text could be missing.
            count = max(_LEAST_CANDIDATES, count + _MORE_CANDIDATES)
        found = self.decoder.n_best(read, self.n_best if is_ranked else count)
        has_score = found is not None and is_ranked
        if found is None:
            width = max(_NARROWEST_BEAM, _BEAM_PER_TEXT * count)
            found = beam_search(
                read.values_NTK, read.lengths_N, beam_width=width, n_best=count, threads=1, frames=False
            )
        rows_M = np.repeat(np.arange(len(found)), [len(hypotheses) for hypotheses in found])
        hypotheses_M = [hypothesis for hypotheses in found for hypothesis in hypotheses]
        log_probs_M = text_log_probs(read, [one.labels for one in hypotheses_M], self.sharpness, rows_M)
        # Probabilities are sorted again: the calibration can change the order of texts of nearly equal
        # probability, and those of a search cover only the alignments that it kept.
        order_M = range(len(hypotheses_M)) if has_score else np.argsort(-log_probs_M, kind="stable")
        texts: list[dict[str, Alternative]] = [{} for _ in found]
        for index in order_M:
            text = self.text(hypotheses_M[index].labels)
            score = _known(hypotheses_M[index].log_prob) if has_score else None
            confidence = math.exp(min(0, log_probs_M[index]))
            texts[rows_M[index]].setdefault(text, Alternative(text, confidence, score))
        return [tuple(alternatives.values())[: self.n_best] for alternatives in texts]

    def characters(
        self, read: LogProbs, labels_N: Sequence[Sequence[int]], batch: PictureBatch
    ) -> list[tuple[Character, ...]]:
        """Return the characters of each picture in the order of its text.

        There are none of a text without an alignment in which each of its characters has a frame, as where
        a decoder returns more characters than there are frames.
        """
        frames_N = character_frames(read, labels_N)
        column_of_frame_N = self._frame_columns(read, batch)
        found: list[tuple[Character, ...]] = []
        for row, (labels, frames_L2) in enumerate(zip(labels_N, frames_N, strict=True)):
            if (frames_L2[:, 0] > frames_L2[:, 1]).any():
                found.append(())
                continue
            columns_L2 = batch.picture_columns(row, (frames_L2 + np.array([0, 1])) * column_of_frame_N[row])
            confidences_L = self._frame_confidences(read.values_NTK[row], labels, frames_L2)
            characters = [
                Character(read.alphabet.characters[label - 1], float(left), float(right), confidence)
                for label, (left, right), confidence in zip(labels, columns_L2, confidences_L, strict=True)
            ]
            found.append(tuple(characters[i] for i in read.alphabet.text_order(labels)))
        return found

    def _frame_columns(self, read: LogProbs, batch: PictureBatch) -> NDArray[np.float64]:
        """Return the number of columns of a frame, for each image."""
        if self.reader.image.variable:
            # Of the image alone: what the widest of the batch adds to the others must not move positions.
            return batch.widths_N / np.maximum(read.lengths_N, 1)
        columns = batch.images_NCHW.shape[3] / read.values_NTK.shape[1]
        return np.full(len(batch.widths_N), columns)

    def _frame_confidences(
        self, values_TK: NDArray[np.float32], labels: Sequence[int], frames_L2: NDArray[np.int64]
    ) -> list[float]:
        """Return the highest calibrated probability of each character in its frames."""
        scaled_TK = values_TK * self.sharpness
        probs_TK = np.exp(scaled_TK - scaled_TK.max(-1, keepdims=True))
        probs_TK /= probs_TK.sum(-1, keepdims=True)
        return [
            float(probs_TK[first : last + 1, label].max())
            for label, (first, last) in zip(labels, frames_L2, strict=True)
        ]


def require_supported(reader: Reader, n_best: int, *, positions: bool, crops: int = 0) -> None:
    """Check that a network supports what is asked of an `Interpretation`.

    Raises:
        UsageError: `n_best` is negative, several texts or readings are wanted of a network that was trained
            without CTC, or positions of one that does not align characters with columns.
    """
    if n_best < 0:
        raise UsageError(f"n_best={n_best}: the number of texts is 0 or more")
    if n_best and reader.alignment != "ctc":
        raise UsageError("this recogniser was trained without CTC and has one text for a picture: no n_best")
    if crops > 1 and reader.alignment != "ctc":
        raise UsageError("this recogniser was trained without CTC, and can't join readings of several crops")
    if positions and not (reader.has_positions and reader.alignment == "ctc"):
        raise UsageError(
            "each frame of this recogniser sees the whole picture, so its characters have no positions"
        )


def _proof(best: BestLabelling | None) -> tuple[bool, float, str] | tuple[None, None, None]:
    return (None, None, None) if best is None else (best.optimal, best.gap, best.proof)


def _known(score: float) -> float | None:
    return None if math.isnan(score) else score


def _probability(log_prob: float) -> float | None:
    return None if math.isnan(log_prob) else min(1.0, math.exp(log_prob))
