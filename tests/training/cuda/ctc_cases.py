"""Batches for the CTC kernel: those whose name says what is special, and random ones."""

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

GARBAGE = torch.nan  # in frames that do not count
LOWEST = torch.finfo(torch.float32).min


@dataclass(frozen=True)
class CTCCase:
    """A batch, with a weight for each loss."""

    log_probs_TNK: Tensor
    lengths_N: Tensor
    targets_NL: Tensor
    target_lengths_N: Tensor
    weights_N: Tensor

    @property
    def arguments(self):
        return self.log_probs_TNK, self.lengths_N, self.targets_NL, self.target_lengths_N

    def to(self, device):
        return CTCCase(*(getattr(self, field.name).to(device) for field in fields(self)))


def batch(texts, frames, classes=5, *, seed=0, sharpness=1.0):
    """Return a batch of the labellings `texts`, each with its number of frames."""
    chance = torch.Generator().manual_seed(seed)
    N, T, L = len(texts), max(frames, default=4), max(map(len, texts), default=2)
    logits_TNK = sharpness * torch.randn(T, N, classes, generator=chance)
    log_probs_TNK = logits_TNK.log_softmax(-1)
    # A target past the length of its text is no class.
    targets_NL = torch.full((N, L), -7)
    for n, (text, count) in enumerate(zip(texts, frames, strict=True)):
        targets_NL[n, : len(text)] = torch.tensor(text, dtype=torch.long)
        log_probs_TNK[count:, n] = GARBAGE
    return CTCCase(
        log_probs_TNK,
        torch.tensor(frames, dtype=torch.long),
        targets_NL,
        torch.tensor([len(text) for text in texts], dtype=torch.long),
        torch.rand(N, generator=chance) + 0.5,
    )


def named_cases():
    """Return the cases that have a right answer by the definition, by name."""
    cases = {
        "doubled letters": batch([[1, 1], [2, 2, 2], [1, 1, 2, 2], [3, 1, 1], [1, 2, 1, 2, 1]], [7] * 5),
        "one letter many times": batch([[3] * 6, [3] * 5 + [1]], [12, 13]),
        "empty text": batch([[], [1], []], [4, 4, 1]),
        "only empty texts": batch([[], []], [3, 5]),
        "as many frames as letters": batch([[1, 2, 3], [4, 1, 4], [2], []], [3, 3, 1, 1]),
        "as many frames as letters and repeats": batch([[1, 1], [2, 2, 2], [1, 2, 2]], [3, 5, 4]),
        "too few frames": batch([[1, 2, 3], [1, 1], [2, 2, 2], [1], [2]], [2, 2, 4, 1, 3]),
        "no frames": batch([[], [1], [2, 2], [1, 2]], [0, 0, 0, 4]),
        "unequal lengths": batch([[1, 2, 3, 4, 1, 2, 3], [2], [], [3, 3], [4, 3, 2]], [13, 9, 5, 3, 4]),
        "no images": batch([], []),
        "a batch without frames": batch([[], [1]], [0, 0]),
        "two classes": batch([[1], [1, 1], [1, 1, 1]], [6, 6, 5], classes=2),
        "many classes": batch([[999, 500, 999, 1], [1, 999]], [9, 6], classes=1000),
        "sharp distributions": batch([[1, 2, 1], [4, 4], [3]], [9, 9, 9], sharpness=30.0),
    }
    plain = cases["unequal lengths"]
    cases["int32"] = replace(
        plain,
        lengths_N=plain.lengths_N.int(),
        targets_NL=plain.targets_NL.int(),
        target_lengths_N=plain.target_lengths_N.int(),
    )
    N_first = plain.log_probs_TNK.transpose(0, 1).contiguous().transpose(0, 1)
    wide = torch.stack([plain.lengths_N, plain.lengths_N], 1)
    cases["not contiguous"] = replace(
        plain, log_probs_TNK=N_first, lengths_N=wide[:, 0], targets_NL=plain.targets_NL.t().contiguous().t()
    )
    cases["impossible classes"] = _with_impossible_classes(seed=3)
    return cases


def _with_impossible_classes(seed):
    """Return a batch in which some classes, in some images all paths, have the log-probability −inf."""
    case = batch([[1, 2, 1], [1, 1], [3], [], [2, 3], [1]], [8, 8, 5, 6, 7, 4], seed=seed)
    log_probs_TNK = case.log_probs_TNK.clone()
    log_probs_TNK[2, 0, 0] = log_probs_TNK[3, 0, 2] = -torch.inf
    log_probs_TNK[0, 1, 0] = log_probs_TNK[7, 1, 0] = -torch.inf
    log_probs_TNK[:, 2, 3] = -torch.inf  # the only letter of the text: no alignment is left
    log_probs_TNK[3, 3, 0] = -torch.inf  # the blank, which an empty text needs in each frame
    log_probs_TNK[2:5, 4, 1:] = -torch.inf  # certainly blank
    log_probs_TNK[1, 5] = -torch.inf  # a frame without any class
    return replace(case, log_probs_TNK=log_probs_TNK)


def extreme_cases():
    """Return cases whose losses are infinite, or only known to about their magnitude."""
    lowest = batch([[1, 2], [1, 1], [2], []], [4, 4, 4, 4])
    lowest.log_probs_TNK[1:3] = LOWEST
    lowest.log_probs_TNK[:, 2] = LOWEST / 4
    lowest.log_probs_TNK[:, 3] = -1e30
    nothing = batch([[1, 2], [3]], [5, 5])
    nothing.log_probs_TNK[:] = -torch.inf
    steep = batch([[1, 2], [1], [3]], [2, 5, 2])
    steep = replace(steep, weights_N=torch.tensor([1.0, 1.0, torch.inf]))
    steep.log_probs_TNK[:, 2, 3] = -torch.inf
    return {"lowest finite numbers": lowest, "all impossible": nothing, "infinite weight": steep}


def invalid_case():
    """Return a batch whose first image alone is valid."""
    case = batch([[1, 2]] * 9, [6] * 9)
    lengths_N, targets_NL = case.lengths_N.clone(), case.targets_NL.clone()
    target_lengths_N = case.target_lengths_N.clone()
    lengths_N[1], lengths_N[2] = 7, -1
    target_lengths_N[3], target_lengths_N[4] = 3, -1
    targets_NL[5, 1], targets_NL[6, 0], targets_NL[7, 0], targets_NL[8, 1] = 0, 5, -1, 2**32 + 1
    return replace(case, lengths_N=lengths_N, targets_NL=targets_NL, target_lengths_N=target_lengths_N)


def random_cases(count, seed, *, most_frames=8, most_letters=4):
    """Return batches of `count` images in all, of 2 to 9 classes; in one of four, classes are impossible."""
    chance = torch.Generator().manual_seed(seed)

    def draw(low, high):
        return int(torch.randint(low, high + 1, (), generator=chance))

    cases = {}
    sizes = (2, 3, 5, 9)
    for index, classes in enumerate(sizes):
        images = count // len(sizes)
        texts = [[draw(1, classes - 1) for _ in range(draw(0, most_letters))] for _ in range(images)]
        frames = [draw(0, most_frames) for _ in texts]
        case = batch(texts, frames, classes, seed=seed + index, sharpness=float(index + 1))
        if index == 2:
            impossible = torch.rand(case.log_probs_TNK.shape, generator=chance) < 0.1
            case = replace(case, log_probs_TNK=case.log_probs_TNK.masked_fill(impossible, -torch.inf))
        cases[f"random, {classes} classes"] = case
    return cases


def long_case():
    """Return two images of some 600 frames, one with a label of 256 letters."""
    chance = torch.Generator().manual_seed(0)
    texts = [torch.randint(1, 40, (length,), generator=chance).tolist() for length in (256, 101)]
    return batch(texts, [600, 411], classes=40)
