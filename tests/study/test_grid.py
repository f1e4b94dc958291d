"""Expansion of a study: axes, rules and seeds become checked configurations without duplicates."""

import pytest

from ctcbench.config.presets import STUDIES
from ctcbench.config.run_config import RunConfig, setting_fields
from ctcbench.contract.errors import UsageError
from ctcbench.registry.discovery import load_registry
from ctcbench.study.grid import expand
from ctcbench.study.seeds import read_seeds
from ctcbench.study.study_file import StudySpec, find_study, read_study, study_names
from ctcbench.study.trial_labels import entry_label, varying_settings
from tests.study.study_cases import SETTINGS


@pytest.fixture(scope="module")
def registry():
    return load_registry([])


def configs(registry, **spec):
    return [entry.config for entry in expand(registry, StudySpec(base=SETTINGS, **spec)).entries]


def test_a_grid_of_flags_has_20_models_and_40_configurations(registry):
    spec = StudySpec(seeds=tuple(range(5))).with_flags(
        [], {"backbone": ["cnn2", "cnn3"], "head": ["lstm1", "bilstm2"], "decoder": ["greedy", "beam_cpp"]}
    )
    entries = expand(registry, spec).entries
    assert len(entries) == 40
    assert len({entry.train_key for entry in entries}) == 20
    assert {entry.result_key for entry in entries} == {"greedy", "beam_cpp"}


def test_an_axis_over_every_setting(registry):
    """Each setting with two values."""
    other = {
        "dataset": "captcha:width=64", "extra_dataset": "captcha:noise=none", "augmentation": "distort",
        "optimizer": "adamw",
        "augment_until": 0.5, "balance": 0.5, "compile": True,
        "backbone": "cnn2", "head": "lstm1", "decoder": "beam", "loss": "ctc:entropy=0.05",
        "shortcut": "none", "schedule": "constant", "blank_penalty_schedule": "constant", "device": "cpu",
        "amp": False,
        "amp_dtype": "bfloat16", "channels_last": False, "deterministic": True, "skip_bad": True,
        "warmup": 0.5, "ema": 0.5, "seed": 7,
    }  # fmt: skip
    # There are no weights to start from and no extra data set, and a folder has one test set.
    without = {"init_from", "freeze", "test_samples", "extra_share"}
    for name in setting_fields():
        if name in without:
            continue
        standard = getattr(RunConfig(), name)
        values = (standard if standard is not None else True, other.get(name, 3))
        found = expand(registry, StudySpec(base={}, axes={name: values})).entries
        assert [getattr(entry.config, name) for entry in found] == list(values), name


def test_a_study_compares_training_with_and_without_an_extra_data_set(registry):
    base = {"extra_share": 0.8, "train_samples": 60}
    axes = {"extra_dataset": ("", "captcha: noise=none"), "lr": (0.01, 0.02)}
    found = expand(registry, StudySpec(base=base, axes=axes))
    assert [(e.config.extra_dataset, e.config.extra_share) for e in found.entries] == [
        ("", 0.5), ("", 0.5), ("captcha:noise=none", 0.8), ("captcha:noise=none", 0.8)
    ]  # fmt: skip
    assert len({entry.train_key for entry in found.entries}) == 4
    # Without the set, the share makes no difference.
    axes = {"extra_dataset": ("", "captcha:noise=none"), "extra_share": (0.2, 0.5)}
    grid = expand(registry, StudySpec(base={}, axes=axes))
    assert len(grid.entries) == 3 and "the same as another" in grid.notices[0]
    with pytest.raises(UsageError, match=r"--extra-share 0\.8: there is no extra data set"):
        expand(registry, StudySpec(base=base))
    with pytest.raises(UsageError, match="--extra-dataset: no dataset 'captha'; did you mean 'captcha'"):
        expand(registry, StudySpec(base={}, axes={"extra_dataset": ("", "captha")}))


def test_order_seeds_and_presets(registry):
    found = configs(registry, axes={"preset": ("default", "talk-10k")}, seeds=(4, 2))
    assert [(c.shortcut, c.seed) for c in found] == [("sum", 4), ("sum", 2), ("none", 4), ("none", 2)]
    assert {c.epochs for c in found} == {2}  # the base overrides a preset


def test_the_same_configuration_written_differently_is_counted_once(registry):
    spec = StudySpec(
        base=SETTINGS, axes={"backbone": ("cnn3:width=4", "cnn3: width=4", "cnn2"), "lr": ("0.01", 0.01)}
    )
    grid = expand(registry, spec)
    assert len(grid.entries) == 2
    assert grid.notices == (
        "4 configurations are written differently but the same as another, and counted once",
    )


def test_a_decoder_option_at_its_default_is_the_same_configuration(registry):
    spec = StudySpec(base=SETTINGS, axes={"decoder": ("beam_cpp", "beam_cpp:blank_penalty=0")})
    assert len(expand(registry, spec).entries) == 1


def test_rules(registry):
    found = configs(
        registry,
        axes={"head": ("lstm1", "lstm2", "none"), "lr": (0.1, 0.2)},
        exclude=({"head": ("lstm1", "lstm2"), "lr": (0.2,)}, {"head": ("none",)}),
        include=({"head": ("gru1",), "epochs": (1, 3)},),
    )
    assert [(c.head, c.lr, c.epochs) for c in found] == [
        ("lstm1", 0.1, 2), ("lstm2", 0.1, 2), ("gru1", 0.003, 1), ("gru1", 0.003, 3),
    ]  # fmt: skip


def test_an_exclude_rule_may_use_a_setting_that_is_not_an_axis(registry):
    found = configs(
        registry,
        axes={"preset": ("default", "talk-10k"), "lr": (0.1, 0.2)},
        exclude=({"shortcut": ("none",), "lr": (0.1,)},),
    )
    assert [(c.shortcut, c.lr) for c in found] == [("sum", 0.1), ("sum", 0.2), ("none", 0.2)]


def test_excluded_configurations_do_not_count_towards_max_runs(registry):
    axes = {"lr": (0.1, 0.2, 0.3)}
    assert len(configs(registry, axes=axes, exclude=({"lr": (0.3,)},), max_runs=2)) == 2
    with pytest.raises(UsageError, match="3 configurations, more than --max-runs 2"):
        configs(registry, axes=axes, max_runs=2)
    assert len(expand(registry, StudySpec(axes=axes, max_runs=2), confirmed=True).entries) == 3


def test_include_alone_is_a_study(registry):
    assert [c.lr for c in configs(registry, include=({"lr": (0.5,)},))] == [0.5]


@pytest.mark.parametrize(
    ("given", "seeds"),
    [
        (3, (0, 1, 2)),
        ("2", (0, 1)),
        ("5,7", (5, 7)),
        ([9], (9,)),
        ("7,", (7,)),
        (",", None),
        ("3,,5", None),
        (True, None),
        ("", None),
        ([], None),
    ],
)
def test_seeds(given, seeds):
    if seeds is None:
        with pytest.raises(UsageError, match="seeds"):
            read_seeds(given)
    else:
        assert read_seeds(given) == seeds


def test_flags_over_a_file():
    spec = StudySpec(base={"lr": 0.1, "epochs": 3}, axes={"head": ("lstm1", "gru1")}, seeds=(0, 1))
    found = spec.with_flags(["default"], {"head": ["none"], "lr": ["0.2", "0.3"], "seed": ["4"]})
    assert found.preset == "default"
    assert found.base == {"epochs": 3, "head": "none", "seed": "4"}
    assert found.axes == {"lr": ("0.2", "0.3")}
    assert found.seeds == ()
    assert spec.with_flags([], {}, (7, 8)).seeds == (7, 8)


@pytest.fixture
def ruled(registry, tmp_path):
    """Return a function that applies flags to a file with a grid and both kinds of rules."""
    path = tmp_path / "mine.toml"
    path.write_text(
        """
        [base]
        epochs = 9
        [axes]
        backbone = ["cnn2", "cnn3"]
        head = ["lstm1", "bilstm2"]
        [[exclude]]
        backbone = "cnn2"
        head = "bilstm2"
        [[include]]
        head = "none"
        epochs = 4
        """
    )

    def under(seeds=(), **flags):
        spec = read_study(path).with_flags([], {name: [*values] for name, values in flags.items()}, seeds)
        found = [entry.config for entry in expand(registry, spec).entries]
        return [(c.backbone.partition(":")[0], c.head, c.epochs, c.seed) for c in found]

    return under


def test_flags_override_include_rules(ruled):
    assert ruled(epochs=[3]) == [
        ("cnn2", "lstm1", 3, 0), ("cnn3", "lstm1", 3, 0), ("cnn3", "bilstm2", 3, 0), ("cnn3", "none", 3, 0),
    ]  # fmt: skip
    assert [epochs for *_, epochs, _ in ruled(epochs=[1, 2])] == [1, 2] * 4
    assert {seed for *_, seed in ruled(seeds=(5, 6))} == {5, 6}


def test_a_flag_that_replaces_the_only_axis_keeps_the_grid(registry):
    spec = StudySpec(base=SETTINGS, axes={"epochs": (1, 2)}, include=({"lr": (0.5,)},))
    found = [entry.config for entry in expand(registry, spec.with_flags([], {"epochs": [3]})).entries]
    assert [(c.epochs, c.lr) for c in found] == [(3, 0.003), (3, 0.5)]


def test_flags_add_no_grid_to_a_study_of_include_rules(registry):
    spec = StudySpec(base=SETTINGS, include=({"lr": (0.5,)}, {"lr": (0.1,), "seed": (8,)}), seeds=(1,))
    found = [entry.config for entry in expand(registry, spec.with_flags([], {"epochs": [3, 4]})).entries]
    assert [(c.lr, c.epochs, c.seed) for c in found] == [(0.5, 3, 1), (0.5, 4, 1), (0.1, 3, 8), (0.1, 4, 8)]
    found = [entry.config for entry in expand(registry, spec.with_flags([], {}, (2, 3))).entries]
    assert [(c.lr, c.seed) for c in found] == [(0.5, 2), (0.5, 3), (0.1, 2), (0.1, 3)]


def test_an_exclude_rule_may_match_nothing_after_flags(ruled):
    assert [(backbone, head) for backbone, head, *_ in ruled(backbone=["cnn3"])] == [
        ("cnn3", "lstm1"), ("cnn3", "bilstm2"), ("cnn3", "none"),
    ]  # fmt: skip
    assert [head for _, head, *_ in ruled(head=["lstm1"])] == ["lstm1"] * 3
    assert [(b, h) for b, h, *_ in ruled(head=["lstm1", "bilstm2"])][:2] == [
        ("cnn2", "lstm1"),
        ("cnn3", "lstm1"),
    ]


def test_two_sizes_of_a_models_test_set_are_refused_with_any_decoders(registry):
    rules = (
        {"decoder": ("greedy",), "test_samples": (12,)},
        {"decoder": ("beam_cpp",), "test_samples": (13,)},
    )
    with pytest.raises(UsageError, match="--test-samples 12 and 13 for the same model"):
        configs(registry, include=rules)


def test_flags_override_the_settings_of_every_built_in_study(registry):
    """The rows stay the same, and every row has the values of the flags."""
    for name in study_names():
        spec = read_study(find_study(name))
        plain = expand(registry, spec).entries
        flagged = expand(registry, spec.with_flags([], {"epochs": ["1"], "train_samples": ["640"]})).entries
        assert [entry.name for entry in flagged] == [entry.name for entry in plain]
        assert {(entry.config.epochs, entry.config.train_samples) for entry in flagged} == {(1, 640)}


@pytest.mark.parametrize("name", study_names())
def test_every_built_in_study_expands_and_has_a_description(name, registry):
    spec = read_study(find_study(name))
    assert spec.name == name
    assert spec.description
    assert (STUDIES / f"{name}.toml").read_text().startswith("# ")
    assert len(expand(registry, spec).entries) >= 2


def test_the_lottery_has_ten_seeds_of_each(registry):
    entries = expand(registry, read_study(find_study("lottery"))).entries
    assert [len([e for e in entries if e.config.shortcut == kind]) for kind in ("sum", "none")] == [10, 10]


def test_each_row_of_lottery_parts_changes_one_part_of_a_recipe_of_the_lottery(registry):
    lottery = expand(registry, read_study(find_study("lottery"))).entries
    whole = {kind: next(e.config for e in lottery if e.config.shortcut == kind) for kind in ("sum", "none")}
    parts = read_study(find_study("lottery-parts"))
    assert parts.base == read_study(find_study("lottery")).base
    entries = [entry for entry in expand(registry, parts).entries if entry.config.seed == 0]
    assert len(entries) == 20
    changed = []
    for entry, rule in zip(entries, parts.include, strict=True):
        base = whole["none" if entry.name.startswith("talk-10k") else "sum"].model_dump()
        now = entry.config.model_dump()
        changed.append({name for name in now if now[name] != base[name]})
        assert changed[-1] == set(rule) - {"name", "preset"}
    assert changed.count(set()) == 2
    # Together, the parts are all the differences between the two recipes.
    apart = {n for n, v in whole["sum"].model_dump().items() if v != whole["none"].model_dump()[n]}
    assert set.union(*changed) == apart | {"optimizer", "loss"}


def test_labels_leave_out_settings_that_the_preset_determines(registry):
    spec = StudySpec(base=SETTINGS, axes={"preset": ("default", "talk-10k"), "lr": (0.1, 0.2)}, seeds=(0, 1))
    entries = expand(registry, spec).entries
    assert varying_settings(entries) == ["preset", "lr", "seed"]
    assert entry_label(entries[-1], varying_settings(entries)) == "talk-10k lr=0.2 seed 1"
    alone = expand(registry, StudySpec(base=SETTINGS)).entries
    assert entry_label(alone[0], varying_settings(alone)) == "cnn3:width=4 bigru1:width=8"
