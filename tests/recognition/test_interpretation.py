"""Texts, confidences, alternatives and positions, from a reader of bars that has no weights."""

import math

import numpy as np
import pytest
from PIL import Image

from ctcbench import Alphabet, Hypothesis, ImageSpec, UsageError
from ctcbench.contract.errors import ComponentNotice
from ctcbench.decoding import best_labelling, score_labellings
from ctcbench.decoding.constraints import length_automaton
from ctcbench.pipeline.built_decoder import BuiltDecoder
from ctcbench.recognition import picture_batch
from ctcbench.recognition.interpretation import Interpretation
from ctcbench.recognition.recogniser import Recogniser
from tests.recognition.bar_reader import BLANK_LOGIT, FRAMES, LABEL_LOGIT, BarReader, bars, recogniser


def places(prediction):
    return [(c.text, c.left, c.right) for c in prediction.characters]


def test_characters_have_the_columns_of_their_frames(registry):
    (found,) = recogniser(registry).predict([bars((4, 8), (20, 22), (30, 36))], positions=True)
    assert found.text == "abc" and found.size == (40, 10)
    assert places(found) == [("a", 4, 8), ("b", 20, 22), ("c", 30, 36)]
    logits = np.exp([BLANK_LOGIT, LABEL_LOGIT, 0, 0])
    assert found.characters[0].confidence == pytest.approx(logits[1] / logits.sum(), rel=1e-4)


def test_columns_are_those_of_the_original_picture(registry):
    wide = bars((4, 8), (20, 22)).resize((400, 50), Image.Resampling.NEAREST)
    (found,) = recogniser(registry).predict([wide], positions=True)
    assert places(found) == [("a", 40, 80), ("b", 200, 220)]
    # Padded to 40 columns, of which the picture has 20.
    narrow = bars((4, 8), (14, 20), width=20).resize((60, 30), Image.Resampling.NEAREST)
    (found,) = recogniser(registry, fit="pad").predict([narrow], positions=True)
    assert places(found) == [("a", 12, 24), ("b", 42, 60)] and found.size == (60, 30)


def test_columns_are_those_of_the_picture_as_it_is_displayed(registry, tmp_path):
    turned = bars((4, 8), (20, 22)).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise
    turned.save(tmp_path / "a.png", exif=exif)
    (found,) = recogniser(registry).predict([tmp_path / "a.png"], positions=True)
    assert found.size == (40, 10)
    assert places(found) == [("a", 4, 8), ("b", 20, 22)]


def test_characters_of_right_to_left_text_are_in_logical_order(registry):
    # The first character is at the right end; a number inside runs from left to right.
    picture = bars((30, 34), (10, 14), (20, 24))
    found = recogniser(registry, "א12", direction="rtl").predict([picture], positions=True)[0]
    assert found.text == "א12"
    assert places(found) == [("א", 30, 34), ("1", 10, 14), ("2", 20, 24)]
    narrow = bars((14, 18), (2, 6), width=20)
    found = recogniser(registry, "אב", "pad", "rtl").predict([narrow], positions=True)[0]
    assert places(found) == [("א", 14, 18), ("ב", 2, 6)]


def test_alternatives_are_the_most_probable_texts(registry):
    reader = recogniser(registry)
    (found,) = reader.predict([bars((4, 6), (20, 22))], n_best=5)
    texts = [alternative.text for alternative in found.alternatives]
    assert len(set(texts)) == 5 and texts[0] == "ab"
    sure = [alternative.confidence for alternative in found.alternatives]
    assert sure == sorted(sure, reverse=True) and sum(sure) <= 1
    (same,) = reader.predict([bars((4, 6), (20, 22))], decoder="beam_cpp")
    assert same.confidence == pytest.approx(sure[0]) and same.alternatives is None


class UnsureReader(BarReader):
    """A reader that finds many texts nearly as probable as each other."""

    def read(self, images_NCHW, widths_N):
        generator = np.random.default_rng(0)
        logits_NTK = generator.normal(0, 1.5, (len(images_NCHW), FRAMES, self.alphabet.num_classes))
        values_NTK = logits_NTK - np.log(np.exp(logits_NTK).sum(-1, keepdims=True))
        return values_NTK.astype(np.float32), np.full(len(images_NCHW), FRAMES)


@pytest.mark.parametrize("decoder", ["greedy", "beam_cpp", "mbr", "mbr:blank_penalty=0.1"])
def test_a_longer_list_of_alternatives_begins_with_the_shorter_one(registry, decoder):
    reader = Recogniser(UnsureReader(Alphabet("abc")), registry, decoder, "stretch", sharpness=0.7)
    pictures = [bars()] * 60
    lists = {count: reader.predict(pictures, n_best=count) for count in (2, 3, 4)}
    for two, three, four in zip(*lists.values(), strict=True):
        assert two.alternatives == four.alternatives[:2] and three.alternatives == four.alternatives[:3]
        assert (len(two.alternatives), len(four.alternatives)) == (2, 4)


def test_alternatives_are_sorted_by_the_score_of_the_decoder_which_they_have(registry):
    picture = bars((4, 6), (20, 22))
    decoder = "beam_cpp:length=2,hotwords=ac,hotword_boost=12"
    (found,) = recogniser(registry).predict([picture], decoder=decoder, n_best=4)
    first, second, *_ = found.alternatives
    # The network is surer of the second; the bonus is no probability.
    assert (first.text, second.text) == ("ac", "ab") and found.text == "ac"
    assert first.confidence < second.confidence
    scores = [alternative.score for alternative in found.alternatives]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(np.log(first.confidence) + 12, abs=0.1)


def test_alternatives_within_a_constraint_have_no_score_but_the_probability(registry):
    picture = bars((4, 6), (20, 22))
    (found,) = recogniser(registry).predict([picture], decoder="beam_cpp:length=3", n_best=4)
    assert {len(alternative.text) for alternative in found.alternatives} == {3}
    sure = [alternative.confidence for alternative in found.alternatives]
    assert sure == sorted(sure, reverse=True)
    assert {alternative.score for alternative in found.alternatives} == {None}


def test_letters_and_accents_are_composed_in_texts_and_single_in_characters(registry):
    reader = recogniser(registry, "e\u0301x")
    (found,) = reader.predict([bars((4, 6), (10, 12), (20, 22))], positions=True, n_best=2)
    assert found.text == found.alternatives[0].text == "\xe9x"
    assert [c.text for c in found.characters] == ["e", "\u0301", "x"]


def test_what_a_recogniser_does_not_have_is_a_usage_error(registry):
    whole = recogniser(registry, has_positions=False)
    with pytest.raises(UsageError, match="no positions"):
        whole.predict_each([], positions=True)
    fixed = recogniser(registry, alignment="fixed")
    with pytest.raises(UsageError, match="without CTC"):
        fixed.predict_each([], n_best=2, decoder="slots")
    with pytest.raises(UsageError, match="n_best=-1"):
        whole.predict([], n_best=-1)


def test_an_empty_text_has_no_characters(registry):
    (found,) = recogniser(registry).predict([bars()], positions=True, n_best=1)
    assert found.text == "" and found.characters == () and found.alternatives[0].text == ""


def test_errors_stay_in_place_and_batches_are_bounded(registry):
    pictures = [bars((2 * i % 36, 2 * i % 36 + 2)) if i % 3 else b"no picture" for i in range(400)]
    found = list(recogniser(registry).predict_each(iter(pictures), positions=True))
    assert len(found) == 400
    for i, outcome in enumerate(found):
        if i % 3 == 0:
            assert str(outcome) == "not a picture of a known format"
        else:
            assert places(outcome) == [("a", 2 * i % 36, 2 * i % 36 + 2)]


class VariableBarReader(BarReader):
    """A reader of images of different widths that keeps those of each batch."""

    def __init__(self, alphabet):
        super().__init__(alphabet, ImageSpec(10, 2 * FRAMES, variable=True))
        object.__setattr__(self, "batches", [])

    def read(self, images_NCHW, widths_N):
        self.batches.append(widths_N.tolist())
        padded = np.full((*images_NCHW.shape[:3], 2 * FRAMES), 255, np.uint8)
        padded[..., : images_NCHW.shape[3]] = images_NCHW
        values_NTK, lengths_N = super().read(padded, widths_N)
        return values_NTK[:, : images_NCHW.shape[3] // 2], lengths_N


def test_the_columns_of_a_character_do_not_depend_on_the_other_pictures(registry):
    reader = VariableBarReader(Alphabet("abc"))
    recogniser = Recogniser(reader, registry, "greedy", "keep")
    pictures = [bars((2, 4), (6, 8), width=width) for width in (17, 18, 19, 21)]
    together = recogniser.predict(pictures, positions=True)
    alone = [recogniser.predict([picture], positions=True)[0] for picture in pictures]
    assert list(map(places, together)) == list(map(places, alone))
    assert reader.batches == [[17, 18, 19, 21], [17], [18], [19], [21]]
    # Eight frames of 17 columns.
    assert places(alone[0]) == [("a", 17 / 8, 17 / 4), ("b", 17 * 3 / 8, 17 / 2)]


def test_a_batch_has_a_bounded_number_of_pixels(registry, monkeypatch):
    monkeypatch.setattr(picture_batch, "BATCH_PIXELS", 2 * 40 * 10)
    reader = VariableBarReader(Alphabet("abc"))
    pictures = [bars((2, 4), (6, 8), width=width) for width in (40, 38, 40, 10, 12)]
    found = Recogniser(reader, registry, "greedy", "keep").predict(pictures)
    assert [prediction.text for prediction in found] == ["ab"] * 5
    assert reader.batches == [[10, 12], [38, 40], [40]]


def test_pictures_of_their_own_widths_are_read_with_similar_ones(registry):
    reader = VariableBarReader(Alphabet("abc"))
    pictures = [bars((2, 4), (6, 8), width=width) for width in (40, 10, 12, 36, 12)]
    found = Recogniser(reader, registry, "greedy", "keep").predict(pictures, positions=True)
    assert [places(prediction) for prediction in found] == [[("a", 2, 4), ("b", 6, 8)]] * 5
    assert reader.batches == [[10, 12, 12], [36, 40]]
    read = Recogniser(reader, registry, "greedy", "keep").log_probs(pictures)
    assert read.lengths_N.tolist() == [20, 5, 6, 18, 6]


def test_alternatives_obey_the_constraint_of_the_decoder(registry):
    picture = bars((4, 8), (20, 22), (30, 36))
    (free,) = recogniser(registry).predict([picture], n_best=5)
    (found,) = recogniser(registry).predict([picture], n_best=5, decoder="beam_cpp:length=2")
    assert free.text == "abc"
    assert len(found.text) == 2 and found.alternatives[0].text == found.text
    assert len(found.alternatives) == 5
    assert all(len(alternative.text) == 2 for alternative in found.alternatives)
    assert found.confidence < free.confidence


@pytest.mark.parametrize("decoder", ["best_cpp", "best_cpp:length=2"])
def test_a_proof_is_that_of_the_text_and_of_the_first_alternative(registry, decoder):
    pictures = [bars((4, 8), (20, 22), (30, 36)), bars((4, 6), (20, 22))]
    read = recogniser(registry).log_probs(pictures)
    for found, values_TK in zip(
        recogniser(registry).predict(pictures, n_best=4, decoder=decoder), read.values_NTK, strict=True
    ):
        guide = length_automaton([None, *"abc"], 2, 2) if "length" in decoder else None
        best = best_labelling(values_TK, guide=guide)
        assert (found.optimal, found.gap, found.proof) == (True, 0.0, best.proof)
        texts = [one.text for one in found.alternatives]
        assert texts[0] == found.text == read.alphabet.decode(best.labels) and len(set(texts)) == 4
        scores = [one.score for one in found.alternatives]
        labels = [read.alphabet.encode(text) for text in texts]
        assert scores == pytest.approx(score_labellings(values_TK, labels).tolist())
        assert scores == sorted(scores, reverse=True) and scores[0] == pytest.approx(best.log_prob)


def test_without_a_proof_there_is_a_gap_and_decoders_without_proofs_have_neither(registry):
    picture = bars((4, 6), (20, 22))
    (found,) = recogniser(registry).predict([picture], decoder="best_cpp:nodes=0,width=1,blank_penalty=4")
    assert found.optimal is False and found.gap > 0 and found.proof == "none"
    for decoder in ("greedy", "beam_cpp:length=2", "mbr"):
        (found,) = recogniser(registry).predict([picture], decoder=decoder)
        assert (found.optimal, found.gap, found.proof) == (None, None, None)
    with pytest.warns(ComponentNotice, match="no text that its options permit is possible"):
        (found,) = recogniser(registry).predict([picture], decoder="best_cpp:length=21", n_best=2)
    assert (found.text, found.optimal, found.proof) == ("", True, "nothing accepted")
    assert (found.confidence, found.alternatives) == (0.0, ())


def search_with_lists(labels, log_prob):
    """A decoder of one text that ranks by a score of its own and has lists."""

    def search(log_probs):
        return [Hypothesis(labels, log_prob, ())] * len(log_probs)

    search.has_own_score = True
    search.n_best = lambda log_probs, count: [[one] for one in search(log_probs)]
    return search


def interpretation(reader, search, n_best=0, positions=False):
    return Interpretation(reader, BuiltDecoder("decoder fixed", search), 1.0, None, n_best, positions)


def test_a_decoder_that_knows_no_score_has_alternatives_without_one(registry):
    reader = recogniser(registry)
    for score, shown in ((math.nan, None), (-3.5, -3.5)):
        single = interpretation(reader.reader, search_with_lists((1, 2), score), n_best=2)
        (found,) = single.predict([reader.prepare(bars((4, 6), (20, 22)))])
        assert [(one.text, one.score) for one in found.alternatives] == [("ab", shown)]


@pytest.mark.parametrize("labels", [(1, 2) * 10 + (1,), (1,) * 11])
def test_a_text_that_does_not_fit_into_the_frames_has_no_places(registry, labels):
    reader = recogniser(registry)
    single = interpretation(reader.reader, search_with_lists(labels, -1.0), positions=True)
    (found,) = single.predict([reader.prepare(bars((4, 6)))])
    assert len(found.text) == len(labels) and found.characters == () and found.confidence == 0


def test_characters_without_any_probability_have_no_places(registry):
    class Certain(BarReader):
        def read(self, images_NCHW, widths_N):
            values_NTK = np.full((len(images_NCHW), FRAMES, self.alphabet.num_classes), -np.inf, np.float32)
            values_NTK[..., 0] = 0
            return values_NTK, np.maximum(1, widths_N // 2)

    single = interpretation(Certain(Alphabet("abc")), search_with_lists((1, 2, 3), -1.0), positions=True)
    (found,) = single.predict([recogniser(registry).prepare(bars((4, 6)))])
    assert (found.text, found.characters) == ("abc", ())


def test_no_text_of_the_constraint_fits_into_the_frames(registry):
    with pytest.warns(ComponentNotice, match="no text that its options permit is possible"):
        found = recogniser(registry).predict([bars(), bars((4, 8))], n_best=5, decoder="beam_cpp:length=21")
    # Although the network is sure that the first picture has no text.
    assert [(one.text, one.confidence, one.alternatives) for one in found] == [("", 0.0, ())] * 2
