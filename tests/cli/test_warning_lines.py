"""Warnings for the user are lines on standard error."""

import warnings

from ctcbench.cli.warning_lines import one_line_warnings
from ctcbench.contract.errors import ComponentNotice


def test_each_notice_of_a_component_is_one_line_once(capsys):
    with one_line_warnings():
        for _ in range(3):
            for text in ("the model lacks 'a'", "two\nlines\x1b[31m"):
                warnings.warn(text, ComponentNotice, stacklevel=1)
    error = capsys.readouterr().err
    assert error.splitlines()[0] == "ctcbench: the model lacks 'a'"
    assert error.count("\n") == 2 and "\x1b" not in error
