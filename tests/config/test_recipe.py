"""Recipes: components in canonical form, the train key, decoders that fit the loss."""

import pytest

from ctcbench import RunConfig, decoder
from ctcbench.config.recipe import fitting_decoders, resolve
from ctcbench.config.train_key import train_key
from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.contract.specs import ImageSpec
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin


def test_components_are_canonical_and_the_key_is_that_of_the_configuration(registry):
    config = RunConfig(backbone="cnn2: width = 8", decoder="beam_cpp:width=25")
    recipe = resolve(registry, config)
    assert recipe.config.backbone == "cnn2:width=8"
    assert recipe.config.decoder == "beam_cpp"
    assert recipe.train_key == train_key(registry, config)
    assert resolve(registry, recipe.config) == recipe


def test_build_passes_the_options(registry):
    backbone = resolve(registry, RunConfig(backbone="cnn2:width=8")).build("backbone", ImageSpec(24, 60))
    assert {module.out_channels for module in backbone.modules() if hasattr(module, "out_channels")} >= {8}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"backbone": "cnn8"}, "no backbone 'cnn8'"),
        ({"head": "lstm1:wide=3"}, "wide"),
        ({"decoder": "slots"}, "--decoder slots reads each frame as one character, but --loss ctc"),
    ],
)
def test_wrong_components_are_refused(registry, settings, words):
    with pytest.raises(UsageError, match=words):
        resolve(registry, RunConfig(**settings))


def test_decoders_whose_packages_are_missing_are_not_suggested(registry):
    @decoder(requires=("json.decoder", "os"))
    def ready(alphabet, *, width: int = 3):
        """Ready."""

    @decoder(requires=["json", "no_such_package.in_it"])
    def unready(alphabet, *, width: int = 3):
        """Not ready."""

    more = Registry((*registry.plugins, Plugin("peers", "peers", "1", "peers", components=(ready, unready))))
    names = fitting_decoders(more, "ctc")
    assert "ready" in names and "unready" not in names
    with pytest.raises(UsageError, match=r"decoders that fit: .*ready\)$") as error:
        resolve(more, RunConfig(decoder="slots"))
    assert "unready" not in str(error.value)
    assert more.get("decoder", "unready") is unready  # its own error has the remedy
    with pytest.raises(PluginError, match="requires is the text 'json'"):
        decoder(requires="json")(ready.builder)


def test_another_decoder_keeps_the_train_key_and_must_fit(registry):
    recipe = resolve(registry, RunConfig())
    other = recipe.with_decoder("greedy:blank_penalty=2")
    assert other.config.decoder == "greedy:blank_penalty=2.0"
    assert other.train_key == recipe.train_key
    assert "slots" not in fitting_decoders(registry, recipe.alignment)
    with pytest.raises(UsageError, match=r"decoders that fit: .*greedy"):
        recipe.with_decoder("slots")


def test_an_extra_data_set_is_canonical_and_part_of_the_key_only_where_there_is_one(registry, tmp_path):
    (tmp_path / "characters").write_text("0123")
    text = f"captcha: alphabet=@{tmp_path / 'characters'}, width=60, channels=1"
    recipe = resolve(registry, RunConfig(extra_dataset=text, extra_share=0.25))
    assert recipe.config.extra_dataset == "captcha:width=60,alphabet=[0123]"
    assert resolve(registry, recipe.config) == recipe
    # With all options, so that a default that changes in a later version is another key.
    written = "captcha:width=60,height=40,alphabet=[0123]"
    assert train_key(registry, RunConfig(extra_dataset=written, extra_share=0.25)) == recipe.train_key
    keys = {
        train_key(registry, RunConfig(extra_dataset=extra, extra_share=share))
        for extra, share in [("", 0.5), (written, 0.25), (written, 0.5), ("captcha", 0.5)]
    }
    assert len(keys) == 4
    assert train_key(registry, RunConfig()) in keys


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"extra_share": 0.8}, r"--extra-share 0\.8: there is no extra data set; --extra-dataset names one"),
        ({"extra_dataset": "captha"}, "--extra-dataset: no dataset 'captha'; did you mean 'captcha'"),
        ({"extra_dataset": "captcha:wide=3"}, "--extra-dataset: .*wide"),
        ({"extra_dataset": "cnn3"}, "--extra-dataset: no dataset 'cnn3'"),
    ],
)
def test_an_extra_data_set_that_is_wrong_or_missing_is_refused(registry, settings, words):
    with pytest.raises(UsageError, match=words):
        resolve(registry, RunConfig(**settings))
