"""RecogniserScore: how well a recogniser reads labelled pictures."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, NamedTuple

from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import BadSample, UsageError
from ctcbench.contract.specs import Alphabet
from ctcbench.data.rejected_samples import RejectedSample, rejected_message
from ctcbench.evaluation.metrics import Measured, metrics_document
from ctcbench.evaluation.proof_counts import ProofCounts, ProofTally
from ctcbench.evaluation.reliability import expected_calibration_error, reliability_bins
from ctcbench.evaluation.scoring import measure
from ctcbench.evaluation.text_alignment import frequent_confusions
from ctcbench.recognition.labelled_pictures import LabelledPicture, LabelledPictures
from ctcbench.recognition.prediction import Prediction
from ctcbench.training.progress_events import ProgressListener

_MOST_CONFUSIONS = 100


class Misreading(NamedTuple):
    """A picture whose text was not read right.

    ``text`` is the label, ``reading`` what the recogniser returned; ``familiar`` is as in `Prediction`.
    """

    name: str
    text: str
    reading: str
    confidence: float | None
    familiar: bool | None


@dataclass(frozen=True)
class RecogniserScore:
    """How well a recogniser reads the labelled pictures of a data set; `Recogniser.evaluate` returns one.

    Attributes:
        dataset: component string of the data set.
        split: name of the split, or ``all``.
        decoder: component string of the decoder.
        crops: the crops that pictures were read at; none: that of the recogniser's images.
        images: number of pictures.
        left_out: number of pictures that can't be used.
        splits: number of pictures of each split of a finite data set.
        metrics: by name, those of `ctcbench.evaluation.metrics.METRICS`, each with its value and its 95 %
            confidence interval: ``exact``, ``exact_caseless``, ``cer``, …
        empty_outputs: share of pictures with an empty text.
        mean_confidence: mean of the confidences; None if the decoder has none.
        ece: expected calibration error (`ctcbench.evaluation.reliability`); None without confidences.
        unfamiliar: number of pictures that are not like the training images; None if that is not known.
        proofs: of how many texts the decoder has proven that none is more probable; None if it has no proofs.
        lacking: the characters of labels that the alphabet lacks, and the number of labels that have each.
        unreadable: number of labels with such characters. They count as errors.
        confusions: (target, read, count) of the most frequent confusions of characters; an empty text stands
            for a missing or an extra character.
        misread: the pictures whose text is not right, in the order of the data set.
    """

    dataset: str
    split: str
    decoder: str
    crops: tuple[float, ...]
    images: int
    left_out: int
    splits: Mapping[SplitName, int]
    metrics: Mapping[str, Measured]
    empty_outputs: float
    mean_confidence: float | None
    ece: float | None
    unfamiliar: int | None
    proofs: ProofCounts | None
    lacking: Mapping[str, int]
    unreadable: int
    confusions: tuple[tuple[str, str, int], ...]
    misread: tuple[Misreading, ...] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the score as a JSON document, intervals as ``[low, high]``, without the misread pictures."""
        confusions = [
            {"target": target, "read": read, "count": count} for target, read, count in self.confusions
        ]
        return {
            "dataset": self.dataset,
            "split": self.split,
            "splits": dict(self.splits),
            "decoder": self.decoder,
            "crops": list(self.crops),
            "images": self.images,
            "left_out": self.left_out,
            **metrics_document(self.metrics),
            "empty_outputs": self.empty_outputs,
            "mean_confidence": self.mean_confidence,
            "ece": self.ece,
            "unfamiliar": self.unfamiliar,
            "proofs": self.proofs.to_json() if self.proofs else None,
            "unreadable": self.unreadable,
            "lacking": dict(self.lacking),
            "confusions": confusions,
        }


def score_pictures(
    predict: Callable[[Iterable[object]], Iterator[Prediction | BadSample]],
    pictures: LabelledPictures,
    *,
    split: str,
    decoder: str,
    crops: tuple[float, ...] = (),
    skip_bad: bool,
    listener: ProgressListener,
) -> RecogniserScore:
    """Return the score of the predictions of labelled pictures.

    Args:
        predict: yields the prediction of each picture in order, or why it can't be read; texts are as the
            alphabet writes them.
        pictures: the pictures, a few groups of which are in memory at a time.
        split: the split that they are of, for the score.
        decoder: component string of the decoder, for the score.
        crops: the crops that pictures are read at, for the score.
        skip_bad: whether pictures that can't be used are left out; by default they are an error.
        listener: receives the progress, and the notice of what is left out.

    Raises:
        UsageError: pictures can't be used, and `skip_bad` is False; or none can, or every label is empty.
    """
    waiting: deque[LabelledPicture] = deque()

    def contents() -> Iterator[object]:
        for one in pictures:
            waiting.append(one)
            yield one.picture

    tally = _Tally(pictures.alphabet)
    rejected: list[RejectedSample] = []
    for done, outcome in enumerate(predict(contents()), start=1):
        one = waiting.popleft()
        if isinstance(outcome, BadSample):
            rejected.append(RejectedSample(done - 1, one.name, str(outcome)))
        else:
            tally.add(one, outcome)
        listener.pictures_predicted(done, len(pictures))
    text = pictures.dataset.text
    if rejected:
        message = rejected_message(text, split, len(pictures), rejected, skipped=skip_bad)
        if not skip_bad:
            raise UsageError(message)
        listener.notice(message)
    if not tally.texts:
        raise UsageError(f"dataset {text}: none of the {len(pictures):,} pictures of {split!r} can be used")
    return tally.score(
        pictures, split=split, decoder=decoder, crops=crops, left_out=len(rejected) + pictures.left_out
    )


@dataclass
class _Tally:
    """Counts of the pictures that were read; predictions would take several times the memory.

    Attributes:
        alphabet: that of the recogniser.
        texts: what was read.
        targets: the labels.
        confidences: those of the texts that have one.
        right: whether each of these texts is right.
        misread: the pictures that were not read right.
        lacking: how many labels have each character that the alphabet lacks.
        unreadable: how many labels have such a character.
        unfamiliar: how many pictures are not like the training images.
        is_known: whether that is known of every picture.
        proofs: the proofs of the texts.
    """

    alphabet: Alphabet
    texts: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    misread: list[Misreading] = field(default_factory=list)
    lacking: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    unfamiliar: int = 0
    is_known: bool = True
    proofs: ProofTally = field(default_factory=ProofTally)

    def add(self, picture: LabelledPicture, read: Prediction) -> None:
        """Count a picture and its prediction."""
        is_right = read.text == picture.target
        self.texts.append(read.text)
        self.targets.append(picture.target)
        if read.confidence is not None:
            self.confidences.append(read.confidence)
            self.right.append(is_right)
        if not is_right:
            self.misread.append(
                Misreading(picture.name, picture.target, read.text, read.confidence, read.familiar)
            )
        self.lacking.update(self.alphabet.split(picture.lacking))
        self.unreadable += bool(picture.lacking)
        self.unfamiliar += read.familiar is False
        self.is_known = self.is_known and read.familiar is not None
        read.count_proof(self.proofs)

    def score(
        self,
        pictures: LabelledPictures,
        *,
        split: str,
        decoder: str,
        crops: tuple[float, ...],
        left_out: int,
    ) -> RecogniserScore:
        """Return the score of all that was counted."""
        dataset = pictures.dataset.text
        bins = reliability_bins(self.confidences, self.right) if self.confidences else []
        confusions = frequent_confusions(zip(self.texts, self.targets, strict=True))[:_MOST_CONFUSIONS]
        return RecogniserScore(
            dataset=dataset,
            split=split,
            decoder=decoder,
            crops=crops,
            images=len(self.texts),
            left_out=left_out,
            splits=pictures.sizes,
            metrics=measure(self.texts, self.targets, f"dataset {dataset}: {split!r}"),
            empty_outputs=sum(not text for text in self.texts) / len(self.texts),
            mean_confidence=fmean(self.confidences) if self.confidences else None,
            ece=expected_calibration_error(bins) if bins else None,
            unfamiliar=self.unfamiliar if self.is_known else None,
            proofs=self.proofs.counts(),
            lacking=dict(self.lacking.most_common()),
            unreadable=self.unreadable,
            confusions=tuple((target, seen, count) for (target, seen), count in confusions),
            misread=tuple(self.misread),
        )
