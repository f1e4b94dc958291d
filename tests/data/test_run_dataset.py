"""Which data sets can be mixed, and what their mixture has of each."""

import re

import pytest

from ctcbench import RunConfig
from ctcbench.builtin.picture_sets.shared_set import open_shared_set
from ctcbench.contract.data import SPLITS
from ctcbench.contract.errors import UsageError
from ctcbench.data.built_dataset import build_dataset, size_or_zero
from ctcbench.data.materialise import materialise
from ctcbench.data.run_dataset import build_run_dataset, require_splits
from ctcbench.data.sample_request import make_request
from tests.builtin.picture_sets.picture_cases import png

DRAWN = "lettering:height=24,alphabet=abc"


@pytest.fixture
def pictures(tmp_path):
    for label in ("ac", "xc"):
        (tmp_path / f"{label}.png").write_bytes(png())
    return f"folder:path={tmp_path},label=stem,val=0,test=0"


def build(registry, main, extra, **settings):
    config = RunConfig(dataset=main, extra_dataset=extra, **settings)
    return build_run_dataset(registry, config)


def test_without_an_extra_data_set_it_is_the_main_one(registry, pictures):
    config = RunConfig(dataset=pictures)
    dataset = build_run_dataset(registry, config)
    assert (dataset.text, len(dataset.parts), dataset.extra_share) == (pictures, 1, None)


def test_an_empty_split_is_named_and_only_a_run_requires_it(registry, pictures, tmp_path):
    dataset = build_dataset(registry, pictures)
    needs = "a run needs train, val and test"
    with pytest.raises(UsageError, match=r"its split 'val' is empty \(it has train\)$") as error:
        materialise(dataset, "val", None, cache=tmp_path / "cache")
    assert needs not in str(error.value) and size_or_zero(dataset.source, "val") == 0
    with pytest.raises(UsageError, match=f"its split 'val' is empty .it has train.; {needs}$"):
        require_splits(dataset)
    whole = build_dataset(registry, DRAWN)
    assert require_splits(whole) is whole


def test_the_image_and_the_alphabet_are_those_of_both(registry, pictures):
    main = f"{pictures},height=24,width=90,fit=keep,crop=0.1"
    dataset = build(registry, main, f"{DRAWN},fit=keep,width=200", extra_share=0.75)
    source = dataset.source
    assert (source.image.width, source.image.variable, source.image.crop) == (200, True, 0.1)
    assert (source.alphabet.characters, dataset.extra_share) == ("acxb", 0.75)
    assert "--extra-dataset adds 1 character to the alphabet: b" in dataset.notices
    assert source.size("train") is None
    # The notices of a set that is given twice are shown once.
    twice = build(registry, main, main).notices
    assert len(twice) == len(set(twice)) and not any("adds" in notice for notice in twice)


def test_labels_of_all_splits_may_have_the_characters_that_the_extra_set_adds(registry, tmp_path):
    """Few pictures lack characters in their training labels: the extra set trains these."""
    for split, label in (("train", "ac"), ("val", "ab"), ("test", "bc")):
        (tmp_path / split).mkdir()
        (tmp_path / split / f"{label}.png").write_bytes(png())
    main = f"folder:path={tmp_path},label=stem,height=24,fit=pad,width=240"
    dataset = build(registry, main, DRAWN)
    texts = [(*materialise(dataset, split, 1, cache=tmp_path / "cache").texts,) for split in SPLITS]
    assert texts == [("ac",), ("ab",), ("bc",)]
    # As worker processes open it.
    (tmp_path / "shared").mkdir()
    dataset.of_split("test").source.share(tmp_path / "shared", "test")
    assert open_shared_set(tmp_path / "shared").draw("test", 0).text == "bc"
    # The stored samples are those of other runs where nothing is added.
    keys = {
        make_request(found, "val", 1, print).key
        for found in (build(registry, main, main).of_split("val"), build_dataset(registry, main))
    }
    assert len(keys) == 1


@pytest.mark.parametrize(
    ("main", "extra", "words"),
    [
        ("height=40", f"{DRAWN},fit=stretch,width=150",
         "height 40 and 24; give --extra-dataset height=40"),
        ("height=24,channels=3", f"{DRAWN},fit=stretch,width=150",
         "channels 3 and 1; give --extra-dataset channels=3"),
        ("height=24", f"{DRAWN},fit=stretch", "width 150 and 240; give --extra-dataset width=150"),
        ("height=32,fit=keep", DRAWN, "height 32 and 24, fit keep and pad; give --extra-dataset height=32, "
         "fit=keep"),
        ("fit=keep", "captcha", "fit keep and stretch; give --dataset fit=stretch"),
        ("direction=rtl", "captcha", "direction rtl and ltr; give one of them options with which they agree"),
    ],
)  # fmt: skip
def test_sets_that_do_not_fit_are_refused_with_the_option_to_give(registry, pictures, main, extra, words):
    with pytest.raises(UsageError, match=re.escape(f"can't be mixed: they have {words}")) as raised:
        build(registry, f"{pictures},{main}", extra)
    assert pictures in str(raised.value) and extra in str(raised.value)


def test_an_extra_set_that_can_not_be_used_is_named(registry, pictures, tmp_path):
    with pytest.raises(UsageError, match=r"^--extra-dataset: dataset folder:path=nowhere: nowhere: no"):
        build(registry, "captcha", "folder:path=nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"--extra-dataset: .*empty"):
        build(registry, "captcha", f"folder:path={tmp_path / 'empty'}")
