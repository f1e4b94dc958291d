"""Inference on a split: the log-probabilities of every image, and the scores of a validation."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import LogProbs, Samples, SplitName
from ctcbench.contract.specs import BLANK, Alignment, Alphabet
from ctcbench.decoding import greedy_search
from ctcbench.evaluation.ctc_likelihood import text_log_probs
from ctcbench.evaluation.joined_batches import join_batches
from ctcbench.training.device import Compute
from ctcbench.training.objective import Objective
from ctcbench.training.progress_events import ProgressListener
from ctcbench.training.recognizer.network import Recognizer, network_widths
from ctcbench.training.split import Split
from ctcbench.training.width_buckets import padded_width

_MAX_BATCH_SIZE = 256


class Validation(NamedTuple):
    """Scores of a validation.

    Attributes:
        exact: share of images whose whole text is right, 0 to 1.
        cer: character error rate: edits over target characters.
        loss: mean loss in nats per image, of the images whose text has only characters of the alphabet: it
            can't be computed for the others, which count as errors in the other scores.
        edits: the edits of each image.
    """

    exact: float
    cer: float
    loss: float
    edits: Sequence[int]


def evaluation_batch_size(config: RunConfig, processes: int = 1) -> int:
    """Return the batch size for inference: four times that of a pass of training, at most 256.

    Args:
        config: settings of the training; a batch is computed in ``accumulate`` parts.
        processes: number of processes that the training divides each batch among.
    """
    # Without gradients no activations are kept, so four times the images fit in the memory of a pass.
    shard = -(-config.batch_size // processes)
    return min(_MAX_BATCH_SIZE, 4 * -(-shard // config.accumulate))


def concatenate_log_probs(
    batches: Iterable[LogProbs], samples: Samples, rows: Sequence[NDArray[np.int64]]
) -> LogProbs:
    """Return the batches of `iterate_log_probs` as one, in the order of the split.

    Args:
        batches: the batches.
        samples: the samples they are of.
        rows: the place of each image of each batch in the split (`Split.reading_batches`).
    """
    parts = list(batches)
    values_NTK, lengths_N = join_batches([(part.values_NTK, part.lengths_N) for part in parts], rows)
    pairs = [
        pair
        for part, rows_N in zip(parts, rows, strict=True)
        for pair in zip(rows_N, part.texts, strict=True)
    ]
    return LogProbs(
        values_NTK,
        lengths_N,
        tuple(text for _, text in sorted(pairs)),
        parts[0].alphabet,
        samples.fingerprint,
        samples.left_out + len(samples) - len(pairs),
    )


@torch.no_grad()
def iterate_log_probs(
    model: nn.Module,
    split: Split,
    compute: Compute,
    name: SplitName,
    listener: ProgressListener,
    batch_size: int,
) -> Generator[LogProbs, None, None]:
    """Yield the log-probabilities of a split's images, in the batches that `Split.reading_batches` returns.

    Args:
        model: a Recognizer or an AveragedModel of one.
        split: the images, on the device of `model`.
        compute: device and precision.
        name: name of the split, for `listener`.
        listener: receives the number of images that are done.
        batch_size: images per forward pass.
    """
    recognizer = unwrap_average(model)
    was_training = model.training
    model.eval()
    # Each batch is launched before the previous one is yielded, so that a GPU computes while the caller
    # decodes.
    previous: Callable[[], LogProbs] | None = None
    try:
        done, exact = 0, bool(recognizer.unmasked)
        for rows_N in split.reading_batches(batch_size, exact=exact):
            batch = split.batch(rows_N, padded_width(split.widths_N.numpy()[rows_N], exact=exact))
            widths = network_widths(recognizer, batch.images_NCHW, batch.widths_N)
            with compute.autocast():
                logits_TNK = model(batch.images_NCHW, *widths).logits_TNK
            lengths_N = recognizer.frames(batch.widths_N).cpu().numpy()
            if recognizer.image.variable:
                logits_TNK = logits_TNK[: int(lengths_N.max())]
            values_NTK = compute.fetch(logits_TNK.float().log_softmax(-1).transpose(0, 1))
            texts = tuple(split.texts[row] for row in rows_N)
            done += len(rows_N)
            if previous is not None:
                yield previous()
            previous = functools.partial(_log_probs, values_NTK, lengths_N, texts, recognizer.alphabet)
            listener.images_read(name, done, len(split))
        if previous is not None:
            yield previous()
    finally:
        model.train(was_training)


def _log_probs(
    values_NTK: Callable[[], Tensor], lengths_N: NDArray[np.int64], texts: tuple[str, ...], alphabet: Alphabet
) -> LogProbs:
    return LogProbs(values_NTK().numpy(), lengths_N, texts, alphabet)


def validate(
    batches: Iterable[LogProbs], alignment: Alignment = "ctc", objective: Objective | None = None
) -> Validation | None:
    """Return the scores of the best paths (Graves et al. 2006, section 3.2) and the loss.

    Args:
        batches: log-probabilities with their true texts.
        alignment: how frames are aligned to characters. With "ctc" repeats are merged, and the loss is
            plain CTC, without further terms of the loss component, so that runs can be compared.
        objective: the loss for any other alignment.

    Returns:
        The scores, or None if a log-probability is NaN. The loss is NaN if each text has a character that
        the alphabet lacks.
    """
    exact = characters = possible = 0
    edits: list[int] = []
    loss = 0.0
    for batch in batches:
        # The decoder refuses NaN with an error about a class of a frame; the caller names the step instead.
        if np.isnan(batch.values_NTK).any():
            return None
        hypotheses = greedy_search(
            batch.values_NTK, batch.lengths_N, blank=BLANK, merge_repeats=alignment == "ctc", frames=False
        )
        pairs = [
            (batch.alphabet.decode(hypothesis.labels), target)
            for hypothesis, target in zip(hypotheses, batch.texts, strict=True)
        ]
        exact += sum(prediction == target for prediction, target in pairs)
        edits.extend(Levenshtein.distance(prediction, target) for prediction, target in pairs)
        characters += sum(len(target) for _, target in pairs)
        known = _of_known_characters(batch)
        possible += len(known)
        if len(known):
            loss += len(known) * _loss(known, None if alignment == "ctc" else objective)
    images, mean_loss = len(edits), loss / possible if possible else math.nan
    return Validation(exact / images, sum(edits) / max(1, characters), mean_loss, edits)


def _of_known_characters(batch: LogProbs) -> LogProbs:
    """Return the images whose text has only characters of the alphabet."""
    rows = [row for row, text in enumerate(batch.texts) if not batch.alphabet.missing(text)]
    if len(rows) == len(batch):
        return batch
    texts = tuple(batch.texts[row] for row in rows)
    return LogProbs(batch.values_NTK[rows], batch.lengths_N[rows], texts, batch.alphabet)


def _loss(batch: LogProbs, objective: Objective | None) -> float:
    targets = [batch.alphabet.encode(text) for text in batch.texts]
    if objective is None:
        return -float(text_log_probs(batch, targets).mean())
    return float(
        objective(
            torch.from_numpy(batch.values_NTK).transpose(0, 1),
            torch.from_numpy(batch.lengths_N),
            pad_sequence([torch.tensor(target) for target in targets], batch_first=True),
            torch.tensor([*map(len, targets)]),
        )
    )


def unwrap_average(model: nn.Module) -> Recognizer:
    """Return the recogniser that an AveragedModel contains, or `model` itself if it is one."""
    inner = getattr(model, "module", model)
    assert isinstance(inner, Recognizer)
    return inner
