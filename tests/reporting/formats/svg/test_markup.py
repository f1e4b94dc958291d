"""SVG elements."""

from __future__ import annotations

from ctcbench.reporting.formats.svg.markup import element


def test_elements_escape():
    assert element("text", "<&>", cls='"x"', stroke_width=2) == (
        '<text class=\'"x"\' stroke-width="2">&lt;&amp;&gt;</text>'
    )
