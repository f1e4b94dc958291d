"""Presets and TOML files of settings: valid, true to the talk, and errors that name the line."""

import pytest

from ctcbench import RunConfig
from ctcbench.config.presets import preset_names, read_preset, read_settings
from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import setting_fields
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.errors import UsageError
from ctcbench.study.grid import expand
from ctcbench.study.study_file import find_study, read_study

KNOWN = tuple(setting_fields())


def test_every_built_in_preset_is_valid(registry):
    assert {"default", "talk-overfit1", "talk-overfit2", "talk-10k", "talk-final"} <= set(preset_names())
    for name in preset_names():
        resolve(registry, RunConfig(**read_preset(name, KNOWN)))


def test_the_presets_of_the_talk_have_its_settings():
    final = RunConfig(**read_preset("talk-final", KNOWN))
    assert (final.train_samples, final.epochs, final.batch_size) == (100_000, 60, 64)
    assert final.clip > 0
    tenth = RunConfig(**read_preset("talk-10k", KNOWN))
    assert (-(-tenth.train_samples // tenth.batch_size), tenth.epochs) == (254, 30)
    for name in preset_names():
        if name.startswith("talk-"):
            config = RunConfig(**read_preset(name, KNOWN))
            assert config.shortcut == "none"
            assert config.backbone.endswith(":norm=none")


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(UsageError, match="no preset 'talk-finl'; did you mean 'talk-final'"):
        read_preset("talk-finl", KNOWN)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lr = 0.1\n\nepoch = 3\n", ["line 3", "'epoch'", "did you mean 'epochs'"]),
        ('# epoch = 1\n  "epoch" = 3\n', ["line 2"]),
        ("[training]\nlr = 1.0\n", ["line 1", "'training'"]),
        ("lr = \n", ["not TOML", "line 1"]),
        ("lr = [1, 2]\n", ["line 1", "one plain value"]),
    ],
)
def test_a_wrong_file_is_explained_with_its_line(tmp_path, text, words):
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        read_settings(path, KNOWN)
    for word in [str(path), *words]:
        assert word in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="can't be read"):
        read_settings(tmp_path / "none.toml", KNOWN)


@pytest.mark.parametrize("study", ["lottery", "lottery-parts", "talk"])
def test_the_studies_of_the_talk_decode_with_the_blank_penalty_they_train_with(registry, study):
    for entry in expand(registry, read_study(find_study(study))).entries:
        options = ComponentString.parse(entry.config.decoder).options
        assert float(options.get("blank_penalty", 0)) == entry.config.blank_penalty, entry.name
