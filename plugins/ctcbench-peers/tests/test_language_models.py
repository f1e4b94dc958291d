"""Fusion with the same n-gram model: the texts and scores of ctcbench equal those of its peers.

Equal are the definitions, not the searches, so that the beams hold every text. Left out is what the peers
define otherwise: a space at an end of a text or next to another one counts as an unknown word there.
"""

import math
from collections import defaultdict

import numpy as np
import pytest

from ctcbench.decoding import LanguageModel, beam_search, read_arpa, train_kneser_ney, write_arpa

CHARACTERS = [None, " ", "a", "b", "c"]
TEXTS = ["ab ba", "a cab", "abba", "b", "ca ab ab", "aab c"]
WEIGHT, BONUS, OFFSET = 0.7, 0.4, -2.0
FRAMES, SPACE_FRAME = 6, 3
IMPOSSIBLE = -25.0  # below it the peers ignore a class


def log_probs(seed):
    """Return random log-probabilities; a space is possible in one frame, the first and last are letters."""
    probs_TK = np.random.default_rng(seed).dirichlet(np.full(5, 0.6), FRAMES) + 1e-6
    probs_TK[:, 1] *= np.arange(FRAMES) == SPACE_FRAME
    probs_TK[[0, -1], 0] = 0
    probs_TK = np.maximum(probs_TK / probs_TK.sum(-1, keepdims=True), 1e-14)
    return np.log(probs_TK).astype(np.float32)


@pytest.mark.parametrize(
    ("module", "needs"), [("pyctcdecode", "kenlm"), ("ctc_beam_decoder", "ctc_beam_decoder")]
)
@pytest.mark.parametrize("order", [2, 3])
def test_a_word_model_gives_the_texts_and_scores_of_peers(module, needs, order, tmp_path):
    peer = pytest.importorskip(module, reason=f"{module} is not installed")
    pytest.importorskip(needs, reason=f"{module} needs {needs} for language models")
    path = tmp_path / "model.arpa"
    write_arpa(train_kneser_ney(map(str.split, TEXTS), order).model, path)
    model = read_arpa(path)
    words = [word for word in model.words if not word.startswith("<")]
    decoder = peer.build_ctcdecoder(
        ["", *CHARACTERS[1:]], str(path), words, alpha=WEIGHT, beta=BONUS, unk_score_offset=OFFSET
    )
    guide = LanguageModel(
        model,
        CHARACTERS,
        weight=WEIGHT,
        length_bonus=BONUS,
        # They have its logarithm to base 10, and multiply it by the weight.
        unknown_penalty=-WEIGHT * math.log(10) * OFFSET,
    )
    for seed in range(4):
        values_TK = log_probs(seed)
        theirs = decoder.decode_beams(
            values_TK, beam_width=20_000, beam_prune_logp=-math.inf, token_min_logp=IMPOSSIBLE
        )
        # One text of theirs can be several labellings, which differ in spaces.
        ours = defaultdict(lambda: -math.inf)
        for found in beam_search(values_TK, guide=guide, beam_width=20_000, n_best=20_000):
            text = " ".join("".join(CHARACTERS[label] for label in found.labels).split())
            ours[text] = np.logaddexp(ours[text], found.log_prob)
        expected = sorted(ours.items(), key=lambda item: -item[1])[:10]
        assert [text for text, *_ in theirs[:10]] == [text for text, _ in expected]
        for (*_, score), (_, ours_score) in zip(theirs[:10], expected, strict=True):
            assert score == pytest.approx(ours_score, abs=2e-4)


def test_a_character_model_gives_the_texts_and_scores_of_flashlight(tmp_path):
    decoding = pytest.importorskip("flashlight.lib.text.decoder", reason="flashlight-text is not installed")
    kenlm = pytest.importorskip(
        "flashlight.lib.text.decoder.kenlm", reason="this flashlight-text has no KenLM"
    )
    from flashlight.lib.text.dictionary import Dictionary

    path = tmp_path / "model.arpa"
    letters = [["<space>" if letter == " " else letter for letter in text] for text in TEXTS]
    write_arpa(train_kneser_ney(letters, 3).model, path)
    guide = LanguageModel(read_arpa(path), CHARACTERS, weight=WEIGHT)
    options = decoding.LexiconFreeDecoderOptions(
        beam_size=20_000,
        beam_size_token=5,
        beam_threshold=math.inf,
        # Its scores are logarithms to base 10.
        lm_weight=WEIGHT * math.log(10),
        sil_score=0.0,
        log_add=True,
        criterion_type=decoding.CriterionType.CTC,
    )
    model = kenlm.KenLM(str(path), Dictionary(["<blank>", "<space>", "a", "b", "c"]))
    decoder = decoding.LexiconFreeDecoder(options, model, -1, 0, [])
    for seed in range(4):
        values_TK = log_probs(seed)
        # An entry of theirs is a labelling and whether it ends in a blank.
        theirs = defaultdict(lambda: -math.inf)
        for entry in decoder.decode(values_TK.ctypes.data, *values_TK.shape):
            path_T = entry.tokens[1:-1]
            labels = tuple(k for k, before in zip(path_T, [0, *path_T], strict=False) if k not in (0, before))
            theirs[labels] = np.logaddexp(theirs[labels], entry.score)
        expected = sorted(theirs.items(), key=lambda item: -item[1])[:10]
        found = beam_search(values_TK, guide=guide, beam_width=20_000, n_best=10)
        assert [hypothesis.labels for hypothesis in found] == [labels for labels, _ in expected]
        for hypothesis, (_, score) in zip(found, expected, strict=True):
            assert hypothesis.log_prob == pytest.approx(score, abs=2e-4)
