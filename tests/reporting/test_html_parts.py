"""What fills the page of a report: mistakes and their alignment, confusions, curves, images, cells."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from ctcbench.reporting.formats.html import (
    cached_images,
    cell_format,
    confusion_matrix,
    mistakes,
    training_curves,
)
from ctcbench.reporting.number_format import signed
from ctcbench.results.run_folder import RunFolder
from tests.reporting import html_cases as cases


@pytest.mark.parametrize(
    ("read", "target", "kind"),
    [
        ("ab", "ab", ""), ("", "ab", "empty"), ("aB", "ab", "case"), ("O1", "0l", "lookalike"),
        ("ax", "ab", "substitution"), ("abc", "ab", "insertion"), ("a", "ab", "deletion"),
        ("xa", "abc", "mixed"),
    ],
)  # fmt: skip
def test_kinds_of_mistakes(read, target, kind):
    assert mistakes.kind_of(read, target) == kind
    ours, theirs = mistakes.marked(read, target)
    assert "".join(piece for piece, _ in ours) == target
    assert "".join(piece for piece, _ in theirs) == read


def test_confusions_are_counted_by_edits(tmp_path):
    counts = mistakes.confusions([("1l", "11"), ("2", "22"), ("331", "33")])
    assert counts == {("1", "1"): 1, ("1", "l"): 1, ("2", "2"): 1, ("2", ""): 1, ("3", "3"): 2, ("", "1"): 1}
    characters = "".join(chr(0x4E00 + i) for i in range(100))
    read = cases.texts((characters[::-1], characters), ("", characters[0] * 3))
    matrix = confusion_matrix.confusion_matrix([cases.row(1, {}, [cases.member(tmp_path, read)])])
    assert len(matrix["characters"]) == confusion_matrix.MOST_CHARACTERS + 1
    assert matrix["left_out"] == 100 - confusion_matrix.MOST_CHARACTERS
    assert characters[0] in matrix["characters"]


def test_curves_band_over_seeds_and_thin_out(tmp_path):
    for seed, scale in ((0, 0.1), (1, 0.3)):
        folder = RunFolder(tmp_path / str(seed))
        for step in range(1, 301):
            folder.append_metrics({"kind": "epoch", "step": step, "val_exact": scale, "val_loss": None})
    read = cases.texts(("1", "1"))
    members = [cases.member(tmp_path / str(seed), read, seed=seed) for seed in (0, 1)]
    (curve,) = training_curves.training_curves([cases.row(1, {}, members), cases.row(2, {}, members)])
    assert curve["rows"] == [1, 2] and curve["models"] == 2
    assert curve["exact"][0] == [1, 0.2, 0.1, 0.3] and curve["exact"][-1][0] == 300
    assert len(curve["exact"]) == training_curves.POINTS and curve["loss"] == []


def test_images_are_small_grey_pngs_without_their_padding():
    colours = np.random.default_rng(0).integers(0, 256, (3, 60, 900), dtype=np.uint8)
    uri = cached_images.data_uri(colours, 600)
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as picture:
        assert picture.format == "PNG" and picture.size == (480, 48)
        pixels = np.asarray(picture.convert("RGB"))
        assert (pixels == pixels[..., :1]).all()


def test_figures_of_the_cells():
    assert signed(-0.0031) == "−0.31" and signed(0.021) == "+2.10"
    assert signed(-1e-9) == "+0.00"  # as sums of equal figures may leave it
    assert cell_format.share(None) == "–" and cell_format.share(0.91953) == "91.95"
    assert cell_format.breakable("cnn3:width=<4>") == "cnn3:<wbr>width=&lt;4&gt;"
    assert cell_format.Scale(0.0, 2.0).at(5.0) == "100.00%" and cell_format.Scale(1.0, 1.0).at(1.0) == "0.00%"
