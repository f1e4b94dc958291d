"""Component strings: parsing, formatting and errors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "name", "options"),
    [
        ("cnn3", "cnn3", {}),
        (" cnn3 ", "cnn3", {}),
        ("cnn3:width=32", "cnn3", {"width": "32"}),
        ("cnn3:width=32, norm = none", "cnn3", {"width": "32", "norm": "none"}),
        ("folder:path='a,b:c'", "folder", {"path": "a,b:c"}),
        ('folder:path="it\'s"', "folder", {"path": "it's"}),
        (r"folder:path='it\'s'", "folder", {"path": "it's"}),
        (r"folder:pattern='(.+)-\d+'", "folder", {"pattern": r"(.+)-\d+"}),
        (r"folder:path='C:\\\\x'", "folder", {"path": r"C:\\x"}),
        ("folder:path=a=b", "folder", {"path": "a=b"}),
        ("captcha:alphabet=", "captcha", {"alphabet": ""}),
    ],
)
def test_parse(text, name, options):
    assert ComponentString.parse(text) == ComponentString(name, options)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected name"),
        ("cnn 3", "expected name"),
        ("cnn3:", "expected option=value"),
        ("cnn3:width", "expected option=value at 'width'"),
        ("cnn3:width=1,", "expected option=value"),
        ("cnn3:width=1,width=2", "'width' is given twice"),
        ("folder:path=a:b", "put in quotes, and in a shell the whole as well: \"folder:path='…'\""),
        ("folder:path='a", "not closed"),
        ("folder:path='a'b", "unexpected 'b'"),
    ],
)
def test_errors_quote_the_text(text, words):
    with pytest.raises(UsageError, match=r".") as error:
        ComponentString.parse(text)
    assert words in str(error.value)
    assert repr(text) in str(error.value)


@given(NAMES, st.dictionaries(NAMES, st.text(max_size=20), max_size=4))
def test_written_and_read_again_is_the_same(name, options):
    component = ComponentString(name, options)
    assert ComponentString.parse(str(component)) == component
