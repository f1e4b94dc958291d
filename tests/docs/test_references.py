"""What the pages refer to exists: links, files, names of the package, commands, flags, components."""

import importlib
import re
import shlex
from itertools import pairwise
from unittest import mock

import pytest

from ctcbench.cli.app import click_command
from ctcbench.config.presets import preset_names
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.components import KINDS
from ctcbench.study.study_file import study_names
from tests.docs.pages import PAGES, ROOT, read

# Components of plugins/ and of the pages' own examples, which a plain installation lacks.
GUESTS = {
    "ctc_beam_decoder",
    "digits",
    "dwsep",
    "fast_ctc_decode",
    "flashlight",
    "kornia",
    "processes",
    "pyctcdecode",
    "ray",
    "sgd",
    "slurm",
    "tall",
    "torchaudio",
    "transformer",
}
FOLDERS = ("ctcbench", "csrc", "tests", "plugins", "docs")


def each_page(pages=PAGES):
    return pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(ROOT)))


def without_blocks(text):
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)


def inline_code(page):
    """Return the code between single backticks of a page, line breaks as spaces."""
    spans = re.findall(r"(?<!`)`([^`]+)`(?!`)", without_blocks(read(page)))
    return [" ".join(span.split()) for span in spans]


def anchors(page):
    """Return the anchors of a page's headings, as GitHub and MyST name them."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(read(page)), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page()
def test_links_lead_to_files_and_headings(page):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", without_blocks(read(page))):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), target


# The tutorial names files of the package that it creates; its own test writes them.
@each_page([page for page in PAGES if page.name != "tutorial.md"])
def test_files_exist(page):
    for code in inline_code(page):
        path = code.removesuffix("/")
        if re.fullmatch(r"[\w.-]+(/[\w.-]+)+", path) and path.split("/")[0] in FOLDERS:
            assert (ROOT / path).exists(), path


def resolves(name):
    """Return whether a dotted name of the package is a module, or a name in one."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[length:]:
            if not hasattr(value, attribute):
                return False
            value = getattr(value, attribute)
        return True
    return False


def dotted_names(text):
    """Return the names of the package between backticks, single or double."""
    return set(re.findall(r"`(?:python -m )?(ctcbench(?:\.[A-Za-z_]\w*)+)[`(]", text))


@each_page()
def test_names_of_the_package_resolve(page):
    assert [name for name in dotted_names(read(page)) if not resolves(name)] == []


def test_names_in_docstrings_and_comments_resolve():
    sources = [path for path in (ROOT / "ctcbench").rglob("*.py") if "templates" not in path.parts]
    wrong = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources
        for name in dotted_names(read(path))
        if not resolves(name)
    }
    assert wrong == set()


def commands(page):
    """Return the command lines of a page that start ctcbench, as lists of words after its name."""
    text = read(page)
    lines = [
        line.strip().removeprefix("$ ")
        for body in re.findall(r"^```(?:console|sh|)\n(.*?)^```$", text, re.M | re.S)
        for line in body.replace("\\\n", " ").splitlines()
    ]
    found = []
    for line in [*lines, *inline_code(page)]:
        started = re.match(r"(?:torchrun .*-m |CTCBENCH_\w+=\S* )?ctcbench( .*)?(?<!:)$", line)
        if started:
            found.append(shlex.split(started[1] or "", comments=True))
    return found


def is_placeholder(word):
    return "…" in word or word.isupper() or word.endswith(".toml")


def all_flags(command):
    return {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)} | {
        "--help"
    }


def command_of(words):
    """Return the command that the words name, and the words after its name."""
    node, words = click_command(), list(words)
    while (
        words and hasattr(node, "commands") and not words[0].startswith("-") and not is_placeholder(words[0])
    ):
        assert words[0] in node.commands, f"no command {words[0]!r}"
        node = node.commands[words.pop(0)]
    return node, words


def check_component(registry, kind, text):
    if is_placeholder(text) or ComponentString.parse(text).name in GUESTS:
        return
    # The files that pages name, such as words.txt, do not exist.
    with mock.patch("ctcbench.files.attached_files._read", return_value=b""):
        registry.resolve(kind, text)


@each_page()
def test_commands_flags_and_components_exist(page, registry, tmp_path, monkeypatch):
    found = commands(page)
    # The files that options name are read for their digest.
    monkeypatch.chdir(tmp_path)
    for file in ("lines.arpa", "words.arpa"):
        (tmp_path / file).touch()
    for words in found:
        command, rest = command_of(words)
        known = all_flags(command)
        for word, following in pairwise([*rest, "…"]):
            if word.startswith("--"):
                assert word in known, f"{word} of {' '.join(words)!r}"
            if word.removeprefix("--") in KINDS:
                check_component(registry, word.removeprefix("--"), following)
            if word == "--preset" and not is_placeholder(following):
                assert following in [*preset_names(), *study_names()]
        if command.name == "ablate" and rest and not rest[0].startswith("-") and not is_placeholder(rest[0]):
            assert rest[0] in study_names()


@each_page()
def test_flags_in_the_text_exist(page, registry):
    groups = [click_command()]
    known = set()
    while groups:
        command = groups.pop()
        known |= all_flags(command)
        groups += getattr(command, "commands", {}).values()
    for code in inline_code(page):
        if not re.match(r"--[a-z]", code):
            continue
        words = code.split()
        assert words[0] in known, code
        if words[0].removeprefix("--") in KINDS and len(words) > 1:
            check_component(registry, words[0].removeprefix("--"), words[1])


@each_page()
def test_make_targets_exist(page):
    makefile = read(ROOT / "Makefile")
    targets = {code.split()[1] for code in inline_code(page) if re.match(r"make [a-z]", code)}
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.M)] == []
