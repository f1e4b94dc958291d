"""Which data sets can be mixed, and what their mixture has of each."""

import re

import pytest

from ctcbench import RunConfig
from ctcbench.contract.errors import UsageError
from ctcbench.data.run_dataset import build_run_dataset
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
