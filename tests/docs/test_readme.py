"""README.md: it stays short, and its Python works."""

import ast
import re

from ctcbench.testing import check_component
from tests.docs.pages import README, blocks, definitions, read

MOST_BYTES = 8192


def test_it_is_short():
    assert len(README.read_bytes()) <= MOST_BYTES


def test_its_plugin_keeps_the_contract():
    plugin = definitions(blocks(README, "python")[-1], README)
    [component] = plugin["ctcbench_components"]()
    check_component(component)
    assert f"adds the {component.kind} `{component.name}`" in " ".join(read(README).split())


def test_its_names_exist():
    for source in blocks(README, "python"):
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("ctcbench"):
                module = __import__(node.module, fromlist=["x"])
                assert all(hasattr(module, alias.name) for alias in node.names)
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "ctcbench":
                assert hasattr(__import__("ctcbench"), node.attr)


def test_the_decoder_snippet_returns_what_it_shows(capsys):
    import numpy as np

    [source] = [block for block in blocks(README, "python") if "beam_search" in block]
    log_probs_NTK = np.log(np.full((2, 4, 3), 1 / 3))
    names = {"log_probs_NTK": log_probs_NTK, "lengths_N": np.array([4, 2])}
    exec(compile(source, str(README), "exec"), names)
    assert [len(found) for found in names["hypotheses"]] == [3, 3]
    expression = source.splitlines()[-1]
    assert re.fullmatch(r"(hypotheses\[0\]\[0\]\.\w+(, )?)+", expression)
