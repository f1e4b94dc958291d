"""Every option of a set of pictures is in the key under which its drawn samples are cached."""

import dataclasses

import pytest

from ctcbench.builtin.folder import folder
from ctcbench.builtin.picture_sets.picture_options import PictureOptions
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.sample_request import SampleRequest
from tests.builtin.picture_sets.picture_cases import png

# Another value than the default of each option; the labels are such that it has an effect.
OTHER = {
    "alphabet": "range(a-z)+[é]",
    "direction": "rtl",
    "unicode": "NFD",
    "case": "upper",
    "characters": "clusters",
    "width": 90,
    "height": 24,
    "channels": 3,
    "fit": "pad",
    "crop": 0.2,
    "ground": "auto",
    "val": 0.3,
    "test": 0.3,
    "train_names": "names.txt",
    "val_names": "names.txt",
    "test_names": "names.txt",
    "group": "^(.)",
    "seed": 1,
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    labels = [
        f"{i}{j}.png,{text}" for i in range(4) for j, text in enumerate(["ab", "é", "m\u0323\u0301", "cd"])
    ]
    for line in labels:
        (root / line.partition(",")[0]).write_bytes(png(len(line)))
    (root / "labels.csv").write_text("\n".join(["file,label", *labels]), encoding="utf-8")
    (root / "names.txt").write_text("00.png\n01.png\n12.png\n", encoding="utf-8")
    return root


def key(root, **options):
    source = folder.builder(path=str(root), **options)
    dataset = BuiltDataset("folder", "built-in", source)
    return SampleRequest(dataset, "train", 3, (source.fingerprint("train"),)).key


def test_every_option_is_considered_here():
    assert {*OTHER, "owner"} == {field.name for field in dataclasses.fields(PictureOptions)}


@pytest.mark.parametrize("option", [*OTHER, "keep"])
def test_another_value_of_an_option_has_another_key(root, option):
    if option == "characters":
        pytest.importorskip("regex", reason="the package regex is not installed")
    # Labels in NFD keep marks apart, which clusters join; the other options don't change with it.
    shared = {"unicode": "NFD"} if option == "characters" else {}
    given = {"fit": "keep"} if option == "keep" else {option: OTHER[option]}
    if option.endswith("names"):
        given[option] = str(root / given[option])
    assert key(root, **shared) != key(root, **shared, **given)
    assert key(root, **shared, **given) == key(root, **shared, **given)
