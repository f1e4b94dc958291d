"""Scores of a recogniser on labelled pictures: what counts, what is left out, and how pictures are read."""

import dataclasses

import pytest
from PIL import Image

import ctcbench
from ctcbench import ImageSpec, UsageError
from ctcbench.config.recipe import resolve
from ctcbench.contract.specs import Alphabet
from ctcbench.data.built_dataset import build_dataset
from ctcbench.pipeline import runner
from ctcbench.recognition.input_spec import InputSpec
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener, pictures_config
from tests.recognition.bar_reader import bars, recogniser
from tests.tiny_config import tiny

A, B, C = (4, 8), (14, 18), (24, 28)  # bars of the first characters


@pytest.fixture
def labelled(tmp_path):
    """A folder of pictures of bars with their labels: two right, one misread, one outside of the alphabet."""
    folder = tmp_path / "bars"
    (folder / "test").mkdir(parents=True)
    (folder / "train").mkdir()
    for name, picture in {
        "test/ab.png": bars(A, B),
        # Scaled as the recogniser demands.
        "test/abc.png": bars(A, B, C).resize((400, 20)),
        "test/ac.png": bars(A, B),
        "test/abxx.png": bars(A, B),
        "train/a.png": bars(A),
    }.items():
        picture.save(folder / name)
    return folder


def test_labels_and_readings_are_compared(registry, labelled):
    listener = Listener()
    found = recogniser(registry).evaluate(f"folder:path={labelled}", listener=listener)
    assert (found.images, found.left_out, found.split, found.decoder) == (4, 0, "test", "greedy")
    assert found.splits == {"train": 1, "test": 4}
    assert found.metrics["exact"].value == 0.5 and found.metrics["exact"].interval is not None
    assert found.metrics["cer"].value == 3 / 11
    assert (found.unreadable, found.lacking) == (1, {"x": 1})
    assert {(m.text, m.reading) for m in found.misread} == {("ac", "ab"), ("abxx", "ab")}
    assert found.confusions[0] == ("x", "", 2) and ("c", "b", 1) in found.confusions
    assert 0.5 < found.mean_confidence < 1 and found.ece == pytest.approx(found.mean_confidence - 0.5)
    assert found.unfamiliar is None
    document = found.to_json()
    assert document["exact"] == 0.5 and document["exact_ci"] == list(found.metrics["exact"].interval)
    assert {"target": "x", "read": "", "count": 2} in document["confusions"] and "misread" not in document
    assert any("labels: " in notice for notice in listener.notices)


def test_proofs_of_the_decoder_are_counted(registry, labelled):
    reader, text = recogniser(registry), f"folder:path={labelled}"
    assert reader.evaluate(text).proofs is None and reader.evaluate(text).to_json()["proofs"] is None
    found = reader.evaluate(text, decoder="best_cpp").proofs
    assert found.images == found.proven == sum(found.proofs.values()) == 4 and found.largest_gap == 0
    assert reader.evaluate(text, decoder="best_cpp", crops=[0, 0.1]).proofs is None


def test_samples_are_the_first_of_a_split_and_all_is_every_picture(registry, labelled):
    reader, text = recogniser(registry), f"folder:path={labelled}"
    assert reader.evaluate(text, split="all").images == 5
    assert reader.evaluate(text, split="all", samples=2).images == 2
    whole, part = reader.evaluate(text), reader.evaluate(text, samples=3)
    assert part.images == 3 and set(part.misread) <= set(whole.misread)
    listener = Listener()
    assert reader.evaluate(text, samples=9, listener=listener).images == 4
    assert "test: all 4 pictures are read, not 9" in listener.notices


def test_pictures_that_cannot_be_used_are_one_error_or_left_out(registry, labelled):
    (labelled / "test" / "b.png").write_bytes(b"")
    (labelled / "test" / "c.png").write_text("no picture")
    reader, text = recogniser(registry), f"folder:path={labelled}"
    with pytest.raises(UsageError, match=r"2 of 6 samples of 'test' can't be used:\n") as error:
        reader.evaluate(text)
    assert str(error.value).endswith("\n--skip-bad leaves such samples out")
    assert "b.png: empty file" in str(error.value) and "c.png: not a picture" in str(error.value)
    listener = Listener()
    found = reader.evaluate(text, skip_bad=True, listener=listener)
    assert (found.images, found.left_out, found.metrics["exact"].value) == (4, 2, 0.5)
    assert "2 of 6 samples of 'test' left out" in listener.notices[-1]


def test_pictures_without_a_label_are_named(registry, labelled):
    (labelled / "labels.csv").write_text("file,label\ntest/ab.png,ab\ntest/ac.png,\ntrain/a.png,a\n")
    with pytest.raises(
        UsageError, match=r"1 of 2 samples of 'test' can't be used:\n  .*labels.csv:3: its label is"
    ):
        recogniser(registry).evaluate(f"folder:path={labelled}")


def test_options_that_contradict_the_recogniser_are_an_error(registry, labelled):
    reader, text = recogniser(registry), f"folder:path={labelled}"
    found = reader.evaluate(text)
    same = reader.evaluate(f"{text},height=10,width=40,channels=1,fit=stretch,crop=0,direction=ltr")
    assert same.metrics == found.metrics
    for option in ("height=20", "width=41", "channels=3", "fit=pad", "crop=0.1", "direction=rtl"):
        name, _, value = option.partition("=")
        with pytest.raises(UsageError, match=f"{name}={value} contradicts the recogniser, which has {name}="):
            reader.evaluate(f"{text},{option}")


def test_transparent_pictures_are_laid_on_the_chosen_ground(registry, tmp_path):
    """Bars of class 1 are black: transparent ones are read on black, and are blank on white."""
    for split in ("test", "train"):
        (tmp_path / split).mkdir()
        picture = Image.new("RGBA", (40, 10), (255, 255, 255, 255))
        picture.paste((90, 90, 90, 0), (4, 0, 8, 10))
        picture.save(tmp_path / split / "a.png")
    reader, dataset = recogniser(registry), f"folder:path={tmp_path},val=0"
    assert [one.text for one in reader.predict([tmp_path / "test" / "a.png"])] == [""]
    black = dataclasses.replace(reader, ground="black")
    for crops in (None, [0.1], [0, 0.1]):
        assert [one.text for one in black.predict([tmp_path / "test" / "a.png"], crops=crops)] == ["a"]
    assert reader.evaluate(dataset).metrics["exact"].value == 0
    assert black.evaluate(f"{dataset},ground=black").metrics["exact"].value == 1
    with pytest.raises(UsageError, match="ground=black contradicts the recogniser, which has ground=white"):
        reader.evaluate(f"{dataset},ground=black")
    # The recogniser's own, as a training stores it.
    stored = recogniser(registry, image=ImageSpec(10, 40, ground="black"))
    assert stored.predict([tmp_path / "test" / "a.png"])[0].text == "a"
    with pytest.raises(UsageError, match="ground=grey: allowed are white, black, auto"):
        ctcbench.load(tmp_path, ground="grey")


def test_all_that_a_recogniser_fixes_is_an_option_of_sets_of_pictures(registry):
    fixed = InputSpec(ImageSpec(10, 40), "stretch", Alphabet("ab")).options()
    for name in ("folder", "csv", "lmdb", "parquet"):
        assert fixed.keys() <= registry.get("dataset", name).options.keys()


def test_drawn_images_must_have_the_size_of_the_recogniser(registry):
    reader = recogniser(registry, image=ImageSpec(24, 40))
    text = "captcha:width=40,height=24,length=2,alphabet=[ab1]"
    found = reader.evaluate(text, samples=3)
    assert (found.images, found.splits) == (3, {})
    assert set(found.lacking) <= {"1"}
    with pytest.raises(
        UsageError, match=r"images of 150×40 .* reads 40×24 .* give it width=40,height=24,chan"
    ):
        reader.evaluate("captcha", samples=3)
    with pytest.raises(UsageError, match=r"draws images without end; give their number: --samples N"):
        reader.evaluate(text)
    with pytest.raises(UsageError, match="split=all needs a finite data set"):
        reader.evaluate(text, split="all", samples=3)
    wider = recogniser(registry, image=ImageSpec(24, 80, variable=True), fit="keep")
    with pytest.raises(UsageError, match=r"reads up to 80×24 pixels in grey"):
        wider.evaluate("captcha:width=100,height=24", samples=3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"dataset": "foldr:path=x"}, "no dataset 'foldr'; did you mean 'folder'"),
        ({"split": "tset"}, r"split=tset; did you mean 'test'\? \(allowed are train, val, test, all\)"),
        ({"split": "val"}, r"its split 'val' is empty \(it has train and test\); --split all scores every p"),
        ({"dataset": 3}, "takes the component string of a data set, such as folder:path=PATH, not 3"),
        ({"samples": 0}, "samples=0: at least 1 is needed"),
        ({"decoder": "gready"}, "no decoder 'gready'"),
    ],
    ids=["data set", "split", "empty split", "another type", "samples", "decoder"],
)
def test_wrong_arguments_are_named(registry, labelled, arguments, words):
    given: dict = {"dataset": f"folder:path={labelled},val=0", **arguments}
    with pytest.raises(UsageError, match=words):
        recogniser(registry).evaluate(given.pop("dataset"), **given)


def test_labels_are_written_as_the_alphabet_writes_them(registry, tmp_path):
    folder = tmp_path / "accents"
    (folder / "test").mkdir(parents=True)
    (folder / "train").mkdir()
    for split in ("test", "train"):
        bars(A, B, C).save(folder / split / "\xe9x.png")
    found = recogniser(registry, "e\u0301x").evaluate(f"folder:path={folder},val=0")
    assert found.metrics["exact"].value == 1 and found.unreadable == 0


def test_notices_about_the_classes_of_a_training_are_not_for_a_recogniser(registry, tmp_path):
    folder = tmp_path / "marks"
    for split in ("test", "train"):
        (folder / split).mkdir(parents=True)
        bars(A, B, C).save(folder / split / "x\u0323\u0301\u200b.png")
    text, listener = f"folder:path={folder},val=0", Listener()
    told = build_dataset(registry, text).notices
    recogniser(registry, "x\u0323\u0301").evaluate(text, listener=listener)
    without = [notice for notice in told if "is a class of" not in notice]
    assert listener.notices == without and len(without) == len(told) - 2


def test_right_to_left_labels_need_no_option(registry, tmp_path):
    folder = tmp_path / "hebrew"
    (folder / "test").mkdir(parents=True)
    (folder / "train").mkdir()
    for split in ("test", "train"):
        bars((24, 28), (4, 8)).save(folder / split / "אב.png")
    listener = Listener()
    reader = recogniser(registry, "אב", direction="rtl")
    found = reader.evaluate(f"folder:path={folder},val=0", listener=listener)
    assert found.metrics["exact"].value == 1
    assert not any("right-to-left" in notice for notice in listener.notices)


def test_the_score_of_the_test_images_is_that_of_the_run(finished):
    found = ctcbench.load(finished.folder).evaluate(finished.config["dataset"], samples=12)
    assert found.metrics == finished.score.metrics
    assert found.empty_outputs == finished.score.empty_outputs and found.unfamiliar is not None


@pytest.mark.landing
@pytest.mark.parametrize("options", ["fit=keep,width=60", "fit=pad,width=60,crop=0.1,channels=3"])
def test_the_score_of_test_pictures_is_that_of_the_run(registry, pictures, tmp_path, options):
    config = tiny(
        dataset=f"folder:path='{pictures}',height=24,alphabet=digits,test=0.3,{options}",
        head="none", decoder="beam_cpp", epochs=30, lr=1e-2, augmentation="none",
    )  # fmt: skip
    result = runner.run(resolve(registry, config), Runtime(tmp_path / "runs"))
    assert result.score.cer < 1
    found = ctcbench.load(result.folder).evaluate(f"folder:path='{pictures}',test=0.3", samples=12)
    assert found.images == result.score.images and found.metrics == result.score.metrics


def test_a_run_on_pictures_scores_them_as_it_did(registry, pictures, tmp_path):
    result = runner.run(resolve(registry, pictures_config(pictures)), Runtime(tmp_path / "runs"))
    found = ctcbench.load(result.folder).evaluate(f"folder:path='{pictures}'")
    assert found.images == result.score.images and found.metrics == result.score.metrics
