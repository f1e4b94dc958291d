"""CropInterpretation: the text of a picture that is read several times, at different crops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ctcbench.contract.data import LogProbs, Sample
from ctcbench.contract.errors import UsageError
from ctcbench.decoding import beam_search, score_labellings
from ctcbench.decoding.hypothesis import Hypothesis
from ctcbench.files.pictures import MOST_CROPPED
from ctcbench.recognition.interpretation import Interpretation
from ctcbench.recognition.picture_batch import PictureBatch, make_batch, split_by_width
from ctcbench.recognition.prediction import Alternative, Prediction

_CANDIDATES = 8  # of each reading
_BEAM_WIDTH, _BEAM_PER_TEXT = 25, 4  # at least; for each candidate
_FLOOR = -60.0  # nats; a lower log-probability of a text in a reading counts as this

Labels = tuple[int, ...]


@dataclass(frozen=True)
class _Batch:
    """Images that the network read together.

    Attributes:
        images: the images.
        read: their log-probabilities.
        rows: the number of the reading of each.
    """

    images: PictureBatch
    read: LogProbs
    rows: NDArray[np.int64]

    def row(self, row: int) -> tuple[PictureBatch, LogProbs]:
        """Return one of the images with its log-probabilities."""
        one, images = slice(row, row + 1), self.images
        return (
            PictureBatch(
                images.images_NCHW[one], images.widths_N[one], images.sizes[one], images.is_mirrored
            ),
            LogProbs(self.read.values_NTK[one], self.read.lengths_N[one], ("",), self.read.alphabet),
        )


@dataclass(frozen=True)
class _Choice:
    """The candidates of a picture, best first.

    Attributes:
        labels: a labelling for each.
        scores: the sum over the readings by which they are ranked.
        shares: the share of each in the posterior.
        reading: the number of the reading in which the first is most probable.
    """

    labels: list[Labels]
    scores: list[float]
    shares: list[float]
    reading: int


@dataclass(frozen=True)
class CropInterpretation:
    """Joins several readings of each picture, one for each crop, to one prediction.

    The candidates are the best texts of the decoder for each reading. The score of a candidate is the sum
    over the readings of its exact CTC log-probability (Graves et al. 2006, equation 8), of which each counts
    as −60 at least, so that no single reading excludes a text. Where the decoder ranks by more than that, as
    with a language model, the largest such difference in a reading is added for each reading.

    The confidence is the geometric mean over the readings of the candidate's probabilities, after the
    calibration of `single`, divided by the sum of these means over all candidates. It is not calibrated.

    Attributes:
        single: how one reading is interpreted.
    """

    single: Interpretation

    def predict(self, pictures: Sequence[Sequence[Sample]]) -> list[Prediction]:
        """Return the predictions of pictures, of each of which there are one or more images.

        Raises:
            PluginError: the decoder failed.
        """
        if not pictures:  # no picture of the group can be read
            return []
        samples = [sample for readings in pictures for sample in readings]
        owner_N = np.repeat(np.arange(len(pictures)), [len(readings) for readings in pictures])
        batches = self._read(samples)
        pools: list[dict[Labels, None]] = [{} for _ in pictures]
        own: dict[tuple[int, Labels], float] = {}  # scores of the decoder
        for batch in batches:
            for row, found in zip(batch.rows.tolist(), self._candidates(batch.read), strict=True):
                for hypothesis in found:
                    pools[owner_N[row]][tuple(hypothesis.labels)] = None
                    if not math.isnan(hypothesis.log_prob):  # NaN: not known
                        own[row, tuple(hypothesis.labels)] = hypothesis.log_prob
        candidates = [list(pool) or [()] for pool in pools]
        plain, calibrated = self._scores(batches, owner_N, candidates)
        ends = np.cumsum([len(readings) for readings in pictures])
        chosen = []
        for index, readings in enumerate(pictures):
            rows = range(int(ends[index]) - len(readings), int(ends[index]))
            choice = self._choice(candidates[index], rows, plain, calibrated, own)
            # Without a candidate that the decoder's options permit, the text is empty and is not the truth.
            chosen.append(choice if pools[index] else replace(choice, scores=[-math.inf], shares=[0.0]))
        return self._predictions(chosen, samples, batches)

    def _read(self, samples: Sequence[Sample]) -> list[_Batch]:
        reader, found = self.single.reader, []
        for rows in split_by_width(samples, reader) if samples else ():
            batch = make_batch([samples[row] for row in rows], reader)
            values_NTK, lengths_N = reader.read(batch.images_NCHW, batch.widths_N)
            read = LogProbs(values_NTK, lengths_N, ("",) * len(lengths_N), reader.alphabet)
            found.append(_Batch(batch, read, rows))
        return found

    def _candidates(self, read: LogProbs) -> Sequence[Sequence[Hypothesis]]:
        """Return the best hypotheses of each image; those without a possible alignment are left out."""
        decoder, count = self.single.decoder, max(_CANDIDATES, self.single.n_best)
        # Among more than its choices, scores would decide, and not what it chooses by.
        found = decoder.n_best(read, count) if decoder.ranks_by_log_prob else None
        if found is None:
            best, _ = decoder.decode(read)
            found = [[hypothesis] for hypothesis in best]
            if decoder.objective is None:
                width = max(_BEAM_WIDTH, _BEAM_PER_TEXT * count)
                others = beam_search(
                    read.values_NTK, read.lengths_N, beam_width=width, n_best=count, threads=1, frames=False
                )
                found = [[*ours, *more] for ours, more in zip(found, others, strict=True)]
        # Not `> -math.inf`, which NaN fails, the score of a decoder that knows none.
        return [[one for one in hypotheses if one.log_prob != -math.inf] for hypotheses in found]

    def _scores(
        self, batches: Sequence[_Batch], owner_N: NDArray[np.int64], candidates: Sequence[list[Labels]]
    ) -> tuple[dict[int, NDArray[np.float64]], dict[int, NDArray[np.float64]]]:
        """Return the log-probability of each candidate in each reading, also after the calibration."""
        plain: dict[int, NDArray[np.float64]] = {}
        calibrated: dict[int, NDArray[np.float64]] = {}
        for batch in batches:
            values_NTK, rows = batch.read.values_NTK, batch.rows.tolist()
            given = [candidates[owner_N[row]] for row in rows]
            for values, into in (
                (values_NTK, plain),
                (_sharpened(values_NTK, self.single.sharpness), calibrated),
            ):
                found = score_labellings(values, given, batch.read.lengths_N, threads=1)
                into.update(zip(rows, found, strict=True))
        return plain, calibrated

    def _choice(
        self,
        candidates: list[Labels],
        rows: range,
        plain: dict[int, NDArray[np.float64]],
        calibrated: dict[int, NDArray[np.float64]],
        own: dict[tuple[int, Labels], float],
    ) -> _Choice:
        scores_RC = np.stack([plain[row] for row in rows])
        totals_C = np.maximum(scores_RC, _FLOOR).sum(0)
        if self.single.decoder.has_own_score:
            extra = [
                max((own[row, labels] - plain[row][i] for row in rows if (row, labels) in own), default=0.0)
                for i, labels in enumerate(candidates)
            ]
            totals_C += len(rows) * np.array(extra)
        order = np.argsort(-totals_C, kind="stable").tolist()
        # The mean, because readings of one picture are dependent: their product would be overconfident.
        means_C = np.maximum(np.stack([calibrated[row] for row in rows]), _FLOOR).mean(0)
        shares_C = np.exp(means_C - means_C.max())
        shares_C /= shares_C.sum()
        reading = rows[int(scores_RC[:, order[0]].argmax())]
        return _Choice(
            [candidates[i] for i in order], totals_C[order].tolist(), shares_C[order].tolist(), reading
        )

    def _predictions(
        self, chosen: Sequence[_Choice], samples: Sequence[Sample], batches: Sequence[_Batch]
    ) -> list[Prediction]:
        single = self.single
        place = {row: (batch, at) for batch in batches for at, row in enumerate(batch.rows.tolist())}
        distances = single.distances([samples[one.reading] for one in chosen])
        found = []
        for one, distance in zip(chosen, distances, strict=True):
            batch, at = place[one.reading]
            images, read = batch.row(at)
            characters = single.characters(read, one.labels[:1], images)[0] if single.positions else None
            found.append(
                Prediction(
                    single.text(one.labels[0]),
                    one.shares[0],
                    distance,
                    images.sizes[0],
                    self._alternatives(one) if single.n_best else None,
                    characters,
                )
            )
        return found

    def _alternatives(self, one: _Choice) -> tuple[Alternative, ...]:
        texts: dict[str, Alternative] = {}
        for labels, score, share in zip(one.labels, one.scores, one.shares, strict=True):
            if score == -math.inf:
                continue
            text = self.single.text(labels)
            texts.setdefault(text, Alternative(text, share, score))
        return tuple(texts.values())[: self.single.n_best]


def read_crops(crops: Any) -> tuple[float, ...]:
    """Return crops as numbers.

    Raises:
        UsageError: they are not a list of different shares from 0 to 0.45.
    """
    if isinstance(crops, str | bytes) or not hasattr(crops, "__iter__"):
        raise UsageError(f"crops={crops}: expected a list of shares, such as [0, 0.1, 0.2]")
    found = tuple(crops)
    for crop in found:
        is_number = isinstance(crop, int | float | np.floating | np.integer) and not isinstance(crop, bool)
        # NaN is not between the two either.
        if not is_number or not 0 <= crop <= MOST_CROPPED:
            raise UsageError(
                f"crops: {crop!r} is no share of the rows, from 0 to {MOST_CROPPED}, to be cut off at the "
                f"top, and at the bottom"
            )
    if len(set(found)) != len(found) or not found:
        raise UsageError(f"crops={list(found)}: expected one or more different shares, such as [0, 0.1, 0.2]")
    return tuple(map(float, found))


def _sharpened(values_NTK: NDArray[np.float32], sharpness: float) -> NDArray[np.float32]:
    """Return the log-probabilities of p^β, normalised in each frame."""
    scaled_NTK = values_NTK * np.float32(sharpness)
    highest_NT1 = scaled_NTK.max(-1, keepdims=True)
    sums_NT1 = np.exp(scaled_NTK - highest_NT1).sum(-1, keepdims=True)
    return np.asarray(np.minimum(scaled_NTK - highest_NT1 - np.log(sums_NT1), 0), np.float32)
