"""Loss of a recogniser that ignores the image: it predicts each character with its frequency in the texts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from ctcbench.contract.specs import BLANK, Alignment, Alphabet
from ctcbench.training.objective import Objective

_MAX_TEXTS = 256
# Added to each count, so that no probability is 0.
_SMOOTHING_COUNT = 1e-3


def estimate_unigram_loss(
    texts: Sequence[str], alphabet: Alphabet, frames: int, alignment: Alignment, objective: Objective
) -> float:
    """Return the loss of predicting each character with its frequency, in the units of `objective` per image.

    For plain CTC or cross-entropy that is −Σ log(frequency) over a text's characters in nats, mean over
    the texts. A loss with further terms or factors is accounted for by a ratio: `objective` over the
    plain loss (CTC, or cross-entropy for a fixed alignment), both of the unigram log-probabilities.

    Args:
        texts: the training texts; the ratio is computed on the first 256.
        alphabet: classes of the characters.
        frames: number of frames T.
        alignment: how the loss aligns frames to characters.
        objective: the loss component.
    """
    counts = Counter(character for text in texts for character in alphabet.split(text))
    total = sum(counts.values())
    # Without characters, predicting blanks is certain and has no loss.
    if not total:
        return 0.0
    nats = -sum(count * math.log(count / total) for count in counts.values()) / len(texts)
    # The ratio of two losses varies little between texts, so a few texts are enough.
    some = texts[:_MAX_TEXTS]
    targets = [torch.tensor(alphabet.encode(text), dtype=torch.long) for text in some]
    log_probs_TNK = _unigram_log_probs(targets, alphabet.num_classes, frames, alignment)
    lengths_N, target_lengths_N = torch.full((len(some),), frames), torch.tensor([*map(len, targets)])
    targets_NL = torch.nn.utils.rnn.pad_sequence(targets, batch_first=True)
    with torch.no_grad():
        whole = float(objective(log_probs_TNK, lengths_N, targets_NL, target_lengths_N))
        if alignment == "ctc":
            plain = float(
                F.ctc_loss(
                    log_probs_TNK, targets_NL, lengths_N, target_lengths_N, blank=BLANK, reduction="none"
                ).mean()
            )
        else:
            padded_TN = F.pad(targets_NL, (0, frames - targets_NL.shape[1]), value=BLANK).T
            plain = float(F.nll_loss(log_probs_TNK.flatten(0, 1), padded_TN.flatten(), reduction="sum"))
            plain /= len(some)
    return nats * whole / plain if plain > 0 and math.isfinite(whole / plain) else nats


def _unigram_log_probs(targets: Sequence[Tensor], classes: int, frames: int, alignment: Alignment) -> Tensor:
    """Return log_probs_TNK from class frequencies: over all frames for CTC, else per frame."""
    counts_TK = torch.full((frames, classes), _SMOOTHING_COUNT)
    for target in targets:
        if alignment == "ctc":
            counts_TK += torch.bincount(target, minlength=classes)
            counts_TK[:, BLANK] += frames - len(target)
        else:
            padded_T = F.pad(target, (0, frames - len(target)), value=BLANK)
            counts_TK[torch.arange(frames), padded_T] += 1
    log_probs_TK = (counts_TK / counts_TK.sum(1, keepdim=True)).log()
    return log_probs_TK[:, None].expand(-1, len(targets), -1).contiguous()
