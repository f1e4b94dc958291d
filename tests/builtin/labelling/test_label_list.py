"""Lists of labels: the grammar, the lines that are at fault, and a fuzz against a plain strict reader."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from ctcbench.builtin.labelling.label_list import read_list
from ctcbench.contract.errors import BadSample, UsageError
from tests.builtin.labelling import strict_reader
from tests.builtin.labelling.folder_cases import faults, fill, labels, whole, write


def read(folder: Path, content: str | bytes, name: str = "labels.csv") -> list:
    """Return (name, text) of each line, and (line, reason) of a line at fault."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = []
    for line in read_list(path).lines:
        at = int(line.where.rpartition(":")[2])
        found.append((line.name, line.text) if line.text is not None else (at, line.reason))
    return found


GOOD = {
    "quoted": ('0.png,"Hello, world"\n', [("0.png", "Hello, world")]),
    "doubled quotes": ('0.png,"say ""hi"""\n', [("0.png", 'say "hi"')]),
    "quotes inside": ('0.png,5" pipe\n1.png,a"b"\n', [("0.png", '5" pipe'), ("1.png", 'a"b"')]),
    "spaces around": (' 0.png , "x, y" \n1.png,  a b  \n', [("0.png", "x, y"), ("1.png", "a b")]),
    "spaces in quotes": ('0.png," x "\n', [("0.png", " x ")]),
    "quoted name": ('"a,b.png",x\n1.png,y\n', [("a,b.png", "x"), ("1.png", "y")]),
    "semicolons": ("0.png;1,5\n1.png;x\n", [("0.png", "1,5"), ("1.png", "x")]),
    "semicolons in the first text": ("0.png,x; y; z\n1.png,a\n", [("0.png", "x; y; z"), ("1.png", "a")]),
    "tabs": ("0.png\ta,b;c\n1.png\tx\n", [("0.png", "a,b;c"), ("1.png", "x")]),
    "header": ("id,Text,File Name\n1,a b,0.png\n", [("0.png", "a b")]),
    "header and semicolons": ("image;label\na,b.png;x,y\n", [("a,b.png", "x,y")]),
    "CR LF and blank lines": ("0.png,a\r\n\r\n1.png,b\r\n\r\n\n", [("0.png", "a"), ("1.png", "b")]),
    "empty rows of a spreadsheet": (",\nfile,label\n0.png,a\n,\n , \n", [("0.png", "a")]),
    "byte order mark": ("\ufefffile,label\n0.png,a\n", [("0.png", "a")]),
    "backslashes": ("a\\b\\0.png,a\\b\n", [("a/b/0.png", "a\\b")]),
    "composed": ("0.png,e\u0301\n", [("0.png", "é")]),
}


@pytest.mark.parametrize("kind", GOOD)
def test_csv(tmp_path, kind):
    content, pairs = GOOD[kind]
    assert read(tmp_path, content) == pairs


FAULTS = {
    "header and a comma": (
        "file,words\n0.png,1, 2 EUR\n",
        2,
        r'3 cells, the header has 2; .* quoted: "1, 2 EUR"$',
    ),
    "no header and a comma": (
        "0.png,1, 2\n",
        1,
        r"3 cells, not 2; a text with ',' in it is quoted: \"1, 2\"; more columns need a header",
    ),
    "semicolon": ("file;words\n0.png;1;2\n", 2, r"3 cells, the header has 2; a text with ';' .* \"1;2\"$"),
    "tab": ("file\twords\n0.png\t1\t2\n", 2, r"3 cells, the header has 2; a text with '\\t'"),
    "the text not last": (
        "file,text,id\n0.png,1,2,3\n",
        2,
        r"4 cells, the header has 3; a cell with ',' in it",
    ),
    "more columns": ("id,file,text\n7,0.png,1,2\n", 2, r'4 cells, the header has 3; a text with .* "1,2"$'),
    "fewer cells": ("file,text,id\n0.png,1\n", 2, r"2 cells, the header has 3$"),
    "no label": ("0.png\n1.png,x\n", 1, r"1 cell, not 2: it has no label"),
    "a trailing comma": ("0.png,x,\n", 1, r"3 cells, not 2"),
    "open quote": ('0.png,"5 inch\n1.png,x"\n', 1, r'a quote opens at column 7 and .* write """5 inch"$'),
    "text after a quote": ('0.png,"a" b\n', 1, r'text follows the quote .* write """a"" b"$'),
    "open quote in the name": ('"0.png,x\n1.png,y\n', 1, r"a quote opens at column 1"),
    "empty label": ("0.png,\n", 1, r"its label is empty"),
    "blank label": ('0.png," "\n', 1, r"its label is empty"),
    "no name": (",x\n", 1, r"names no file"),
    "NUL": ("0.png,a\0b\n", 1, r"has the character '\\x00'"),
    "line separator": ("0.png,a\u2028b\n", 1, r"has the character '\\u2028'"),
    "tab in a label": ('0.png,"a\tb"\n', 1, r"has the character '\\t'"),
    "lone CR": ("0.png,a\r1.png,b\r", 1, r"carriage return"),
    "double CR": ("0.png,a\r\r\n", 1, r"carriage return"),
    "another delimiter": ("0.png,a\n1.png,b\n2.png;c,d\n", 3, r"';' ends the name, but ',' in most lines"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_line_at_fault_is_named_with_the_reason(tmp_path, kind):
    content, number, reason = FAULTS[kind]
    named = [found for found in read(tmp_path, content) if isinstance(found[0], int)]
    assert named[0][0] == number
    assert re.search(reason, named[0][1]), named[0][1]


def test_no_line_takes_others_with_it(tmp_path):
    lines = [f"{i}.png,{'x' if i % 4 else chr(34)}{i}" for i in range(60)]
    found = read(tmp_path, "file,words\n" + "\n".join(lines) + "\n")
    assert len(found) == 60
    assert [at for at, _ in found if isinstance(at, int)] == list(range(2, 62, 4))
    assert [pair for pair in found if isinstance(pair[0], str)] == [
        (f"{i}.png", f"x{i}") for i in range(60) if i % 4
    ]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["file{0}text\r\n", ""])
def test_the_line_by_which_excel_knows_the_delimiter_is_no_row(tmp_path, mark, header):
    fill(tmp_path, "a.png", "b.png")
    rows = header.format(mark) + f"a.png{mark}1\r\nb.png{mark}2\r\nc.png{mark}3\r\n"
    (tmp_path / "labels.csv").write_bytes(f"\ufeffsep={mark}\r\n{rows}".encode())
    source = whole(tmp_path)
    assert labels(source) == {"a.png": "1", "b.png": "2"}
    assert list(faults(source)) == [f"labels.csv:{5 if header else 4}"]  # lines are counted with it


def test_text_has_no_quotes_and_one_delimiter(tmp_path):
    assert read(tmp_path, '0.png\t"a" b\n my 1.png \t c \n', "gt.txt") == [
        ("0.png", '"a" b'),
        ("my 1.png", "c"),
    ]
    assert read(tmp_path, '0.png  a b\n\n1.png "c"\n', "x.lst") == [("0.png", "a b"), ("1.png", '"c"')]
    assert read(tmp_path, "0.png\ta\tb\n1.png\n2.png\tc\n", "labels.txt") == [
        (1, "the line has 3 cells separated by tabs, not 2; a label has no tabs"),
        (2, "the line has no tab, and so no label"),
        ("2.png", "c"),
    ]
    assert read(tmp_path, "0.png a\n1.png b\n2.png\tc\n3.png\n", "labels.txt")[2:] == [
        (3, "the line has a tab, but most lines separate name and label by spaces"),
        (4, "the line has neither a tab nor a space, and so no label"),
    ]


def test_tsv_has_the_tab_alone(tmp_path):
    assert read(tmp_path, '0.png\t"a\n1.png\tx,y\n,;\tz\n', "labels.TSV")[1:] == [
        ("1.png", "x,y"),
        (",;", "z"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("labels.csv", b"0.png,a\n1.png,\xe9\n", r"labels\.csv:2: is not UTF-8 \(byte 0xe9\); save"),
        ("labels.txt", "0.png\ta\n".encode("utf-16"), r"labels\.txt:1: is not UTF-8 \(UTF-16\)"),
        ("labels.csv", "0.png,a\n".encode("utf-16-le"), r"csv:1: is not UTF-8 \(UTF-16, little-endian\)"),
        ("labels.csv", "文字.png,漢\n".encode("utf-16-be"), r"csv:1: is not UTF-8 \(UTF-16, big-endian\)"),
        ("labels.json", '{"0.png": "a"}'.encode("utf-32-le"), r"json:1: is not UTF-8 \(UTF-32, little"),
        ("labels.csv", b"0.png,a\n1.png;b\n", r"labels\.csv:1: ',' ends the name, but ';' does in line 2"),
        ("labels.csv", b"\nfile,text,label\n0.png,a,b\n", r"csv:2: the columns text and label may all hold"),
        ("labels.csv", b"file,Label,label \n", r"csv:1: the columns Label and label may all hold the labels"),
        ("labels.csv", b"name,path,label\n", r"csv:1: the columns name and path may all hold the names"),
        ("labels.json", b'{"a.png": "x",\n}', r"labels\.json:2: is not JSON"),
        ("labels.json", b'{"a.png": ["x"]}', r"the label of 'a\.png' is not a text in quotes"),
        ("labels.json", b'["a.png", "x"]', r"json: is not an object"),
        ("labels.json", b"[" * 100_000, r"labels\.json: can't be read as JSON"),
        ("labels.json", b'{"a": ' + b"9" * 5000 + b"}", r"labels\.json: can't be read as JSON"),
        ("labels.jsonl", b"{}", r"jsonl:1: lacks a key of .* \(keys: none\); call them file_name"),
        ("labels.jsonl", b"[1]", r"jsonl:1: the line is JSON, but no object .* object in each line"),
        ("labels.jsonl", b"{", r"labels\.jsonl:1: the line is not JSON \(.* at character 2\)"),
        ("labels.jsonl", b'{"image": "0.png"}', r"lacks a key of .* one of the labels \(keys: 'image'\)"),
        ("labels.jsonl", b'{"image": "0", "x": 1}', r"no column of labels \(columns: image, x\); call it"),
        ("labels.xml", b"{}", r"is \.csv, \.tsv, \.txt, \.jsonl or \.json .*, not \.xml"),
    ],
)  # fmt: skip
def test_a_list_that_is_refused(tmp_path, name, content, message):
    with pytest.raises(UsageError, match=message):
        read(tmp_path, content, name)


def test_json(tmp_path):
    (tmp_path / "labels.json").write_text(
        '\ufeff{"a.png": "x, \\"y\\"", "b.png": "1\\n2", "b.png": "\\ud800"}'
    )
    lines = list(read_list(tmp_path / "labels.json").lines)
    assert [(line.name, line.text) for line in lines] == [
        ("a.png", 'x, "y"'),
        ("b.png", None),
        ("b.png", None),
    ]
    assert lines[1].where.endswith("labels.json: 'b.png'") and "'\\n'" in lines[1].reason
    assert "not valid Unicode" in lines[2].reason


# Pieces that a grammar may trip over, more often than letters.
PIECES = [
    *('"', '""', ",", ";", "\t", " ", "  ", "\r", "\r\n", "\n", "\0", "#", "\\", "'", "|", ":"),
    *("a", "b", "7", "é", "e\u0301", "漢", "\ufeff", "\u2028", "\x85", "\u00a0", "\u3000", "\x0b", "\x1c"),
    *("x.png", "y.png", "my x.png", "../x.png", "./x.png", "file", "label", "text", "filename,words"),
]  # fmt: skip


def draw_list(seed: int) -> tuple[str, bytes]:
    """Return the suffix and the content of list `seed`: well-formed, or with faults in some places."""
    random_ = random.Random(seed)
    suffix = random_.choice([".csv", ".csv", ".tsv", ".txt"])
    delimiter = {".tsv": "\t", ".txt": random_.choice("\t ")}.get(suffix, random_.choice(",;\t"))
    faulty = random_.choice([0.0, 0.05, 0.3, 1.0])

    def cell() -> str:
        text = (
            "".join(random_.choices(PIECES, k=random_.randint(0, 5))) if random_.random() < faulty else "ab"
        )
        quote = random_.random()
        if quote < 0.2:
            text = '"' + text.replace('"', '""') + '"'
        elif quote < 0.2 + faulty / 5:
            text = '"' + text
        return text

    def row(index: int) -> str:
        mark = random_.choice(",;\t ") if random_.random() < faulty / 10 else delimiter
        return mark.join([f"{index}.png", *(cell() for _ in range(width - 1))])

    width = random_.choice([2, 2, 2, 3, 4]) if suffix != ".txt" else 2
    rows = [row(index) for index in range(random_.randint(0, 8))]
    if suffix != ".txt" and random_.random() < 0.5:
        titles = [
            random_.choice(["file", "Image", "x"]),
            *random_.choices(["label", "words", "id", "z"], k=width - 1),
        ]
        rows.insert(0, delimiter.join(titles))
    content = random_.choice(["\n", "\n", "\r\n", "\n\n", "\r"]).join(rows) + random_.choice(
        ["", "\n", "\n\n "]
    )
    encoding = random_.choices(
        ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252", "gbk"], [12, 3, 1, 1, 1, 1]
    )[0]
    raw = content.encode(encoding, errors="replace")
    for _ in range(random_.choice([0, 0, 0, 0, 1, 3])):
        at = random_.randint(0, len(raw))
        raw = raw[:at] + bytes([random_.randrange(256)]) + raw[at:]
    return suffix, raw


def compare_with_the_strict_reader(folder: Path, seed: int) -> bool:
    """Compare the two readers on a drawn list; return whether the list as a whole was refused."""
    suffix, content = draw_list(seed)
    path = folder / f"list{suffix}"
    path.write_bytes(content)
    try:
        expected = strict_reader.read(suffix, content)
    except strict_reader.Refused as refused:
        with pytest.raises(UsageError, match=re.escape(f"{path}:{refused.args[0]}: ")):
            read_list(path)
        return True
    lines = {int(line.where.removeprefix(f"{path}:")): line for line in read_list(path).lines}
    assert {
        n: (line.name, line.text) if line.text is not None else None for n, line in lines.items()
    } == expected, (
        seed,
        content,
    )
    assert all(line.reason for line in lines.values() if line.text is None)
    return False


def test_drawn_lists_are_read_as_by_a_strict_reader(tmp_path):
    refused = sum(compare_with_the_strict_reader(tmp_path, seed) for seed in range(500))
    assert 20 < refused < 250


@pytest.mark.slow
def test_ten_thousand_drawn_lists_are_read_as_by_a_strict_reader(tmp_path):
    for seed in range(500, 10_500):
        compare_with_the_strict_reader(tmp_path, seed)


@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv", "labels.txt"])
def test_texts_and_lines_have_a_limit(tmp_path, name):
    fill(tmp_path, "a.png", "b.png")
    mark = "," if name == "labels.csv" else "\t"
    (tmp_path / name).write_text(f"a.png{mark}{'x' * 100_001}\nb.png{mark}{'x' * 100_000}\n")
    source = whole(tmp_path)
    assert faults(source) == {f"{name}:1": "its label has 100,001 characters; at most 100,000 are allowed"}
    assert labels(source) == {"b.png": "x" * 100_000}
    (tmp_path / name).write_text(f"b.png{mark}x\na.png{mark * 1_000_000}\n")
    with pytest.raises(UsageError, match=f"{name}:2: the line has 1,000,00. characters; at most 1,000,000"):
        whole(tmp_path)


def test_reasons_quote_long_labels_in_part(tmp_path):
    fill(tmp_path, "a.png", "b.png")
    write(tmp_path, labels_csv=f"a.png,{'x' * 1000}\nb.png,y\na.png,{'z' * 1000}\n")
    source = whole(tmp_path, alphabet="y")
    assert all(len(reason) < 400 and "'xxxx" in reason for reason in faults(source).values())
    write(tmp_path, labels_csv=f"a.png,{'x' * 1000}\nb.png,y\n")
    source = whole(tmp_path, alphabet="y")
    index = [entry.name for entry in source.splits["train"]].index("a.png")
    with pytest.raises(BadSample) as raised:
        source.draw("train", index)
    assert "x…' has 'x', which the alphabet lacks" in str(raised.value) and len(str(raised.value)) < 200
