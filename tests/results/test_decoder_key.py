"""Decoder keys: readable, safe as file names, different for different options."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError
from ctcbench.results.decoder_key import decoder_key, is_file_name


def test_a_plain_name_is_its_own_key():
    assert decoder_key("beam_cpp") == "beam_cpp"


def test_options_distinguish_keys():
    keys = [
        decoder_key("beam_cpp"),
        decoder_key("beam_cpp:width=32"),
        decoder_key("beam_cpp:width=64"),
        decoder_key("beam_cpp:width=32,blank_penalty=1"),
        decoder_key("beam_cpp:blank_penalty=1"),
        decoder_key("beam_cpp:blank_penalty=2"),
        decoder_key("Beam_cpp"),
    ]
    assert len({key.lower() for key in keys}) == len(keys)
    assert all(re.fullmatch(r"beam_cpp-[0-9a-f]{8}", key) for key in keys[1:])


def test_the_order_of_options_and_the_way_of_quoting_do_not_matter():
    assert decoder_key("beam:width=8,top=2") == decoder_key("beam:top='2',width = 8")


def test_keys_are_stable_over_versions():
    assert decoder_key("beam_cpp:width=32") == "beam_cpp-95622d12"


@settings(max_examples=40)
@given(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,80}", fullmatch=True),
    st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(max_size=10), max_size=3),
)
def test_any_decoder_has_a_safe_key(name, options):
    key = decoder_key(str(ComponentString(name, options)))
    assert is_file_name(key)
    assert len(key) <= 70


def test_a_text_that_is_no_component_string_is_refused():
    with pytest.raises(UsageError, match="expected name"):
        decoder_key("../../etc")


@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "/a", ".lock", "a\n", "a\0"])
def test_paths_are_not_file_names(key):
    assert not is_file_name(key)
