"""`ctcbench evaluate`: its table, JSON and file of misread pictures, and mistakes in the command line."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ctcbench.__main__ import main
from ctcbench.builtin.picture_sets.picture_set import PictureSet
from ctcbench.results.run_folder import RunFolder
from tests.cli.cli_cases import Cli, Plugins

Capture = pytest.CaptureFixture[str]
DRAWN = "captcha:width=64,height=24,length=2,alphabet=digits"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of labelled pictures, one of them with a label that is a formula."""
    folder = tmp_path / "mine"
    generator = np.random.default_rng(0)
    for split in ("train", "test"):
        (folder / split).mkdir(parents=True)
        for label in ("12", "=7", "34"):
            picture = Image.fromarray(generator.integers(0, 256, (30, 80, 3), np.uint8))
            picture.save(folder / split / f"{label}.png")
    return folder


def test_the_result_of_a_run_is_found_again(trained: Path, capsys: Capture) -> None:
    arguments = ["evaluate", str(trained), DRAWN, "--samples", "30"]
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    results = [json.loads(path.read_text()) for path in RunFolder(trained).path.glob("results/*.json")]
    # Tests that use the same run may have decoded it otherwise.
    (stored,) = [result for result in results if result["config"]["decoder"] == "greedy"]
    for name in ("exact", "exact_ci", "exact_caseless", "cer", "cer_ci", "edit_distance", "char_accuracy"):
        assert document[name] == stored["score"][name]
    assert document["images"] == 30 and document["split"] == "test" and document["decoder"] == "greedy"
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert (
        "test: 30 images" in printed and "calibration error (ECE)" in printed and "edit distance" in printed
    )
    assert "misread, for example" in printed and "proven best" not in printed
    assert main([*arguments, "--decoder", "best_cpp"]) == 0
    assert "proven best" in capsys.readouterr().out


def test_misread_pictures_are_written_to_a_file(trained: Path, mine: Path, capsys: Capture) -> None:
    file = mine.parent / "misread.csv"
    assert main(["evaluate", str(trained), f"folder:path={mine}", "--misread", str(file)]) == 0
    printed = capsys.readouterr()
    assert "train 3 (--split all scores every picture)" in printed.out
    assert "1 label has characters that the recogniser's alphabet lacks" in " ".join(printed.out.split())
    assert f"{3:,} pictures, in" in printed.out and "misread, for example" not in printed.out
    with file.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["text"] for row in rows} == {"12", "'=7", "34"}
    assert {row["image"] for row in rows} == {
        str(mine / "test" / f"{label}.png") for label in ("12", "=7", "34")
    }
    (mine / "test" / "12.png").rename(mine / "test" / "1 2.png")
    assert main(["evaluate", str(trained), f"folder:path={mine}"]) == 0
    assert "counted as errors: ␣ (1), = (1)" in " ".join(capsys.readouterr().out.split())
    assert all(0 <= float(row["confidence"]) <= 1 for row in rows)


def test_a_table_needs_only_the_split_that_is_read(trained: Path, mine: Path, capsys: Capture) -> None:
    table = mine / "test" / "t.csv"
    for split in ("test", "val"):
        table.write_text(f"file,label,split\n12.png,12,{split}\n34.png,34,{split}\n")
        for wanted in (split, "all"):
            assert main(["evaluate", str(trained), f"csv:path={table}", "--split", wanted, "--json"]) == 0
            document = json.loads(capsys.readouterr().out)
            assert document["images"] == 2 and document["splits"] == {split: 2}
    assert main(["evaluate", str(trained), f"csv:path={table}"]) == 2
    expected = "its column of splits has val, but no test; --split all scores every picture"
    assert expected in capsys.readouterr().err
    assert main(["run", "--dataset", f"csv:path={table}", "--out", str(mine / "runs")]) == 2
    assert "its column of splits has val, but no train" in capsys.readouterr().err
    assert not list(mine.glob("runs/*"))
    table.write_text("file,label,split\n12.png,12,train\n34.png,34,train\n=7.png,7,val\n")
    assert main(["evaluate", str(trained), f"csv:path={table},test=0"]) == 2
    expected = "its split 'test' is empty (it has train and val); --split all scores every picture"
    assert expected in capsys.readouterr().err


def test_the_list_that_is_scored_is_not_replaced_by_the_misread_pictures(
    trained: Path, mine: Path, capsys: Capture
) -> None:
    table = mine / "test" / "t.csv"
    table.write_text("file,label\n12.png,12\n34.png,34\n")
    before = table.read_bytes()
    assert main(["evaluate", str(trained), f"csv:path={table}", "--misread", str(table)]) == 2
    assert "t.csv: is the file to read; name another one to write" in capsys.readouterr().err
    assert table.read_bytes() == before


def test_files_in_the_scored_folder_are_not_replaced_by_the_misread_pictures(
    trained: Path, mine: Path, capsys: Capture
) -> None:
    listed, misread = mine / "labels.csv", mine / "wrong.csv"
    listed.write_text("file,label\ntest/12.png,12\n")
    command = ["evaluate", str(trained), f"folder:path={mine}", "--misread"]
    assert main([*command, str(listed)]) == 2
    assert "labels.csv: is a file of the data set; name another one to write" in capsys.readouterr().err
    assert listed.read_text() == "file,label\ntest/12.png,12\n"
    listed.unlink()
    # An earlier file of misread pictures can be replaced.
    misread.write_text("image,text,reading,confidence,familiar\n")
    assert main([*command, str(misread)]) == 0
    assert misread.read_text().count("\n") > 1


def test_misread_pictures_on_standard_output_are_alone_there(
    trained: Path, mine: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    command = ["evaluate", str(trained), f"folder:path={mine}", "--misread", "/dev/stdout"]
    assert main([*command, "--json"]) == 2
    assert b"--json: prints on standard output, as /dev/stdout does" in capfdbinary.readouterr().err
    assert main(command) == 0
    printed = capfdbinary.readouterr()
    assert printed.out.startswith(b"image,text,reading,") and b"pictures, in" not in printed.out
    assert b"pictures, in" in printed.err


def test_the_score_is_printed_also_where_the_file_of_misread_pictures_can_not_be_written(
    trained: Path, mine: Path, capsys: Capture
) -> None:
    command = ["evaluate", str(trained), f"folder:path={mine}", "--samples", "1", "--misread", "/dev/full"]
    assert main(command) == 2
    printed = capsys.readouterr()
    assert "/dev/full: can't be written (No space left on device)" in printed.err
    assert "misread, for example" in printed.out and "exact" in printed.out


def test_bad_pictures_are_one_error_or_left_out(trained: Path, mine: Path, capsys: Capture) -> None:
    (mine / "test" / "56.png").write_bytes(b"")
    arguments = ["evaluate", str(trained), f"folder:path={mine}", "--json"]
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert not printed.out and "1 of 4 samples of 'test' can't be used" in printed.err
    assert "56.png: empty file" in printed.err and "--skip-bad leaves such samples out" in printed.err
    assert main([*arguments, "--skip-bad"]) == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert (document["images"], document["left_out"], document["unreadable"]) == (3, 1, 1)
    assert "1 of 4 samples of 'test' left out" in printed.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["DRAWN"], "captcha:width=64,height=24,length=2,alphabet=digits draws images without end"),
        (
            ["captcha", "--samples", "5"],
            "it draws images of 150×40 pixels in grey, but the recogniser reads 64×24",
        ),
        (["folder:path=nowhere"], "nowhere"),
        (["mine"], "no dataset 'mine' (there are: captcha"),
        (["MINE"], "a folder is an option: folder:path="),
        (
            ["folder:path=MINE,height=30"],
            "height=30 contradicts the recogniser, which has height=24; leave it out",
        ),
        (["folder:path=MINE", "--split", "tests"], "--split tests"),
        (["folder:path=MINE", "--decoder", "beem"], "no decoder 'beem'"),
        (["folder:path=MINE", "--misread", "a.txt"], "--misread a.txt: it is a CSV file"),
        (["folder:path=MINE", "--misread", "no/a.csv"], "to write it in; create it first"),
        (["folder:path=MINE", "--samples", "0"], "--samples"),
        (["folder:path=MINE", "--device", "gpu"], "gpu"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line(
    trained: Path, mine: Path, capsys: Capture, arguments: list[str], words: str
) -> None:
    given = [one.replace("MINE", str(mine)).replace("DRAWN", DRAWN) for one in arguments]
    assert main(["evaluate", str(trained), *given]) == 2
    printed = capsys.readouterr()
    assert not printed.out and words in printed.err
    assert printed.err.startswith("ctcbench evaluate: ") and len(printed.err.splitlines()) == 1


def test_an_unfinished_run_is_named(trained: Path, mine: Path, tmp_path: Path, capsys: Capture) -> None:
    unfinished = shutil.copytree(trained, tmp_path / "unfinished")
    (unfinished / "summary.json").unlink()
    assert main(["evaluate", str(unfinished), f"folder:path={mine}", "--json"]) == 0
    printed = capsys.readouterr()
    assert "training is not finished" in printed.err and json.loads(printed.out)["images"] == 3


SHELF = '''
    import io
    from PIL import Image
    from ctcbench import Alphabet, BadSample, ImageSpec, dataset, hookimpl

    class Source:
        image, alphabet = ImageSpec(10, 10), Alphabet("0123456789")

        def size(self, split):
            return 3

        def fingerprint(self, split):
            return split

        def describe(self, split, index):
            return f"shelf {index}"

        def draw(self, split, index):
            raise NotImplementedError

        def labelled_picture(self, split, index):
            if index == 2:
                raise BadSample("it is lost")
            file = io.BytesIO()
            Image.new("RGB", (30, 20)).save(file, "png")
            return file.getvalue(), LABEL

    @dataset
    def shelf():
        """Pictures of a plugin."""
        return Source()

    @hookimpl
    def ctcbench_components():
        return [shelf]
'''


def test_a_label_that_is_too_long_is_an_error_of_its_plugin(
    trained: Path, mine: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PictureSet, "labelled_picture", lambda source, split, index: (b"", "1" * 100_001))
    assert main(["evaluate", str(trained), f"folder:path={mine}"]) == 1
    assert "has more than 100,000 characters" in capsys.readouterr().err


def test_pictures_of_a_plugin_are_read(cli: Cli, plugins: Plugins, trained: Path) -> None:
    file = plugins.add("ctcbench-shelf", SHELF.replace("LABEL", '"12"'))
    done = cli("evaluate", str(trained), "shelf", "--json")
    assert done.returncode == 2 and "shelf 2: it is lost" in done.stderr
    done = cli("evaluate", str(trained), "shelf", "--json", "--skip-bad")
    assert done.returncode == 0, done.stderr
    assert (json.loads(done.stdout)["images"], json.loads(done.stdout)["left_out"]) == (2, 1)
    file.write_text(file.read_text().replace('"12"', "12"))
    done = cli("evaluate", str(trained), "shelf")
    assert done.returncode == 1 and "the label of shelf 0 is 12, not a text" in done.stderr
