"""Decoders whose options would take all memory: a model from a stranger may have such ones."""

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import Alphabet

LARGE = Alphabet("".join(map(chr, range(0x4E00, 0x4E00 + 10_000))))


def test_the_beam_in_plain_python_is_bounded(registry):
    registry.build("decoder", "beam", LARGE)
    message = (
        "width=10000: with an alphabet of 10,000 characters at most 419 are supported; beam_cpp takes more"
    )
    with pytest.raises(UsageError, match=message):
        registry.build("decoder", "beam:width=10000", LARGE)


@pytest.mark.parametrize("text", ["best_cpp:nodes=10000001", "mbr:width=10001", "beam_cpp:width=10001"])
def test_the_options_of_the_other_decoders_are_bounded(registry, text):
    with pytest.raises(UsageError, match="out of bounds"):
        registry.build("decoder", text, LARGE)
