"""Reading a split: a trained recogniser's log-probs for every image, as numpy arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.data import LogProbs, SplitName
from ctcbench.contract.specs import BLANK, Alignment, Alphabet
from ctcbench.decoding import greedy_search
from ctcbench.training.device import Compute
from ctcbench.training.recognizer import Recognizer
from ctcbench.training.split import Split
from ctcbench.training.step import Objective
from ctcbench.watch import Watcher

_LARGEST_BATCH = 256


class Validation(NamedTuple):
    """An epoch's validation: what the best path is worth, and the loss in nats an image."""

    exact: float
    cer: float
    loss: float


def evaluation_batch_size(config: RunConfig) -> int:
    """Return how many images are read at once: what fits in training fits in fours without gradients."""
    return min(_LARGEST_BATCH, 4 * config.batch_size)


@torch.no_grad()
def read_split(
    model: nn.Module, split: Split, compute: Compute, name: SplitName, watcher: Watcher, batch_size: int
) -> LogProbs:
    """Return the log-probs of every image of a split; `model` is a Recognizer or an average of one."""
    recognizer = unwrap(model)
    was_training = model.training
    model.eval()
    values, lengths = [], []
    try:
        for start in range(0, len(split), batch_size):
            batch = split.batch(np.arange(start, min(start + batch_size, len(split))))
            with compute.autocast():
                logits_TNK = model(batch.images_NCHW).logits_TNK
            values.append(logits_TNK.float().log_softmax(-1).transpose(0, 1).cpu().numpy())
            lengths.append(recognizer.frames(batch.widths_N).cpu().numpy())
            watcher.reading(name, start + len(batch.images_NCHW), len(split))
    finally:
        model.train(was_training)
    return LogProbs(
        np.concatenate(values),
        np.concatenate(lengths),
        split.samples.texts,
        recognizer.alphabet,
        split.samples.fingerprint,
    )


def validate(
    log_probs: LogProbs, alignment: Alignment = "ctc", objective: Objective | None = None
) -> Validation:
    """Return what the best path of each image is worth, read as the loss aligns, and the loss.

    The loss is CTC's own, without what a loss component may add to it; for another alignment it is
    the `objective`.
    """
    found = greedy_search(
        log_probs.values_NTK, log_probs.lengths_N, blank=BLANK, merge_repeats=alignment == "ctc"
    )
    pairs = [(log_probs.alphabet.decode(h.labels), t) for h, t in zip(found, log_probs.texts, strict=True)]
    edits = sum(Levenshtein.distance(prediction, target) for prediction, target in pairs)
    characters = max(1, sum(len(target) for _, target in pairs))
    exact = sum(prediction == target for prediction, target in pairs) / len(pairs)
    ours = None if alignment == "ctc" else objective
    return Validation(exact, edits / characters, _loss(log_probs, log_probs.alphabet, ours))


def _loss(log_probs: LogProbs, alphabet: Alphabet, objective: Objective | None) -> float:
    targets = [alphabet.encode(text) for text in log_probs.texts]
    if objective is not None:
        targets_NL = pad_sequence([torch.tensor(target) for target in targets], batch_first=True)
        return float(
            objective(
                torch.from_numpy(log_probs.values_NTK).transpose(0, 1),
                torch.from_numpy(log_probs.lengths_N),
                targets_NL,
                torch.tensor([len(target) for target in targets]),
            )
        )
    losses_N = F.ctc_loss(
        torch.from_numpy(log_probs.values_NTK).transpose(0, 1),
        torch.tensor([label for target in targets for label in target], dtype=torch.long),
        torch.from_numpy(log_probs.lengths_N),
        torch.tensor([len(target) for target in targets]),
        blank=BLANK,
        reduction="none",
    )
    return float(losses_N.mean())


def unwrap(model: nn.Module) -> Recognizer:
    """Return the recogniser inside of an averaged model, or the model itself."""
    inner = getattr(model, "module", model)
    assert isinstance(inner, Recognizer)
    return inner
