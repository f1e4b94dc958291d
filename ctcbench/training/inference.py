"""Reading a split: a trained recogniser's log-probs for every image, as numpy arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import LogProbs, SplitName
from ctcbench.contract.specs import BLANK, Alignment, Alphabet
from ctcbench.decoding import greedy_search
from ctcbench.training.ctc_likelihood import text_log_probs
from ctcbench.training.device import Compute
from ctcbench.training.progress_events import ProgressListener
from ctcbench.training.recognizer.network import Recognizer
from ctcbench.training.split import Split
from ctcbench.training.step import Objective

_LARGEST_BATCH = 256


class Validation(NamedTuple):
    """An epoch's validation: what the best path is worth, and the loss in nats an image."""

    exact: float
    cer: float
    loss: float


def evaluation_batch_size(config: RunConfig) -> int:
    """Return how many images are read at once: what fits in training fits in fours without gradients."""
    return min(_LARGEST_BATCH, 4 * config.batch_size)


def compute_log_probs(
    model: nn.Module,
    split: Split,
    compute: Compute,
    name: SplitName,
    listener: ProgressListener,
    batch_size: int,
) -> LogProbs:
    """Return the log-probs of every image of a split; `model` is a Recognizer or an average of one."""
    batches = list(iterate_log_probs(model, split, compute, name, listener, batch_size))
    return LogProbs(
        np.concatenate([batch.values_NTK for batch in batches]),
        np.concatenate([batch.lengths_N for batch in batches]),
        split.samples.texts,
        batches[0].alphabet,
        split.samples.fingerprint,
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
    """Yield the log-probs of a split's images, a batch at a time.

    A GPU is given the next batch before the caller gets this one, so that it reads while the caller decodes.
    """
    recognizer = unwrap_average(model)
    was_training = model.training
    model.eval()
    before: Callable[[], LogProbs] | None = None
    try:
        for start in range(0, len(split), batch_size):
            batch = split.batch(np.arange(start, min(start + batch_size, len(split))))
            with compute.autocast():
                logits_TNK = model(batch.images_NCHW).logits_TNK
            values_NTK = compute.fetch(logits_TNK.float().log_softmax(-1).transpose(0, 1))
            lengths_N = recognizer.frames(batch.widths_N).cpu().numpy()
            texts = split.samples.texts[start : start + len(lengths_N)]
            if before is not None:
                yield before()
            before = functools.partial(_log_probs, values_NTK, lengths_N, texts, recognizer.alphabet)
            listener.images_read(name, start + len(lengths_N), len(split))
        if before is not None:
            yield before()
    finally:
        model.train(was_training)


def _log_probs(
    values_NTK: Callable[[], Tensor], lengths_N: NDArray[np.int64], texts: tuple[str, ...], alphabet: Alphabet
) -> LogProbs:
    return LogProbs(values_NTK().numpy(), lengths_N, texts, alphabet)


def validate(
    batches: Iterable[LogProbs], alignment: Alignment = "ctc", objective: Objective | None = None
) -> Validation | None:
    """Return what the best path of each image is worth, read as the loss aligns, and the loss.

    The loss is CTC's own, without what a loss component may add to it; for another alignment it is
    the `objective`. None if a log-prob is no number.
    """
    images = exact = edits = characters = 0
    loss = 0.0
    for read in batches:
        if np.isnan(read.values_NTK).any():
            return None
        found = greedy_search(read.values_NTK, read.lengths_N, blank=BLANK, merge_repeats=alignment == "ctc")
        pairs = [
            (read.alphabet.decode(h.labels), target) for h, target in zip(found, read.texts, strict=True)
        ]
        images += len(pairs)
        exact += sum(prediction == target for prediction, target in pairs)
        edits += sum(Levenshtein.distance(prediction, target) for prediction, target in pairs)
        characters += sum(len(target) for _, target in pairs)
        loss += len(pairs) * _loss(read, None if alignment == "ctc" else objective)
    return Validation(exact / images, edits / max(1, characters), loss / images)


def _loss(read: LogProbs, objective: Objective | None) -> float:
    targets = [read.alphabet.encode(text) for text in read.texts]
    if objective is None:
        return -float(text_log_probs(read, targets).mean())
    return float(
        objective(
            torch.from_numpy(read.values_NTK).transpose(0, 1),
            torch.from_numpy(read.lengths_N),
            pad_sequence([torch.tensor(target) for target in targets], batch_first=True),
            torch.tensor([*map(len, targets)]),
        )
    )


def unwrap_average(model: nn.Module) -> Recognizer:
    """Return the recogniser inside of an averaged model, or the model itself."""
    inner = getattr(model, "module", model)
    assert isinstance(inner, Recognizer)
    return inner
