"""Settings of earlier versions: translated where a document is complete, explained where it is not."""

import pytest

from ctcbench.config.legacy_settings import translate_settings
from ctcbench.config.presets import read_settings
from ctcbench.config.run_config import RunConfig, setting_fields
from ctcbench.contract.errors import UsageError

TODAY = RunConfig().model_dump()


def test_settings_of_this_version_are_unchanged():
    assert translate_settings(TODAY) == TODAY


@pytest.mark.parametrize(
    ("decoder", "penalty", "at_decoding", "expected"),
    [
        ("beam_cpp", 2.0, True, "beam_cpp:blank_penalty=2.0"),
        ("beam_cpp", 2.0, False, "beam_cpp"),
        ("beam_cpp", 0.0, True, "beam_cpp"),
        ("beam_cpp:width=9", 0.5, True, "beam_cpp:width=9,blank_penalty=0.5"),
        ("greedy:blank_penalty=1", 2.0, True, "greedy:blank_penalty=3.0"),
        ("no component string", 2.0, True, "no component string"),
    ],
)
def test_the_blank_penalty_at_decoding_becomes_an_option_of_the_decoder(
    decoder, penalty, at_decoding, expected
):
    stored = TODAY | {
        "decoder": decoder, "blank_penalty": penalty, "blank_penalty_at_decoding": at_decoding
    }  # fmt: skip
    translated = translate_settings(stored)
    assert translated == TODAY | {"decoder": expected, "blank_penalty": penalty}
    assert stored["blank_penalty_at_decoding"] is at_decoding, "the argument is not modified"


@pytest.mark.parametrize(
    ("optimizer", "scale", "expected"),
    [("muon", 30.0, "muon:scale=30.0"), ("muon", 20.0, "muon"), ("adamw", 30.0, "adamw")],
)
def test_the_scale_of_muon_becomes_an_option_of_the_optimizer(optimizer, scale, expected):
    stored = TODAY | {"optimizer": optimizer, "muon_scale": scale}
    assert translate_settings(stored) == TODAY | {"optimizer": expected}


def test_an_incomplete_document_is_not_translated():
    for part in ({"muon_scale": 30.0}, {"blank_penalty_at_decoding": True, "blank_penalty": 2.0}):
        assert translate_settings(part) == part


def test_a_config_file_of_an_earlier_version_can_be_run_again(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('decoder = "greedy"\nblank_penalty = 2.0\nblank_penalty_at_decoding = true\n')
    settings = read_settings(path, setting_fields())
    assert settings == {"decoder": "greedy:blank_penalty=2.0", "blank_penalty": 2.0}


def test_an_error_names_the_replacement_of_a_setting(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text("epochs = 3\nblank_penalty_at_decoding = true\n")
    with pytest.raises(UsageError, match=r"line 2: .*any more: .*option of the decoder"):
        read_settings(path, setting_fields())
    with pytest.raises(UsageError, match=r"any more: .*beam_cpp:blank_penalty=2"):
        RunConfig(blank_penalty_at_decoding=True)
