"""Listed names that differ from those of the files in case or in Unicode form only."""

from __future__ import annotations

import unicodedata

from ctcbench.builtin.labelling.similar_names import SimilarNames
from ctcbench.builtin.picture_sets.csv_set import csv
from tests.builtin.labelling.folder_cases import faults, fill, labels, whole, write


def test_a_name_in_another_case_is_that_of_the_only_file_it_can_mean(tmp_path):
    fill(tmp_path, "Los A/Bild 1.png", "Los A/Bild 2.JPG", "x.png", "X.png", "sub/y.png")
    lines = ["los a\\bild 1.PNG,1", "Los A/Bild 2.jpg,2", "x.png,3", "x.PNG,4", "Bild 1.png,5"]
    write(tmp_path, labels_csv="\n".join(lines))
    source = whole(tmp_path)
    assert labels(source) == {"Los A/Bild 1.png": "1", "Los A/Bild 2.JPG": "2", "x.png": "3"}
    found = faults(source)
    assert found["labels.csv:4"] == (
        "x.PNG is listed, but there are X.png and x.png, which differ from it in case"
    )
    assert "there is Los A/Bild 1.png: write its path" in found["labels.csv:5"]


def test_the_same_file_under_two_spellings_is_reported(tmp_path):
    fill(tmp_path, "a.png", "b.png")
    write(tmp_path, labels_csv="a.PNG,1\nA.png,2\nb.png,3\n")
    source = whole(tmp_path)
    assert labels(source) == {"b.png": "3"}
    assert all("this file has several labels" in reason for reason in faults(source).values())


def test_a_table_finds_them_too_and_names_a_file_with_another_path(tmp_path):
    fill(tmp_path, "scans/a.png", "b.png")
    write(tmp_path, lines_csv="file,text\nSCANS\\A.PNG,1\nC:\\Users\\me\\Scans\\a.png,2\n")
    source = csv(path=str(tmp_path / "lines.csv"), val=0, test=0)
    assert labels(source) == {"scans/a.png": "1"}
    (reason,) = faults(source).values()
    assert reason == (
        "C:/Users/me/Scans/a.png is listed, but there is no such file; there is scans/a.png: write its path "
        "from the folder of the list"
    )


def test_decomposed_names_are_found_in_any_part_of_a_path(tmp_path):
    composed = "Größe/Übung.png"
    fill(tmp_path, unicodedata.normalize("NFD", composed))
    similar = SimilarNames()
    assert similar.find(tmp_path, composed) == [tmp_path / unicodedata.normalize("NFD", composed)]
    assert similar.find(tmp_path, "größe/../größe/ÜBUNG.PNG") != []
    assert similar.find(tmp_path, "Größe") == similar.find(tmp_path, "a/b\0") == []
