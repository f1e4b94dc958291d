"""`ctcbench predict`: files, folders, standard input; every output; pictures that can't be read."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ctcbench.__main__ import main
from ctcbench.cli.views import prediction_output

Capture = pytest.CaptureFixture[str]


def test_predict(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for file in files:
        Image.new("L", (64, 24), 255).save(file)
    assert main(["predict", str(trained), *map(str, files), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [reading["image"] for reading in document] == [str(file) for file in files]
    assert all(isinstance(r["text"], str) and 0 <= r["confidence"] <= 1 for r in document)
    assert main(["predict", str(trained), str(files[0])]) == 0
    printed = capsys.readouterr()
    assert "confidence" in printed.out and "unfamiliar" in printed.out
    assert printed.err == (
        "unfamiliar: 1 of 1 image; it differs from the training images, and its confidence may be far "
        "too high\n"
    )
    unfinished = shutil.copytree(trained, tmp_path / "unfinished")
    (unfinished / "summary.json").unlink()
    assert main(["predict", str(unfinished), str(files[0])]) == 0
    assert "training is not finished" in capsys.readouterr().err


def test_a_picture_in_place_of_the_recogniser_is_named(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.PNG").write_bytes(b"")
    assert main(["predict", "a.PNG", "b.png"]) == 2
    assert "a.PNG: a picture, in place of the run folder or ONNX file, which" in capsys.readouterr().err


def test_predict_reads_the_others_and_names_what_it_cannot_read(
    trained: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "b.png", "-7.png"):
        Image.new("L", (64, 24), 255).save(name)
    Path("text.png").write_text("not a picture")
    Path("folder").mkdir()
    names = ["missing.png", "a.png", "text.png", "folder", "b.png"]
    assert main(["predict", str(trained), "n" * 300, "a.png"]) == 1
    assert f"{'n' * 300}: can't be read (File name too long)" in capsys.readouterr().err
    assert main(["predict", str(trained), *names]) == 1
    printed = capsys.readouterr()
    assert [name for name in names if name in printed.out] == ["a.png", "b.png"]
    assert printed.err.splitlines() == [
        "ctcbench predict: missing.png: no such file",
        "ctcbench predict: text.png: not a picture of a known format",
        "ctcbench predict: folder: has no pictures in it",
        "unfamiliar: 2 of 2 images; they differ from the training images, and their confidence may be far "
        "too high",
    ]
    assert main(["predict", str(trained), *names, "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert [entry["image"] for entry in document] == names
    assert [entry.get("error") for entry in document][:3] == [
        "no such file",
        None,
        "not a picture of a known format",
    ]
    assert [entry["text"] is None for entry in document] == [True, False, True, True, False]
    assert document[1].keys() == {"image", "text", "confidence", "familiar", "distance"}
    # A picture alone that can't be read is no mistake in the command line; a name without a file is.
    assert main(["predict", str(trained), "text.png", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)[0]["confidence"] is None
    assert main(["predict", str(trained), "missing.png", "folder"]) == 2
    assert capsys.readouterr().err.startswith("ctcbench predict: missing.png: no such file; folder: has no")
    assert main(["predict", str(trained), "a.png", "-7.png"]) == 2
    assert "give a file of such a name after `--`" in capsys.readouterr().err
    assert main(["predict", str(trained), "a.png", "--", "-7.png"]) == 0


def read_json(arguments: list[str], capsys: Capture, code: int = 0) -> list[dict]:
    assert main(["predict", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of pictures in sub-folders, with hidden ones and another file."""
    generator = np.random.default_rng(0)
    for name in ("x/10.png", "x/9.jpg", "x/.hidden.png", ".hidden/1.png", "2.tiff", "notes.txt"):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("text")
        else:
            Image.fromarray(generator.integers(0, 256, (24, 64), np.uint8)).save(path)
    return tmp_path / "pictures"


def give_standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_a_folder_stands_for_the_pictures_below_it_in_natural_order(
    trained: Path, folder: Path, capsys: Capture
) -> None:
    found = read_json([str(trained), str(folder)], capsys)
    names = [str(folder / name) for name in ("2.tiff", "x/9.jpg", "x/10.png")]
    assert [entry["image"] for entry in found] == names
    assert found == read_json([str(trained), *names], capsys)


def test_standard_input_is_a_list_of_paths_or_one_picture(
    trained: Path, folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    one = str(folder / "x/10.png")
    (expected,) = read_json([str(trained), one], capsys)
    # The first two begin like pictures.
    for name in ("BMW.png", "P1.png", "größe.png"):
        shutil.copy(one, name)
        for content in (f"{name}\n", f"{name}\r\n\r\n", f"\ufeff{name}"):
            give_standard_input(monkeypatch, content.encode())
            (found,) = read_json([str(trained), "-"], capsys)
            assert found == expected | {"image": name}
    listed = [*[str(folder / "x/9.jpg")] * 30, "missing.png", str(folder / "x")]
    give_standard_input(monkeypatch, "\n".join(listed).encode())
    found = read_json([str(trained), "-", one], capsys, code=1)
    assert len(found) == 34 and found[30]["error"] == "no such file" and found[-1]["text"] == expected["text"]
    for content in (Path(one).read_bytes(), b"P5 64 24 255\n" + Image.open(one).tobytes()):
        give_standard_input(monkeypatch, content)
        assert read_json([str(trained), "-"], capsys) == [expected | {"image": "-"}]


def test_files_of_a_folder_that_are_not_read_and_further_pages_are_named(
    trained: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scans/sub").mkdir(parents=True)
    Path("scans/sub/a.pdf").write_bytes(b"%PDF-1.7\n")
    assert main(["predict", str(trained), "scans"]) == 2
    message = "scans: has no pictures in it; not read: 1 file in other formats (scans/sub/a.pdf)"
    assert capsys.readouterr().err == f"ctcbench predict: {message}\n"
    page = Image.new("L", (64, 24), 255)
    page.save("scans/b.tif", save_all=True, append_images=[page])
    page.save("scans/c.tif")
    assert main(["predict", str(trained), "scans", "--csv"]) == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 3
    assert "not read: 1 file in other formats (scans/sub/a.pdf)\n" in printed.err
    assert "first page only: 1 TIFF file with several pages (scans/b.tif)\n" in printed.err
    give_standard_input(monkeypatch, Path("scans/b.tif").read_bytes())
    assert main(["predict", str(trained), "-", "--csv"]) == 0
    assert "first page only: 1 TIFF file with several pages (-)\n" in capsys.readouterr().err
    assert main(["predict", str(trained), "scans/sub/a.pdf"]) == 1
    assert "a.pdf: not a picture of a known format: a PDF document; convert it" in capsys.readouterr().err


def test_a_pipe_among_the_pictures_of_a_folder_is_an_error_of_its_own(
    trained: Path, folder: Path, capsys: Capture
) -> None:
    os.mkfifo(folder / "x" / "8.tif")
    found = read_json([str(trained), str(folder)], capsys, code=1)
    assert [entry.get("error") for entry in found] == [None, "is not a file", None, None]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "-: standard input is empty"),
        (b"\n" * 100, "-: standard input is empty"),
        (b"\0\0\0\x20ftypqt  ", "-: standard input is not a picture of a known format, nor paths"),
        (b"\0\0\0\x20ftypheic", "-: standard input is not a picture of a known format: HEIC; convert it"),
        (b"a" * 100_000, "standard input has a line of 65,536 bytes"),
        (b"a" * 70 + b"\0\n", "not a picture of a known format, nor paths: a line has a NUL"),
    ],
    ids=["empty", "blank", "another format", "HEIC", "a long line", "a NUL"],
)
def test_other_standard_input_is_a_usage_error(
    trained: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, content: bytes, words: str
) -> None:
    give_standard_input(monkeypatch, content)
    assert main(["predict", str(trained), "-"]) == 2
    assert words in capsys.readouterr().err


def test_damaged_metadata_of_a_picture_prints_no_warning_of_pillow(trained: Path, tmp_path: Path) -> None:
    Image.new("L", (64, 24), 255).save(written := io.BytesIO(), "TIFF")
    file = tmp_path / "a.tif"
    file.write_bytes(written.getvalue()[:20])
    with pytest.warns(UserWarning, match="Corrupt EXIF data"), contextlib.suppress(OSError, ValueError):
        Image.open(file)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert main(["predict", str(trained), str(file), "--csv"]) == 1
    assert shown == []


def test_an_endless_list_is_read_until_nobody_reads_the_output(
    trained: Path, folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, target: memoryview) -> int:  # type: ignore[override]
            line = f"{folder / 'x/10.png'}\n".encode()
            target[: len(line)] = line
            return len(line)

    asked = iter([True, True, False])
    monkeypatch.setattr("ctcbench.cli.commands.predict.has_reader", lambda stream: next(asked))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    assert main(["predict", str(trained), "-", "--jsonl"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_damaged_picture_on_standard_input_is_its_error(
    trained: Path, folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_standard_input(monkeypatch, (folder / "x/10.png").read_bytes()[:200])
    (entry,) = read_json([str(trained), "-"], capsys, code=1)
    assert entry["image"] == "-" and "damaged or cut off" in entry["error"]


def test_every_output_has_the_same_predictions(trained: Path, folder: Path, capsys: Capture) -> None:
    (folder / "=1.png").write_text("no picture")
    arguments = ["predict", str(trained), str(folder), "--n-best", "2"]
    document = read_json([*arguments[1:], "--positions"], capsys, code=1)
    assert main([*arguments, "--positions", "--jsonl"]) == 1
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == document
    assert main([*arguments, "--csv"]) == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for row, entry in zip(rows, document, strict=True):
        assert row["image"] == entry["image"]
        assert row["error"] == entry.get("error", "")
        if "error" not in entry:
            assert row["text"] == entry["text"] and float(row["confidence"]) == entry["confidence"]
            best, second = entry["alternatives"]
            assert best["confidence"] >= second["confidence"] and row["text_2"] == second["text"]
            assert len(entry["characters"]) == len(entry["text"]) and entry["size"] == [64, 24]
    assert main([*arguments, "--positions"]) == 1
    assert "most probable" in capsys.readouterr().out


def test_scores_of_the_decoder_are_shown_where_they_are_no_probabilities(
    trained: Path, folder: Path, capsys: Capture
) -> None:
    arguments = [str(trained), str(folder), "--n-best", "2"]
    scored = [*arguments, "--decoder", "beam_cpp:blank_penalty=1"]
    document = read_json(scored, capsys)
    scores = [[one["score"] for one in entry["alternatives"]] for entry in document]
    assert all(first >= second for first, second in scores)
    assert main(["predict", *scored, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [[float(row["score_1"]), float(row["score_2"])] for row in rows] == scores
    assert main(["predict", *scored]) == 0
    assert "highest score, confidence" in capsys.readouterr().out
    assert {one["score"] for entry in read_json(arguments, capsys) for one in entry["alternatives"]} == {None}
    assert main(["predict", *arguments, "--csv"]) == 0
    assert {row["score_1"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))} == {""}


def test_proofs_of_the_decoder_are_in_every_output(trained: Path, folder: Path, capsys: Capture) -> None:
    # Of a network that is hardly trained, too many texts have about the same probability.
    arguments = [str(trained), str(folder), "--decoder", "best_cpp:length=1"]
    assert all(entry["optimal"] is True and entry["gap"] == 0 for entry in read_json(arguments, capsys))
    assert main(["predict", *arguments]) == 0
    printed = capsys.readouterr()
    assert "not proven" not in printed.out and "proven best: 3 of 3 (" in printed.err
    arguments[-1] = "best_cpp:nodes=0,width=1,blank_penalty=3"
    document = read_json(arguments, capsys)
    assert all(entry["optimal"] is False and entry["gap"] > 0 for entry in document)
    assert main(["predict", *arguments, "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["optimal"], float(row["gap"])) for row in rows] == [
        ("False", entry["gap"]) for entry in document
    ]
    assert main(["predict", *arguments]) == 0
    printed = capsys.readouterr()
    assert printed.out.count("not proven") == 3
    assert "proven best: 0 of 3; of the others a more probable text may exist, gap at most" in printed.err
    assert main(["predict", *arguments[:2], "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert {(row["optimal"], row["gap"]) for row in rows} == {("", "")}


def test_a_table_is_printed_in_parts(
    trained: Path, folder: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction_output, "_ROWS_OF_A_TABLE", 2)
    assert main(["predict", str(trained), str(folder)]) == 0
    assert capsys.readouterr().out.count("confidence") == 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--json", "--csv"], "--json and --csv: give one of them"),
        (["--csv", "--positions"], "--positions: a line of CSV has no place for a list"),
        (["--n-best", "-1"], "--n-best"),
        (["--device", "cuda:9"], "cuda:9"),
        (["--device", "gpu"], "gpu"),
        (["--decoder", "slots"], "--decoder slots reads each frame as one character, but this recogniser"),
        (["--decoder", "baem_cpp"], "did you mean"),
        (["-", "-"], "-: standard input can be read only once"),
    ],
)
def test_a_wrong_flag_is_a_usage_error(
    trained: Path, folder: Path, capsys: Capture, flags: list[str], words: str
) -> None:
    assert main(["predict", str(trained), str(folder / "2.tiff"), *flags]) == 2
    printed = capsys.readouterr()
    assert words in printed.err and not printed.out


def test_the_ground_of_transparent_pictures_is_chosen(
    trained: Path, folder: Path, tmp_path: Path, capsys: Capture
) -> None:
    """A picture whose letters are white and all else is transparent is a black one on black."""
    with Image.open(next(folder.rglob("*.png"))) as image:
        gray = image.convert("L")
    ghost = Image.merge(
        "LA", (Image.new("L", gray.size, 255), gray.point([255 - level for level in range(256)]))
    )
    ghost.save(tmp_path / "ghost.png")
    gray.point([255 - level for level in range(256)]).save(tmp_path / "negative.png")
    Image.new("L", gray.size, 255).save(tmp_path / "blank.png")
    blank, shown, negative = read_json(
        [str(trained), *(str(tmp_path / f"{name}.png") for name in ("blank", "ghost", "negative"))], capsys
    )
    assert (shown["text"], shown["confidence"]) == (blank["text"], blank["confidence"])
    (shown,) = read_json([str(trained), str(tmp_path / "ghost.png"), "--ground", "auto"], capsys)
    assert shown["text"] == negative["text"]
    assert shown["confidence"] == pytest.approx(negative["confidence"], rel=1e-3)
    assert main(["predict", str(trained), str(tmp_path / "ghost.png"), "--ground", "grey"]) == 2
    assert "--ground grey" in capsys.readouterr().err


def test_pictures_are_read_at_several_crops(trained: Path, folder: Path, capsys: Capture) -> None:
    arguments = [str(trained), str(folder)]
    own = read_json(arguments, capsys)
    assert read_json([*arguments, "--crops", "0"], capsys) == own
    found = read_json([*arguments, "--crops", "0,0.1,0.2", "--n-best", "2"], capsys)
    assert [entry["image"] for entry in found] == [entry["image"] for entry in own]
    for entry in found:
        scores = [one["score"] for one in entry["alternatives"]]
        assert entry["text"] == entry["alternatives"][0]["text"] and scores == sorted(scores, reverse=True)
        assert 0 < entry["confidence"] <= 1
    for crops, words in {
        "0,x": "--crops 0,x: expected shares separated by commas",
        "": "expected shares separated by commas",
        "0,0.6": "crops: 0.6 is no share of the rows, from 0 to 0.45",
        "0.1,0.1": "expected one or more different shares",
    }.items():
        assert main(["predict", *arguments, "--crops", crops]) == 2
        printed = capsys.readouterr()
        assert words in printed.err and len(printed.err.splitlines()) == 1 and not printed.out
