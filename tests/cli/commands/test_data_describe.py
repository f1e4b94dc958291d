"""`ctcbench data describe` on pictures: sizes, duplicates, a contact sheet."""

from __future__ import annotations

import json
import re

import pytest
from PIL import Image

from ctcbench.__main__ import main
from tests.builtin.picture_sets.picture_cases import png


@pytest.fixture
def pictures(tmp_path):
    for split, name, level, width in (
        ("train", "ab", 1, 40),
        ("train", "cd", 2, 90),
        ("train", "efgh", 3, 40),
        ("test", "xy", 1, 40),
        ("val", "ab", 5, 40),
    ):
        (tmp_path / split).mkdir(exist_ok=True)
        (tmp_path / split / f"{name}.png").write_bytes(png(level, width, 20))
    return f"folder:path={tmp_path},label=stem,width=60,height=20,fit=keep,alphabet=lower"


def test_another_split_without_a_usable_picture_is_no_obstacle(tmp_path, capsys):
    for split, name in (("train", "ab"), ("val", "xy"), ("test", "ba")):
        (tmp_path / split).mkdir()
        (tmp_path / split / f"{name}.png").write_bytes(png(1, 40, 20))
    (tmp_path / "val" / "xy.png").write_bytes(b"")
    data = f"folder:path={tmp_path},label=stem,alphabet=[ab]"
    assert main(["data", "describe", data, "--json"]) == 0
    printed = capsys.readouterr()
    assert list(json.loads(printed.out)["splits"]) == ["train", "test"]
    assert "1 of 1 samples of 'val' left out" in printed.err
    assert main(["data", "describe", data, "--split", "val", "--skip-bad"]) == 2
    assert "no valid sample among the first 1 of 'val'" in capsys.readouterr().err


def test_labels_that_the_alphabet_lacks_are_announced(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    for split, name in (("train", "ab"), ("val", "ba"), ("test", "bü")):
        (tmp_path / split).mkdir()
        (tmp_path / split / f"{name}.png").write_bytes(png(1, 40, 20))
    assert main(["data", "describe", f"folder:path={tmp_path},label=stem"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "not in alphabet 1 of 1 sample of 'test' have characters that the alphabet lacks: 'ü' (once)."
        in shown
    )
    assert "alphabet=auto+[ü] adds their classes" in shown and "a first training: ctcbench run" in shown


def test_the_facts_of_pictures(pictures, tmp_path, capsys):
    assert main(["data", "describe", pictures, "--json"]) == 2
    assert "at most 60 are allowed (width=60; raise it: it is only a limit)" in capsys.readouterr().err
    assert main(["data", "describe", pictures, "--json", "--skip-bad"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["splits"] == {
        "train": {"images": 2, "left_out": 1},
        "val": {"images": 1, "left_out": 0},
        "test": {"images": 1, "left_out": 0},
    }
    assert facts["pictures"]["widths"] == {"least": 40, "quartiles": [40, 40, 65], "greatest": 90}
    assert facts["frames"]["too_long_by_columns_per_frame"] == {"1": 0, "2": 0, "4": 0, "8": 0}
    assert facts["frames"]["fewest_columns_per_frame"] == 10
    assert facts["duplicates"]["across"] == {"train and val": 0, "train and test": 1, "val and test": 0}
    assert facts["duplicates"]["groups_with_different_texts"] == 1
    assert main(["data", "describe", pictures, "--skip-bad"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "leakage 1 of test are in train" in shown
    assert "1 image with different texts" in shown
    assert "none with a frame every 8 columns (fewest columns for each frame: 10.0," in shown


def test_the_contact_sheet(pictures, tmp_path, capsys):
    sheet = tmp_path / "sheet.png"
    assert main(["data", "describe", pictures, "--skip-bad", "--contact-sheet", str(sheet)]) == 0
    assert f"\ncontact sheet: {sheet}\n" in capsys.readouterr().out
    with Image.open(sheet) as picture:
        assert picture.size == (2 * 46 + 6, 42 + 6)
        assert picture.getpixel((7, 7)) in ((1, 1, 1), (3, 3, 3))
    assert main(["data", "describe", pictures, "--contact-sheet", str(tmp_path / "sheet.jpg")]) == 2
    assert "give it the suffix .png" in capsys.readouterr().err


def test_pages_of_several_lines_are_no_training(tmp_path, capsys):
    pages = tmp_path / "pages"
    pages.mkdir()
    for number in range(30):
        Image.new("L", (300, 400), number).save(pages / f"{number}.png")
    (pages / "labels.txt").write_text("".join(f"{i}.png\tline {i} of {'text ' * 40}\n" for i in range(30)))
    assert main(["data", "describe", f"folder:path={pages}"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "no training yet: the texts are too long to be one line" in shown and "a first training" not in shown
    )


def test_characters_and_shapes_are_shown_in_full(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    for name, width in (("a b", 40), ("cd", 100), ("ef", 60), ("gh", 60)):
        (tmp_path / f"{name}.png").write_bytes(png(len(name) + width, width, 20))
    dataset = f"folder:path={tmp_path},val=0,test=0,height=20"
    assert main(["data", "describe", dataset]) == 0
    shown = capsys.readouterr().out
    assert "␣ab" in shown
    assert "␣ 1  a 1  b 1" in shown
    monkeypatch.setenv("COLUMNS", "400")
    assert main(["data", "describe", dataset]) == 0
    shown = capsys.readouterr().out
    words = " ".join(shown.split())
    assert f"shapes 2.00 to 5.00 times as wide as high, the widest {tmp_path}/cd.png" in words
    assert "stretch makes them all 7.50 times as wide as high; fit=keep,height=20,width=150 keeps" in words
    assert "for CTC with 150 × 20 pixels: none" in words
    advised = f"folder:path={tmp_path},height=20,fit=keep"
    assert f"a first training: ctcbench run --preset small --epochs 500 --dataset {advised}" in words
    assert main(["data", "describe", f"{advised},val=0,test=0", "--skip-bad"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert f"--dataset {advised},val=0.25,test=0.25 --skip-bad" in words and "keeps their" not in words
    assert main(["data", "describe", dataset, "--samples", "1", "--json"]) == 0
    assert "--epochs 500 " in json.loads(capsys.readouterr().out)["advice"]["command"]
    for index in range(60):
        (tmp_path / f"{'abcdefgh'[index % 8]}{'abcdefgh'[index // 8]}.png").write_bytes(png(index, 60, 20))
    assert main(["data", "describe", dataset, "--samples", "1", "--json"]) == 0
    assert "--epochs 250 " in json.loads(capsys.readouterr().out)["advice"]["command"], "two steps an epoch"
    assert main(["data", "describe", f"{dataset},fit=pad"]) == 0
    assert "keeps their shapes" not in " ".join(capsys.readouterr().out.split())


def test_no_training_is_advised_while_labels_are_doubtful(tmp_path, capsys):
    for name in ("ab_1", "cd_2"):
        (tmp_path / f"{name}.png").write_bytes(png(len(name), 150, 40))
    for options, advises in (("", False), (",label=stem", True), (",label=before-underscore", True)):
        assert main(["data", "describe", f"folder:path={tmp_path},val=0,test=0{options}"]) == 0
        shown = capsys.readouterr().out
        assert ("a first training: ctcbench run" in shown) is advises
        assert ("no training yet: it is not clear what the labels are" in shown) is not advises


def test_the_training_that_is_advised_can_be_run(tmp_path, capsys):
    (tmp_path / "ab.png").write_bytes(png(1, 40, 20))
    assert main(["data", "describe", f"folder:path={tmp_path}"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "no training yet: " in shown and "val=0.1 of 1 picture leaves it empty" in shown
    for split, name in (("train", "ab"), ("val", "xy"), ("test", "ba")):
        (tmp_path / split).mkdir()
        (tmp_path / split / f"{name}.png").write_bytes(png(1, 40, 20))
    (tmp_path / "ab.png").unlink()
    assert main(["data", "describe", f"folder:path={tmp_path},label=stem,alphabet=[ab]"]) == 0
    assert "no training yet: no picture of val can be used; a notice above" in capsys.readouterr().out
    (tmp_path / "val" / "aa.png").write_bytes(png(2, 40, 20))
    assert main(["data", "describe", f"folder:path={tmp_path},label=stem,alphabet=[ab]"]) == 0
    assert "--skip-bad" not in capsys.readouterr().out, "xy.png counts as an error of the recogniser"
    (tmp_path / "test" / "ab.png").write_bytes(b"")
    assert main(["data", "describe", f"folder:path={tmp_path},label=stem,alphabet=[ab]"]) == 0
    assert "--skip-bad\n" in capsys.readouterr().out, "ab.png would be an error"


def test_pictures_that_show_nothing_are_counted(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    for name, ink in (("a", (255, 255, 255, 255)), ("b", (0, 0, 0, 255)), ("c", (255, 0, 0, 255))):
        picture = Image.new("RGBA", (150, 40), (0, 0, 0, 0) if name < "c" else (0, 130, 0, 255))
        picture.paste(ink, (50, 10, 100, 30))
        picture.save(tmp_path / f"{name}.png")
    dataset = f"folder:path={tmp_path},val=0,test=0"
    assert main(["data", "describe", dataset]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "contrast 2 images have hardly any contrast (" in shown and "channels=3 keeps colours" in shown
    assert main(["data", "describe", f"{dataset},channels=3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["faint"] == {"images": 1, "example": f"{tmp_path}/a.png"}


def test_an_advised_height_below_that_of_the_pictures_is_explained_by_the_crop(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    for label in ("ab", "bc"):
        picture = Image.new("L", (90, 40), 255)
        picture.paste(0, (20, 12, 60, 28))
        picture.save(tmp_path / f"{label}.png")
    assert main(["data", "describe", f"folder:path={tmp_path},val=0,test=0"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert re.search(
        r"height=\d+,width=\d+ is the height of the pictures without the rows that crop leaves out", shown
    )


def test_what_the_pictures_show_decides_the_options_and_the_preset(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    for place, label in enumerate(("ab", "bc")):
        picture = Image.new("RGB", (260, 100), (0, 140, 0))
        picture.paste((255, 10, 20), (60 + 20 * place, 44, 120, 60))
        picture.save(tmp_path / f"{label}.png")
    dataset = f"folder:path={tmp_path},val=0,test=0"
    assert main(["data", "describe", dataset]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "colour grey loses contrast in 2 of 2 pictures examined; channels=3" in shown
    assert "channels=3" in shown.partition("a first training: ")[2] and "crop=" not in shown
    assert main(["data", "describe", f"{dataset},channels=3"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    # 16 of 100 rows, scaled to 40.
    assert re.search(r"ink takes (15|18|20|22) % of the height; crop=0\.3\d? makes the letters larger", shown)
    assert ",crop=0.3" in shown.partition("a first training: ")[2]
    assert "--preset small" in shown and "TFLOP: roughly" in shown and "--budget 10m" in shown
    assert main(["data", "describe", dataset, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["colour_loss"] == {"examined": 2, "coloured": 2}
    assert facts["advice"]["options"]["channels"] == "3" and facts["advice"]["cost"]["images"] == 2
    (tmp_path / "a long line of text, one.png").write_bytes((tmp_path / "ab.png").read_bytes())
    (tmp_path / "a long line of text, two.png").write_bytes((tmp_path / "ab.png").read_bytes())
    assert main(["data", "describe", f"{dataset},label=stem", "--json"]) == 0
    assert "--preset small" in json.loads(capsys.readouterr().out)["advice"]["command"], "half of the texts"
    (tmp_path / "ab.png").unlink()
    assert main(["data", "describe", f"{dataset},label=stem", "--json"]) == 0
    assert "--preset lines" in json.loads(capsys.readouterr().out)["advice"]["command"]


def test_the_height_that_is_suggested_is_not_above_that_of_the_pictures(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    for name, size in (("a", (64, 30)), ("b", (320, 32)), ("c", (64, 20)), ("d", (64, 32))):
        (tmp_path / f"{name}.png").write_bytes(png(1, *size))
    dataset = f"folder:path={tmp_path},val=0,test=0"
    assert main(["data", "describe", dataset]) == 0
    assert "fit=keep,height=32,width=400 keeps their shapes" in " ".join(capsys.readouterr().out.split())
    # Of larger pictures, the height of the data set stays.
    for name in "abcd":
        (tmp_path / f"{name}.png").write_bytes(png(1, 500, 200))
    assert main(["data", "describe", dataset]) == 0
    assert "fit=keep,height=40,width=150 keeps their shapes" in " ".join(capsys.readouterr().out.split())
