"""The description of a split: its values, the advised training, and the JSON document."""

from __future__ import annotations

import json

import pytest

from ctcbench.data.advised_training import SplitSize
from ctcbench.data.built_dataset import build_dataset
from ctcbench.data.materialise import materialise
from ctcbench.data.set_description import describe_set
from tests.builtin.picture_sets.picture_cases import png

DRAWN = [
    "dataset", "split", "notices", "images", "left_out", "splits", "channels", "height", "width", "widths",
    "alphabet", "direction", "classes", "fingerprint", "fit", "pictures", "lengths", "characters", "lacking",
    "frames", "faint", "duplicates",
]  # fmt: skip
OF_PICTURES = [*DRAWN, "ink", "colour_loss", "hidden_text"]


@pytest.fixture
def described(registry, tmp_path):
    """Return the description of a folder with two pictures for training and one of each other split."""
    for split, name, level in (("train", "ab", 1), ("train", "cde", 2), ("test", "ba", 1), ("val", "ac", 3)):
        (tmp_path / split).mkdir(exist_ok=True)
        (tmp_path / split / f"{name}.png").write_bytes(png(level, 60, 20))
    dataset = f"folder:path={tmp_path},label=stem,width=60,height=20,fit=keep,alphabet=lower"

    def call(*splits, **options):
        chosen = build_dataset(registry, dataset)
        drawn = {one: materialise(chosen, one, chosen.size(one), cache=tmp_path / "cache") for one in splits}
        return describe_set(registry, chosen, splits[0], drawn, **options)

    return call


def test_the_training_split_of_pictures(described):
    found = described("train", "test")
    assert (found.size, found.splits["test"]) == (SplitSize(2, 0), SplitSize(1, 0))
    assert found.widths == (60, 60) and found.lengths == {2: 1, 3: 1}
    assert found.characters["a"] == 1 and found.characters["z"] == 0
    assert found.duplicates.across == {("train", "test"): 1}
    document = found.to_json()
    assert list(document) == [*OF_PICTURES, "advice"]
    assert document["widths"] == {"least": 60, "greatest": 60}
    assert document["lengths"] == {"2": 1, "3": 1}
    assert document["duplicates"]["across"] == {"train and test": 1}
    assert document["advice"]["options"] == found.advice.options
    assert json.loads(json.dumps(document))["frames"] == document["frames"]


def test_labels_that_the_alphabet_lacks_are_counted_whatever_split_is_described(described, tmp_path):
    assert described("train", "val", "test").to_json()["lacking"] is None
    for split, name in (("test", "aXX"), ("val", "X7")):
        (tmp_path / split / f"{name}.png").write_bytes(png(9, 60, 20))
    for splits in (("train", "val", "test"), ("test", "train", "val")):
        found = described(*splits)
        assert found.to_json()["lacking"] == {
            "occurrences": {"X": 3, "7": 1}, "samples": {"val": 1, "test": 1},
        }  # fmt: skip
        assert found.splits["test"] == SplitSize(2, 0)
        assert found.frames.too_long[1] == 0


def test_bad_samples_are_left_out_of_the_advised_training_as_of_the_description(described):
    command = described("train", "val", "test").advice.command
    assert described("train", "val", "test", skip_bad=True).advice.command == f"{command} --skip-bad"


def test_no_size_is_advised_for_pictures_that_are_left_out(registry, tmp_path):
    for level, (label, width) in enumerate((("ab", 150), ("cd", 160), ("ac", 20_000))):
        (tmp_path / f"{label}.png").write_bytes(png(level, width, 40))
    chosen = build_dataset(registry, f"folder:path={tmp_path},label=stem,val=0,test=0")
    cache = tmp_path / "cache"
    drawn = materialise(chosen, "train", 3, skip_bad=True, cache=cache, notice=lambda text: None)
    found = describe_set(registry, chosen, "train", {"train": drawn}, skip_bad=True)
    assert found.size == SplitSize(2, 1) and found.pictures.widths.greatest == 20_000
    assert not {"fit", "width"} & {*found.advised_options}


def test_no_training_is_advised_without_its_split_or_on_drawn_images(described, registry, tmp_path):
    found = described("test")
    assert found.advice is None and not found.advised_options and list(found.to_json()) == OF_PICTURES
    chosen = build_dataset(registry, "captcha:length=2,alphabet=digits,width=64,height=24")
    drawn = {"train": materialise(chosen, "train", 3, cache=tmp_path)}
    found = describe_set(registry, chosen, "train", drawn)
    assert found.pictures is None and found.content is None and found.widths is None
    assert list(found.to_json()) == DRAWN


@pytest.mark.parametrize(("labels", "options", "is_advised"), [
    (["\u05d0\u05d1", "\u05d2\u05d0"], "", True),
    (["\u05d0\u05d1", "ab"], "", False),
    (["\u05d0\u05d1", "\u05d2\u05d0"], ",direction=rtl", False),
])  # fmt: skip
def test_right_to_left_labels_are_read_from_the_right(registry, tmp_path, labels, options, is_advised):
    for level, label in enumerate(labels):
        (tmp_path / f"{label}.png").write_bytes(png(level, 60, 20))
    chosen = build_dataset(
        registry, f"folder:path={tmp_path},width=60,height=20,fit=keep,val=0,test=0{options}"
    )
    drawn = {"train": materialise(chosen, "train", 2, cache=tmp_path / "cache")}
    advice = describe_set(registry, chosen, "train", drawn).advice
    assert ("direction" in advice.options) == is_advised
    assert ("direction=rtl" in advice.command) == (is_advised or bool(options))


def test_a_small_set_has_shares_of_a_picture_or_more(registry, tmp_path):
    for level in range(8):
        (tmp_path / f"{level}.png").write_bytes(png(level, 60, 20))
    place = f"folder:path={tmp_path},width=60,height=20,fit=keep,label=stem"
    chosen = build_dataset(registry, f"{place},val=0,test=0")
    drawn = {"train": materialise(chosen, "train", 8, cache=tmp_path / "cache")}
    advice = describe_set(registry, chosen, "train", drawn).advice
    assert {name: advice.options[name] for name in ("val", "test")} == {"val": "0.13", "test": "0.13"}
    again = build_dataset(registry, f"{place},val=0.13,test=0.13")
    assert min(again.size(split) for split in ("val", "test")) >= 1
