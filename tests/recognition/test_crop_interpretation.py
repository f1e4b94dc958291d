"""Pictures that are read at several crops: how readings are joined, and what stays as with one."""

import dataclasses
import math

import numpy as np
import pytest
from PIL import Image

from ctcbench import Alphabet, BadSample, Hypothesis, ImageSpec, UsageError
from ctcbench.contract.errors import ComponentNotice
from ctcbench.decoding import score_labellings
from ctcbench.evaluation.familiarity import fit_familiarity
from ctcbench.pipeline.built_decoder import BuiltDecoder
from ctcbench.recognition.crop_interpretation import CropInterpretation
from ctcbench.recognition.interpretation import Interpretation
from ctcbench.recognition.recogniser import Recogniser
from tests.recognition.bar_reader import FRAMES, BarReader, bars, recogniser

CROPS = (0.0, 0.1, 0.2)


class FaintReader(BarReader):
    """Returns log-probabilities that depend on the share of the rows that are dark in each column."""

    def read(self, images_NCHW, widths_N):
        dark_NW = (images_NCHW[:, 0] < 128).mean(1)
        dark_NT = dark_NW.reshape(len(images_NCHW), FRAMES, 2).mean(2)
        logits_NTK = np.zeros((*dark_NT.shape, self.alphabet.num_classes), np.float32)
        logits_NTK[..., 0] = np.where(dark_NT > 0.05, 3, 8)
        # A thin line is the first character; one that fills the image is the second.
        logits_NTK[..., 1] = 8 * (dark_NT > 0.05) * (dark_NT < 0.7) - 6 * (dark_NT - 0.3) ** 2
        logits_NTK[..., 2] = 8 * (dark_NT > 0.05) * (dark_NT >= 0.45)
        return logits_NTK - np.log(np.exp(logits_NTK).sum(-1, keepdims=True)), np.maximum(1, widths_N // 2)


def faint(registry, decoder="beam_cpp", **options):
    image = ImageSpec(10, 2 * FRAMES, **options)
    return Recogniser(FaintReader(Alphabet("ab"), image), registry, decoder, "stretch", sharpness=1.5)


def bar_in_the_middle(height=40, inner=16):
    """A picture whose middle rows have two bars."""
    picture = np.full((height, 40), 255, np.uint8)
    top = (height - inner) // 2
    for left in (8, 24):
        picture[top : top + inner, left : left + 4] = 0
    return picture


def oracle(reader, picture, crops, texts):
    """Return the sum over the crops of each text's log-probability, and the mean of the calibrated one."""
    labellings = [[" ab".index(character) for character in text] for text in texts]
    totals, means = np.zeros(len(texts)), np.zeros(len(texts))
    for crop in crops:
        spec = dataclasses.replace(reader.reader.image, crop=crop)
        own = Recogniser(FaintReader(Alphabet("ab"), spec), reader.registry, "beam_cpp", "stretch")
        values_TK = own.log_probs([picture]).values_NTK[0]
        totals += np.maximum(score_labellings(values_TK, labellings), -60)
        sharp_TK = values_TK * reader.sharpness
        sharp_TK -= np.log(np.exp(sharp_TK).sum(-1, keepdims=True))
        means += np.maximum(score_labellings(sharp_TK, labellings), -60) / len(crops)
    return totals, means


def test_one_crop_that_is_the_recognisers_changes_nothing(registry):
    pictures = [bars((4, 8), (20, 22)), bar_in_the_middle(), bars((30, 36))]
    for crop in (0.0, 0.15):
        reader = recogniser(registry, image=ImageSpec(10, 40, crop=crop))
        options = {"n_best": 3, "positions": True}
        assert reader.predict(pictures, crops=[crop], **options) == reader.predict(pictures, **options)


def test_one_other_crop_is_that_of_a_recogniser_of_it(registry):
    picture = bar_in_the_middle()
    own = faint(registry, crop=0.3)
    assert faint(registry).predict([picture], crops=[0.3]) == own.predict([picture])
    assert own.predict([picture]) != faint(registry).predict([picture])


def test_candidates_are_ranked_by_the_sum_of_their_log_probabilities(registry):
    reader, picture, crops = faint(registry), bar_in_the_middle(), (0.0, 0.1, 0.3)
    (found,) = reader.predict([picture], crops=crops, n_best=12)
    texts = [one.text for one in found.alternatives]
    totals, means = oracle(reader, picture, crops, texts)
    assert len(set(texts)) == 12 and found.text == texts[0]
    assert [one.score for one in found.alternatives] == pytest.approx(totals.tolist(), abs=1e-3)
    assert totals.tolist() == sorted(totals, reverse=True)
    # What is left out of the list has little of the posterior.
    shares = np.exp(means - means.max())
    sure = [one.confidence for one in found.alternatives]
    assert sure == pytest.approx((shares / shares.sum()).tolist(), rel=0.05)
    assert found.confidence == sure[0] and 0 < sum(sure) <= 1 + 1e-9


def test_several_readings_can_correct_one(registry):
    picture = bar_in_the_middle()
    alone = {crop: faint(registry).predict([picture], crops=[crop])[0].text for crop in (0.0, 0.25, 0.3)}
    assert alone == {0.0: "aa", 0.25: "bb", 0.3: "bb"}
    (found,) = faint(registry).predict([picture], crops=[0.0, 0.25, 0.3])
    assert found.text == "bb"


def test_a_reading_in_which_a_text_is_impossible_does_not_exclude_it(registry):
    class Certain(FaintReader):
        def read(self, images_NCHW, widths_N):
            values_NTK, lengths_N = super().read(images_NCHW, widths_N)
            # Images with little ink have no second character at all.
            little = (images_NCHW[:, 0] < 128).mean((1, 2)) < 0.1
            values_NTK[little, :, 2] = -np.inf
            return values_NTK, lengths_N

    spec = ImageSpec(10, 2 * FRAMES)
    reader = Recogniser(Certain(Alphabet("ab"), spec), registry, "beam_cpp", "stretch")
    (found,) = reader.predict([bar_in_the_middle()], crops=[0.0, 0.2, 0.25, 0.28, 0.3], n_best=3)
    scores = {one.text: one.score for one in found.alternatives}
    assert "bb" in scores and scores["bb"] > -math.inf


def test_constraints_and_models_of_the_decoder_apply(registry):
    picture = bar_in_the_middle()
    decoder = "beam_cpp:length=1"
    (found,) = faint(registry).predict([picture], crops=CROPS, decoder=decoder, n_best=9)
    assert {one.text for one in found.alternatives} == {"a", "b"}
    # Which hypothesis has the least expected error is known for each crop alone.
    (found,) = faint(registry).predict([picture], crops=CROPS, decoder="mbr:length=1", n_best=9)
    assert {one.text for one in found.alternatives} <= {"a", "b"} and len(found.alternatives) <= len(CROPS)
    decoder = "beam_cpp:length=2,hotwords=ab,hotword_boost=40"
    (boosted,) = faint(registry).predict([picture], crops=CROPS, decoder=decoder, n_best=3)
    (plain,) = faint(registry).predict([picture], crops=CROPS, decoder="beam_cpp:length=2", n_best=8)
    assert boosted.text == "ab" != plain.text
    before = {one.text: one.score for one in plain.alternatives}["ab"]
    assert boosted.alternatives[0].score == pytest.approx(before + 3 * 40, abs=0.5)


@pytest.mark.parametrize("decoder", ["greedy", "mbr", "mbr:length=2,hotwords=bb", "best_cpp"])
def test_every_decoder_of_one_text_can_be_used(registry, decoder):
    (found,) = faint(registry).predict([bar_in_the_middle()], crops=[0.0, 0.25, 0.3], decoder=decoder)
    assert found.text == "bb" and 0 < found.confidence <= 1
    assert (found.optimal, found.gap, found.proof) == (None, None, None), "a proof is for one reading"
    (alone,) = faint(registry).predict([bar_in_the_middle()], crops=[0.25], decoder=decoder)
    assert alone.optimal is (True if decoder == "best_cpp" else None)


class FixedText:
    """A decoder of one text for every picture, with a score of its own choice."""

    def __init__(self, labels, log_prob, **attributes):
        self.hypothesis = Hypothesis(labels, log_prob, ())
        vars(self).update(attributes)

    def __call__(self, log_probs):
        return [self.hypothesis] * len(log_probs)


@pytest.mark.parametrize("attributes", [{}, {"objective": "a fixed text"}, {"has_own_score": True}])
def test_the_text_of_a_decoder_that_knows_no_score_is_a_candidate(registry, attributes):
    reader, picture = faint(registry), bar_in_the_middle()
    search = FixedText((2, 1), math.nan, **attributes)
    single = Interpretation(reader.reader, BuiltDecoder("decoder fixed", search), 1.5, None, 9, False)
    samples = [reader.prepare(picture)]
    found = CropInterpretation(single).predict([samples * 2])[0]
    scores = {one.text: one.score for one in found.alternatives}
    (expected,), _ = oracle(reader, picture, (0.0, 0.0), ["ba"])
    assert scores["ba"] == pytest.approx(expected, abs=1e-3)
    if attributes:
        assert scores.keys() == {"ba"} and (found.text, found.confidence) == ("ba", 1.0)
    else:
        assert found.text == "aa" and len(scores) == 9


def test_no_text_of_a_constraint_that_fits_is_an_empty_one(registry):
    decoder = "beam_cpp:length=30"
    with pytest.warns(ComponentNotice, match="the shortest one needs 30 frames"):
        (found,) = faint(registry).predict(
            [bar_in_the_middle()], crops=CROPS, decoder=decoder, positions=True, n_best=3
        )
    assert (found.text, found.confidence, found.alternatives, found.characters) == ("", 0.0, (), ())


def test_positions_are_columns_of_the_picture(registry):
    picture = Image.fromarray(bar_in_the_middle()).resize((400, 80), Image.Resampling.NEAREST)
    (found,) = faint(registry).predict([picture], crops=[0.0, 0.3], positions=True)
    assert found.size == (400, 80)
    assert [(c.text, c.left, c.right) for c in found.characters] == [("b", 80, 120), ("b", 240, 280)]


def test_pictures_of_their_own_widths_and_errors_stay_in_place(registry):
    class Variable(BarReader):
        def read(self, images_NCHW, widths_N):
            padded = np.full((*images_NCHW.shape[:3], 2 * FRAMES), 255, np.uint8)
            padded[..., : images_NCHW.shape[3]] = images_NCHW
            values_NTK, lengths_N = super().read(padded, widths_N)
            return values_NTK[:, : -(-images_NCHW.shape[3] // 2)], lengths_N

    reader = Recogniser(
        Variable(Alphabet("abc"), ImageSpec(10, 2 * FRAMES, variable=True)), registry, "beam_cpp", "keep"
    )
    pictures = [bars((4, 8), width=w).resize((2 * w, 20)) if w % 3 else b"x" for w in range(12, 26)]
    found = list(reader.predict_each(iter(pictures), crops=(0, 0.1), positions=True))
    assert len(found) == len(pictures)
    for width, outcome in zip(range(12, 26), found, strict=True):
        if width % 3 == 0:
            assert isinstance(outcome, BadSample)
        else:
            assert outcome.text == "a" and outcome.size == (2 * width, 20)
    # At crop 0.3 it would have more columns than the network reads: that reading is left out.
    wide = bars((4, 8), (20, 22)).resize((80, 20), Image.Resampling.NEAREST)
    (alone,), (both,) = reader.predict([wide]), reader.predict([wide], crops=(0, 0.3))
    assert alone.text == both.text == "ab"
    with pytest.raises(BadSample, match="at most 40 are allowed"):
        reader.predict([wide], crops=(0.2, 0.3))


def test_right_to_left_text_is_in_logical_order(registry):
    reader = recogniser(registry, "א12", direction="rtl")
    (found,) = reader.predict([bars((30, 34), (10, 14), (20, 24))], positions=True, crops=CROPS)
    assert found.text == "א12" and [c.text for c in found.characters] == ["א", "1", "2"]
    assert [(c.left, c.right) for c in found.characters] == [(30, 34), (10, 14), (20, 24)]


@pytest.mark.parametrize(
    ("crops", "words"),
    [
        ([], "expected one or more different shares"),
        ([0.1, 0.1], "expected one or more different shares"),
        ([0, 0.5], "0.5 is no share of the rows, from 0 to 0.45"),
        ([-0.1], "-0.1 is no share"),
        ([math.nan], "nan is no share"),
        (["0"], "'0' is no share"),
        ("0,0.1", "expected a list of shares"),
        (0.1, "expected a list of shares"),
    ],
)
def test_wrong_crops_are_named(registry, crops, words):
    with pytest.raises(UsageError, match=words):
        recogniser(registry).predict_each([], crops=crops)


def test_a_group_without_a_picture_that_can_be_read_has_errors_alone(registry):
    reader = recogniser(registry)
    shown = [np.asarray(reader.prepare(bars((4, 8 + i % 4))).image) for i in range(20)]
    reader = dataclasses.replace(reader, familiarity=fit_familiarity(shown))
    found = list(reader.predict_each([b"x", b""], crops=CROPS))
    assert [type(outcome) for outcome in found] == [BadSample] * 2
    assert reader.predict([bars((4, 8))], crops=CROPS)[0].familiar is not None
    assert list(reader.predict_each([], crops=CROPS)) == []


def test_what_cannot_be_cropped_is_an_error(registry):
    reader = recogniser(registry)
    prepared = reader.prepare(bars((4, 8)))
    with pytest.raises(BadSample, match="picture 0: it is prepared already"):
        reader.predict([prepared], crops=CROPS)
    with pytest.raises(BadSample, match="picture 0: it is prepared already"):
        reader.predict([prepared], crops=[0.1])
    assert reader.predict([prepared], crops=[0]) == reader.predict([prepared])
    fixed = recogniser(registry, alignment="fixed")
    with pytest.raises(UsageError, match="trained without CTC, and can't join readings"):
        fixed.predict([], crops=CROPS, decoder="slots")
    drawing = recogniser(registry, image=ImageSpec(24, 40))
    with pytest.raises(UsageError, match="its images are drawn, and can't be read at other crops"):
        drawing.evaluate("captcha:width=40,height=24,length=2", samples=3, crops=CROPS)


def test_evaluate_reads_at_the_crops(registry, tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        Image.fromarray(bar_in_the_middle()).save(tmp_path / split / "bb.png")
    reader, text = faint(registry), f"folder:path={tmp_path}"
    assert reader.evaluate(text).metrics["exact"].value == 0
    found = reader.evaluate(text, crops=[0.0, 0.25, 0.3])
    assert found.metrics["exact"].value == 1 and found.to_json()["crops"] == [0.0, 0.25, 0.3]
