"""The pages that the tests of this folder read, and their code blocks."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [
    README,
    ROOT / "CHANGELOG.md",
    *sorted(DOCS.rglob("*.md")),
    *sorted((ROOT / "plugins").glob("*/README.md")),
]

# A fenced code block; ``file`` where a line `path`: stands above it.
BLOCK = re.compile(r"(?:^`(?P<file>[\w./]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.M | re.S)


def read(path):
    return path.read_text(encoding="utf-8")


def blocks(path, kind):
    """Return the bodies of a page's code blocks of a kind."""
    return [match["body"] for match in BLOCK.finditer(read(path)) if match["kind"] == kind]


def definitions(source, path):
    """Run Python code of a page and return what it defines."""
    defined = {}
    exec(compile(source, str(path), "exec"), defined)
    return defined
