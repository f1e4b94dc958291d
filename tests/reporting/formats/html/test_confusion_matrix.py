"""The matrix of confusions: its characters, and the axis of each row."""

from ctcbench.reporting.formats.html import confusion_matrix
from tests.reporting.formats.html import html_cases as cases


def test_a_large_alphabet_is_reduced_to_the_characters_that_are_confused_most(tmp_path):
    characters = "".join(chr(0x4E00 + i) for i in range(100))
    read = cases.texts((characters[::-1], characters), ("", characters[0] * 3))
    matrix = confusion_matrix.confusion_matrix([cases.row(1, {}, [cases.member(tmp_path, read)])])
    assert len(matrix["characters"]) == confusion_matrix.MOST_CHARACTERS + 1
    assert matrix["left_out"] == dict.fromkeys((0, 1), 100 - confusion_matrix.MOST_CHARACTERS)
    assert characters[0] in matrix["characters"]


def test_each_row_has_the_axis_of_its_own_alphabet(tmp_path):
    many = "".join(chr(0x4E00 + i) for i in range(100))
    texts = {
        # One mistake each in two rows of digits, beside an alphabet with thousands of mistakes.
        1: cases.texts(("0123456789", "0123456788"), ("1", "1")),
        2: cases.texts(("0123456787", "0123456789"), ("1", "1")),
        3: cases.texts(*[(many[::-1], many)] * 20),
    }
    rows = [cases.row(n, {}, [cases.member(tmp_path / str(n), read)]) for n, read in texts.items()]
    matrix = confusion_matrix.confusion_matrix(rows)
    shown = {n: "".join(matrix["characters"][at] for at in axis) for n, axis in matrix["axes"].items()}
    # Rows of one alphabet have one axis, and their mistakes are in it.
    assert shown[1] == shown[2] == "0123456789"
    eight, nine = (matrix["characters"].index(digit) for digit in "89")
    assert [nine, nine, 1] not in matrix["cells"][1]
    assert [eight, nine, 1] in matrix["cells"][1]
    assert not set(shown[3]) & set("0123456789") and len(matrix["axes"][3]) == 65
    assert matrix["left_out"] == {0: 46, 1: 0, 2: 0, 3: 36}
    for number, cells in matrix["cells"].items():
        assert {at for cell in cells for at in cell[:2]} <= set(matrix["axes"][number])
