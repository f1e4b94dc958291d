"""RunConfig: wrong settings are explained; every setting has a help text."""

import pytest

from ctcbench import RunConfig
from ctcbench.config.run_config import setting_fields
from ctcbench.contract.errors import UsageError


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, ["--epochs 0", "out of bounds", "at least 1"]),
        ({"epochs": "x"}, ["--epochs x"]),
        ({"lr": float("nan")}, ["--lr nan"]),
        ({"lr": "nan"}, ["--lr nan"]),
        ({"lr": 0}, ["--lr 0", "above 0"]),
        ({"epoch": 3}, ["no setting 'epoch'", "did you mean 'epochs'"]),
        ({"odd \ud800": 3}, ["no setting 'odd \\ud800'", "settings: "]),
        ({"device": "gpu"}, ["--device gpu"]),
        ({"shortcut": "add"}, ["--shortcut add", "sum"]),
        ({"blank_penalty": -1}, ["--blank-penalty -1"]),
        ({"seed": -(10**5000)}, ["--seed an integer of 16610 bits", "0 to 4294967295"]),
        ({"init_from": "a\0b"}, ["--init-from", "U+0000"]),
        ({"lr": 10**5000}, ["--lr an integer of 16610 bits"]),
    ],
    ids=lambda value: "-".join(value),
)
def test_wrong_settings_are_explained(settings, words):
    with pytest.raises(UsageError) as error:
        RunConfig(**settings)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_the_configuration_is_immutable():
    with pytest.raises(Exception, match="frozen"):
        RunConfig().epochs = 3


def test_every_setting_has_help():
    assert all(field.description for field in setting_fields().values())
