"""Unicode normal forms and letter case of labels."""

from __future__ import annotations

import pytest

from ctcbench.builtin.folder import folder
from ctcbench.builtin.picture_sets.label_forms import LabelForm
from ctcbench.contract.data import LONGEST_TEXT
from tests.builtin.labelling.folder_cases import faults, fill, whole, write


@pytest.mark.parametrize(
    ("unicode", "case", "text", "expected"),
    [
        ("NFC", "keep", "Ａé", "Ａé"),
        ("NFD", "keep", "Ａé", "Ａe\u0301"),
        ("NFKC", "keep", "Ａﬁ①", "Afi1"),
        ("NFKD", "keep", "Ａé", "Ae\u0301"),
        ("NFC", "fold", "Straße ΣΑΣ", "strasse σασ"),
        ("NFC", "lower", "Straße ΣΑΣ", "straße σας"),
        ("NFC", "upper", "Straße", "STRASSE"),
        # The capital of U+0390 is three letters, of which two compose.
        ("NFC", "upper", "\u0390", "\u03aa\u0301"),
    ],
)
def test_forms(unicode, case, text, expected):
    assert LabelForm(unicode, case).of(text) == expected


def test_a_sample_has_its_label_in_the_chosen_form(tmp_path):
    fill(tmp_path, "0.png", "1.png")
    write(tmp_path, labels_csv="file,label\n0.png,Éa\n1.png,ﬁ\n")
    for options, texts, characters in (
        ({}, {"Éa", "ﬁ"}, "aÉﬁ"),
        ({"unicode": "NFKD", "case": "lower"}, {"e\u0301a", "fi"}, "aefi\u0301"),
        ({"unicode": "NFKC", "case": "upper"}, {"ÉA", "FI"}, "AFIÉ"),
    ):
        source = whole(tmp_path, **options)
        assert {source.draw("train", i).text for i in range(2)} == texts
        assert source.alphabet.characters == characters


def test_a_label_that_its_form_makes_too_long_is_reported(tmp_path):
    fill(tmp_path, "0.png", "1.png")
    # The longest compatibility decomposition of one character: eighteen.
    (tmp_path / "labels.txt").write_text(f"0.png {chr(0xFDFA) * (LONGEST_TEXT // 2)}\n1.png a\n")
    assert faults(whole(tmp_path)) == {}
    (reason,) = faults(whole(tmp_path, unicode="NFKC")).values()
    assert reason == "its label has 900,000 characters in NFKC, case=keep"


def test_colour_is_kept_by_option(tmp_path):
    from PIL import Image

    Image.new("RGB", (30, 10), (255, 0, 7)).save(tmp_path / "a.png")
    grey, colour = (folder(path=str(tmp_path), val=0, test=0, channels=channels) for channels in (1, 3))
    assert grey.draw("train", 0).image.shape == (40, 150)
    image = colour.draw("train", 0).image
    assert image.shape == (3, 40, 150)
    assert image[:, 0, 0].tolist() == [255, 0, 7]
    assert (grey.image.channels, colour.image.channels) == (1, 3)
    assert grey.fingerprint("train") != colour.fingerprint("train")
