"""config.toml: round trips, values that TOML lacks, damaged files."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.results.config_file import parse_settings, to_toml

values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), values, max_size=8))
@example({"a": 'captcha:alphabet="\\"\'",width=150', "b.c": "\r\n\t\x00\x7f\u2028", "": -0.0, "é": 1e-05})
@example({"lr": 1e16, "seed": 2**63 - 1, "amp": True, "tiny": 5e-324})
def test_settings_survive_a_round_trip(tmp_path_factory, settings):
    path = tmp_path_factory.mktemp("toml") / "config.toml"
    path.write_bytes(to_toml(settings).encode())
    again = parse_settings(path.read_bytes(), path)
    assert again == settings
    assert [type(v) for v in again.values()] == [type(v) for v in settings.values()]
    assert list(again) == list(settings)


def test_the_document_is_plain_toml():
    settings = {"backbone": "cnn3", "lr": 3e-3, "epochs": 1, "amp": False, "init_from": ""}
    assert to_toml(settings) == 'backbone = "cnn3"\nlr = 0.003\nepochs = 1\namp = false\ninit_from = ""\n'
    assert to_toml({"amp": None, "lr": np.float64(0.5)}) == "lr = 0.5\n"


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, [1], {"a": 1}, b"x", "\ud800", 2**63])
def test_a_value_that_toml_cannot_hold_is_refused(wrong):
    with pytest.raises(UsageError, match="lr"):
        to_toml({"lr": wrong})


@pytest.mark.parametrize(
    "content",
    [b'lr = "0.1', b"lr = ", b"\xff\xfe", b"lr = nan", b"lr = -inf", b"[table]\nlr = 1", b"lr = [1]",
     b"lr = 2025-01-01", b"lr = 1\nlr = 2", b"lr = " + b"[" * 50_000, b"\0" * 64, b"lr = 0x" + b"f" * 5000],
    ids=lambda content: repr(content[:12]),
)  # fmt: skip
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(CtcbenchError, match=r"config\.toml: "):
        parse_settings(path.read_bytes(), path)
