"""The page for users of other decoders: its code finds the same text there and here."""

import re

import pytest

from tests.docs.pages import DOCS, read

PAGE = DOCS / "coming-from.md"
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", read(PAGE), re.M | re.S))
START = "\n".join(re.findall(r"^```python\n(.*?)^```$", read(PAGE).partition("\n## ")[0], re.M | re.S))


def run(code, names):
    exec(compile(code, str(PAGE), "exec"), names)
    return names


def test_the_first_example():
    assert run(START, {})["text"] == "cat"


@pytest.mark.landing  # torch and the peers take seconds to import
@pytest.mark.parametrize("heading", [name for name in SECTIONS if "```python" in SECTIONS[name]])
def test_both_decoders_of_a_section_find_the_same(heading):
    codes = re.findall(r"^```python\n(.*?)^```$", SECTIONS[heading], re.M | re.S)
    names = run(START, {})
    for module in set(re.findall(r"^(?:from|import) (\w+)", "\n".join(codes), re.M)):
        pytest.importorskip(module, exc_type=(ImportError, OSError))
    scores = []
    for code in codes:
        names |= {"text": None, "log_prob": None}
        assert run(code, names)["text"] == "cat"
        scores.append(names["log_prob"])
    *theirs, ours = scores
    if heading == "Lexicons":
        assert ours == pytest.approx(-1.2053070273)  # theirs is lower
    elif heading != "fast-ctc-decode":
        assert ours == pytest.approx(-1.2053070273)
        assert all(score == pytest.approx(ours, abs=1e-6) for score in theirs)
