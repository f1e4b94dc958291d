"""The site: every page is in its table of contents, and the API reference has every public name."""

import re

import ctcbench
import ctcbench.decoding
import ctcbench.testing
from tests.docs.pages import DOCS, ROOT, read


def entries(page):
    """Return the pages that a page's tables of contents list, relative to docs/."""
    bodies = re.findall(r"^```\{toctree\}\n(.*?)^```$", read(page), re.M | re.S)
    lines = [line for body in bodies for line in body.splitlines() if line and not line.startswith(":")]
    return {(page.parent / f"{line}.md").relative_to(DOCS).as_posix() for line in lines}


def test_every_page_is_in_a_table_of_contents():
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    listed = entries(DOCS / "index.md") | entries(DOCS / "api" / "index.md")
    assert listed | {"index.md"} == pages


def documented():
    """Return the modules and the names that the API reference documents."""
    text = "".join(map(read, sorted((DOCS / "api").glob("*.md"))))
    modules = set(re.findall(r"^\.\. automodule:: (\S+)", text, re.M))
    names = set(re.findall(r"^\.\. auto(?:function|class):: (?:ctcbench\.)?(\w+)(?:\(.*\))?$", text, re.M))
    return modules, names


def test_the_api_reference_has_every_public_name():
    modules, names = documented()
    assert {ctcbench.decoding.__name__, ctcbench.testing.__name__} <= modules
    contract = (ROOT / "ctcbench" / "contract").glob("[a-z]*.py")
    assert {f"ctcbench.contract.{path.stem}" for path in contract} <= modules
    lacking = {
        name for name in ctcbench.__all__ if name not in names and ctcbench._HOME_OF.get(name) not in modules
    }
    assert lacking == {"__version__"}
