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
