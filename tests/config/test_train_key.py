"""Train keys: they depend only on settings that decide the weights, and not on their spelling."""

import pytest

from ctcbench import RunConfig
from ctcbench.config.run_config import AFTER_TRAINING
from ctcbench.config.train_key import ALWAYS_IN_KEY, differences, train_key
from ctcbench.contract.errors import UsageError


def test_the_key_depends_only_on_settings_that_decide_the_weights(registry):
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


def test_an_option_added_later_enters_the_key_only_when_it_is_not_at_its_default(registry):
    def key(options):
        return train_key(registry, RunConfig(dataset=f"folder:path=data{options}"))

    written = registry.resolve("dataset", "folder:path=data,ground=white", every=True)
    assert "ground" not in written and "crop=0.0" in written
    assert key(",ground=white") == key("")
    assert key(",ground=black") != key("")


def test_the_spelling_of_a_component_does_not_change_the_key(registry):
    spellings = ["cnn3:width=32,norm=batch", "cnn3:norm=batch, width=32", "cnn3:width='32'"]
    keys = {train_key(registry, RunConfig(backbone=spelling)) for spelling in spellings}
    assert len(keys) == 1


def test_differences_name_settings_and_values():
    ours, theirs = RunConfig(lr=0.1, decoder="greedy"), RunConfig(lr=0.2)
    assert differences(ours, theirs) == ["lr: 0.2 there, 0.1 here"]


def test_init_from_needs_a_run_with_weights(registry, tmp_path):
    with pytest.raises(UsageError, match="no finished run there"):
        train_key(registry, RunConfig(init_from=str(tmp_path)))
