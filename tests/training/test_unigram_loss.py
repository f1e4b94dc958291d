import math

import pytest
import torch

from ctcbench import Alphabet
from ctcbench.training.unigram_loss import estimate_unigram_loss

LETTERS = Alphabet("0123456789abcdefghijklmnopqrstuvwxyz")


def guess(registry, texts, loss="ctc", frames=20):
    alignment = registry.alignment("loss", loss)
    return estimate_unigram_loss(texts, LETTERS, frames, alignment, registry.build("loss", loss, LETTERS))


@pytest.mark.parametrize("loss", ["ctc", "slots"])
def test_the_unigram_loss_is_the_entropy_of_the_characters(registry, loss):
    assert guess(registry, ["ab", "ba"], loss) == pytest.approx(2 * math.log(2))
    assert guess(registry, ["aa", "aa"], loss) == 0
    assert guess(registry, ["0123456789"], loss) == pytest.approx(10 * math.log(10))
    assert guess(registry, [""], loss) == 0


def test_characters_of_several_code_points_count_once(registry):
    clusters = Alphabet(("e\u0301\u0323", "x\u0301"))
    texts = ["e\u0301\u0323x\u0301", "x\u0301e\u0301\u0323"]
    loss = estimate_unigram_loss(texts, clusters, 20, "ctc", registry.build("loss", "ctc", clusters))
    assert loss == pytest.approx(2 * math.log(2))


@pytest.mark.parametrize(
    "loss", ["ctc:label_smoothing=0.5", "ctc:label_smoothing=0.9", "ctc:entropy=1", "ctc"]
)
def test_the_unigram_loss_is_in_the_units_of_the_loss(registry, loss):
    """A recogniser that learns nothing but how common classes are ends near what is called guessing."""
    torch.manual_seed(0)
    texts = ["".join(LETTERS.characters[i] for i in torch.randint(36, (5,))) for _ in range(64)]
    targets_NL = torch.tensor([LETTERS.encode(text) for text in texts])
    objective = registry.build("loss", loss, LETTERS)
    logits_K = torch.zeros(37, requires_grad=True)
    optimizer = torch.optim.Adam([logits_K], lr=0.1)
    for _ in range(200):
        log_probs_TNK = logits_K.log_softmax(-1).expand(20, 64, -1)
        cost = objective(log_probs_TNK, torch.full((64,), 20), targets_NL, torch.full((64,), 5))
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
    assert guess(registry, texts, loss) == pytest.approx(cost.item(), rel=0.12)
