import pytest

from ctcbench import RunConfig
from ctcbench.config.presets import preset_names, read_preset, read_settings
from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import AFTER_TRAINING, setting_fields
from ctcbench.config.train_key import ALWAYS_IN_KEY, differences, train_key
from ctcbench.contract.errors import UsageError

KNOWN = tuple(setting_fields())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epochs": 0}, ["--epochs 0", "greater than or equal to 1", "at least 1"]),
        ({"epochs": "x"}, ["--epochs x"]),
        ({"lr": float("nan")}, ["--lr nan"]),
        ({"lr": "nan"}, ["--lr nan"]),
        ({"lr": 0}, ["--lr 0", "above 0"]),
        ({"epoch": 3}, ["no setting 'epoch'", "did you mean 'epochs'"]),
        ({"odd \ud800": 3}, ["no setting 'odd \\ud800'", "settings: "]),
        ({"device": "gpu"}, ["--device gpu"]),
        ({"shortcut": "add"}, ["--shortcut add", "sum"]),
        ({"blank_penalty": -1}, ["--blank-penalty -1"]),
    ],
)
def test_wrong_settings_are_explained(settings, words):
    with pytest.raises(UsageError) as error:
        RunConfig(**settings)
    for word in words:
        assert word in str(error.value)
    assert "\n" not in str(error.value)


def test_it_is_frozen():
    with pytest.raises(Exception, match="frozen"):
        RunConfig().epochs = 3


def test_every_setting_has_help():
    assert all(field.description for field in setting_fields().values())


def test_every_preset_that_ships_is_valid(registry):
    assert {"default", "talk-overfit1", "talk-overfit2", "talk-10k", "talk-final"} <= set(preset_names())
    for name in preset_names():
        resolve(registry, RunConfig(**read_preset(name, KNOWN)))


def test_the_talks_presets_are_the_talks():
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


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="can't be read"):
        read_settings(tmp_path / "none.toml", KNOWN)


def test_the_key_depends_on_what_decides_the_weights_alone(registry):
    def key(**settings):
        return train_key(registry, RunConfig(**settings))

    base = key()
    assert key() == base
    assert key(decoder="greedy:blank_penalty=2", test_samples=7) == base
    assert {"decoder", "test_samples"} == set(AFTER_TRAINING)
    others = [
        key(seed=1), key(lr=1e-3), key(head="lstm1"), key(train_samples=7), key(shortcut="none"),
        key(epochs=9),
    ]  # fmt: skip
    assert len({base, *others}) == len(others) + 1


class WithLaterSetting(RunConfig):
    """A later version of ctcbench that has one more setting."""

    later: int = 3


def test_a_setting_added_later_enters_the_key_only_when_it_is_not_at_its_default(registry):
    before = train_key(registry, RunConfig())
    assert train_key(registry, WithLaterSetting()) == before
    assert train_key(registry, WithLaterSetting(later=4)) != before
    assert set(RunConfig.model_fields) - set(AFTER_TRAINING) >= ALWAYS_IN_KEY


def test_one_component_has_one_key_however_it_is_written(registry):
    spellings = ["cnn3:width=32,norm=batch", "cnn3:norm=batch, width=32", "cnn3:width='32'"]
    keys = {train_key(registry, RunConfig(backbone=spelling)) for spelling in spellings}
    assert len(keys) == 1


def test_differences_name_settings_and_values():
    ours, theirs = RunConfig(lr=0.1, decoder="greedy"), RunConfig(lr=0.2)
    assert differences(ours, theirs) == ["lr: 0.2 there, 0.1 here"]


def test_init_from_needs_a_run_with_weights(registry, tmp_path):
    with pytest.raises(UsageError, match="no finished run there"):
        train_key(registry, RunConfig(init_from=str(tmp_path)))
