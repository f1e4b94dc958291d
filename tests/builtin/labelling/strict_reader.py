"""A plain reader of lists, character by character: the oracle of the tests of lists of labels.

It shares no code with the package. `read` returns the pairs of a list and the lines that are at fault.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

NAMES = re.split(" ", "file filename file_name image image_path image_name img img_path name path picture")
TEXTS = re.split(" ", "label labels text target transcription transcript words word ground_truth gt sentence")


class Refused(Exception):
    """The whole list is refused; the argument is the number of a line."""


def lines_of(content: bytes) -> list[str]:
    if content[:3] == b"\xef\xbb\xbf":
        content = content[3:]
    lines = []
    for number, raw in enumerate(content.split(b"\n"), start=1):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(number) from None
        lines.append(line[:-1] if line[-1:] == "\r" else line)
    return lines


def cells_of(line: str, delimiter: str) -> list[str] | None:
    """Return the cells by a state machine; None if the line breaks the grammar."""
    cells, cell, state = [], "", "before"
    for c in [*line, None]:
        if state == "quoted":
            if c is None:
                return None
            if c == '"':
                state = "closed"
            else:
                cell += c
        elif state == "closed" and c == '"':
            cell, state = cell + '"', "quoted"
        elif c is None or c == delimiter:
            cells.append(cell if state in ("closed", "after") else cell.rstrip(" "))
            cell, state = "", "before"
        elif state in ("closed", "after"):
            if c != " ":
                return None
            state = "after"
        elif state == "before" and c == " ":
            pass
        elif state == "before" and c == '"':
            state = "quoted"
        else:
            cell, state = cell + c, "bare"
    return cells


def first_delimiter(line: str) -> str:
    state = "before"
    for c in line:
        if state == "before" and c == " ":
            continue
        if state == "before" and c == '"':
            state = "quoted"
        elif state == "quoted":
            state = "closed" if c == '"' else "quoted"
        elif state == "closed" and c == '"':
            state = "quoted"
        elif c in ",;\t":
            return c
        else:
            state = "bare" if state == "before" else "after" if state == "closed" else state
    return ""


def label_of(text: str) -> str | None:
    if not text.strip() or re.search("[\x00\t\n\x0b\x0c\r\x1c\x1d\x1e\x85\u2028\u2029]", text):
        return None
    return unicodedata.normalize("NFC", text)


def csv_pairs(lines: list[str], delimiters: str) -> dict[int, tuple[str, str] | None]:
    numbered = [(n, line) for n, line in enumerate(lines, start=1) if line.strip(" \t")]
    filled = [(n, line) for n, line in numbered if line.strip(" " + delimiters)]
    if not filled:
        return {}
    first = filled[0]
    width, name_at, text_at, delimiter, header = 2, 0, 1, "", False
    for mark in sorted(delimiters, key=lambda mark: -len(cells_of(first[1], mark) or [])):
        titles = [cell.lower().replace(" ", "_") for cell in cells_of(first[1], mark) or []]
        names = [i for i, title in enumerate(titles) if title in NAMES]
        texts = [i for i, title in enumerate(titles) if title in TEXTS]
        # A header without labels or without names. In a line with a picture there is a dot or a slash.
        half = len(titles) > 1 and bool(names) != bool(texts)
        if half and not re.search(r"[./\\]", "".join(titles)):
            raise Refused(first[0])
        if names and texts:
            if len(names) > 1 or len(texts) > 1:
                raise Refused(first[0])
            width, name_at, text_at, delimiter, header = len(titles), names[0], texts[0], mark, True
            numbered = [(n, line) for n, line in numbered if n > first[0]]
            break
    if not header:
        votes = Counter(first_delimiter(line) for _, line in filled)
        del votes[""]
        best = votes.most_common(2)
        if len(delimiters) == 1:
            delimiter = delimiters
        elif len(best) == 2 and best[0][1] == best[1][1]:
            raise Refused(next(n for n, line in filled if first_delimiter(line) in (best[0][0], best[1][0])))
        else:
            delimiter = best[0][0] if best else ","
        # More columns than two, whose titles are not known: a picture is named below the first line only.
        top = [cells_of(line, delimiter) for _, line in filled[:2]]
        if len(top) == 2 and None not in top and len(top[0]) == len(top[1]) > 2:
            in_first, in_second = (any(cell.lower().endswith(".png") for cell in cells) for cells in top)
            if in_second and not in_first:
                raise Refused(first[0])
    pairs: dict[int, tuple[str, str] | None] = {}
    for number, line in numbered:
        if not line.strip(" " + delimiter):
            continue
        cells = cells_of(line, delimiter)
        pairs[number] = None
        if "\r" in line or cells is None or len(cells) != width:
            continue
        if not header and len(delimiters) > 1 and first_delimiter(line) not in ("", delimiter):
            continue
        label = label_of(cells[text_at])
        if cells[name_at] and label is not None:
            pairs[number] = (cells[name_at].replace("\\", "/"), label)
    return pairs


def text_pairs(lines: list[str]) -> dict[int, tuple[str, str] | None]:
    numbered = [(n, line) for n, line in enumerate(lines, start=1) if line.strip(" \t")]
    tabbed = 2 * len([line for _, line in numbered if "\t" in line]) >= len(numbered)
    pairs: dict[int, tuple[str, str] | None] = {}
    for number, line in numbered:
        pairs[number] = None
        if tabbed:
            cells = line.split("\t")
        else:
            cells = [] if "\t" in line else line.strip(" ").split(" ", 1)
        if "\r" in line or len(cells) != 2:
            continue
        name, label = cells[0].strip(" "), label_of(cells[1].strip(" "))
        if name and label is not None:
            pairs[number] = (name.replace("\\", "/"), label)
    return pairs


def read(suffix: str, content: bytes) -> dict[int, tuple[str, str] | None]:
    """Return the pair of each line by its number; None for a line at fault.

    Raises:
        Refused: the list as a whole.
    """
    lines = lines_of(content)
    if suffix == ".txt":
        return text_pairs(lines)
    return csv_pairs(lines, "\t" if suffix == ".tsv" else ",;\t")
