"""The fonts of the texts below the pictures of a contact sheet."""

from __future__ import annotations

from pathlib import Path

import captcha
import pytest

from ctcbench.cli.views.caption_fonts import CaptionFonts

DROID = Path(captcha.__file__).parent / "data" / "DroidSansMono.ttf"  # has Cyrillic letters, no Thai ones


@pytest.fixture
def fontconfig(tmp_path, monkeypatch):
    """Put a program `fc-match` in place of the machine's, which always proposes one font."""
    program = tmp_path / "fc-match"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nprintf %s {DROID}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    return tmp_path / "asked"


def test_texts_that_pillows_font_lacks_have_the_font_that_fontconfig_proposes(fontconfig):
    fonts = CaptionFonts()
    assert fonts.find("A b").getname() != ("Droid Sans Mono", "Regular")
    assert not fontconfig.exists()
    assert fonts.find("щи 1").getname() == ("Droid Sans Mono", "Regular")
    assert "sans:charset=31 438 449" in fontconfig.read_text()
    assert fonts.find("и").getname() == ("Droid Sans Mono", "Regular")
    assert len(fontconfig.read_text().splitlines()) == 1
    assert not fonts.missing


def test_characters_that_no_font_has_are_named_and_searched_once(fontconfig):
    fonts = CaptionFonts()
    for _ in range(2):
        assert fonts.find("ไทย").getname() == fonts.find("A").getname()
    assert fonts.missing == "ทยไ"
    assert len(fontconfig.read_text().splitlines()) == 1


def test_without_fontconfig_the_font_is_that_of_pillow(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    fonts = CaptionFonts()
    assert fonts.find("ไ").getname() == fonts.find("A").getname()
    assert fonts.missing == "ไ"


def test_spaces_can_be_seen(fontconfig):
    fonts = CaptionFonts()
    shown, font = fonts.caption("27 70")
    assert font.getname() == fonts.find("A").getname()
    assert font.getlength(shown) >= font.getlength("2700") + font.getlength("0") - 1
    # The font that is proposed lacks ␣, which is looked for once; the text is drawn in its own font.
    assert [fonts.caption(text)[0] for text in (" a", "b  ", " b", "·  ")] == ["·a", "b··", "·b", "···"]
    assert fonts.caption(" и")[0] == "·и" and fonts.caption(" и")[1].getname()[0] == "Droid Sans Mono"
    assert (
        "charset=61 2423" in fontconfig.read_text() and fontconfig.read_text().count("charset=61 2423") == 1
    )
    assert not fonts.missing


def test_a_space_at_an_end_has_a_mark_of_its_own_where_a_font_has_it(monkeypatch):
    monkeypatch.setattr("ctcbench.cli.views.caption_fonts._missing", lambda font, characters: "")
    assert CaptionFonts().caption(" a")[0] == "␣a"
