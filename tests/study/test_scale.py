"""--scale: fewer images and epochs by a factor; names of configurations; the study of the talk."""

import json

import pytest

from ctcbench import RunConfig, UsageError
from ctcbench.__main__ import main
from ctcbench.config.presets import STUDIES
from ctcbench.registry.discovery import load_registry
from ctcbench.reporting.talk_figures import FIGURES, talk_figure
from ctcbench.study.grid import expand
from ctcbench.study.scale import read_scale, scale_config
from ctcbench.study.study_file import StudySpec, find_study, read_study
from ctcbench.study.trial_labels import entry_label, varying_settings
from tests.study.study_cases import SETTINGS, ablate_here, flags

NAMED = """
[[include]]
name = "a small one"
backbone = "cnn3:width=4"

[[include]]
name = "a smaller one"
backbone = "cnn2:width=4"
epochs = [2, 3]
"""

pytestmark = pytest.mark.usefixtures("in_process")


@pytest.fixture(scope="module")
def registry():
    return load_registry([])


def sizes(config):
    return config.train_samples, config.val_samples, config.test_samples, config.epochs


@pytest.mark.parametrize(
    ("before", "scale", "after"),
    [
        ((8100, 900, 1000, 30), 0.1, (810, 90, 100, 3)),
        ((100_000, 5000, 10_000, 60), 0.1, (10_000, 500, 1000, 6)),
        ((8100, 900, 1000, 30), 1.0, (8100, 900, 1000, 30)),
        ((8100, 900, 1000, 30), 0.07, (567, 63, 100, 3)),  # 2.1 is rounded up, a rounding error is not
        ((8100, 900, 1000, 30), 0.001, (16, 16, 100, 1)),  # the fewest
        ((40, 10, 50, 1), 0.5, (20, 10, 50, 1)),  # nothing grows
        ((16, 16, 100, 200), 0.1, (16, 16, 100, 200)),  # 16 training images or fewer are not scaled
        ((17, 16, 100, 200), 0.5, (16, 16, 100, 100)),
    ],
)  # fmt: skip
def test_sizes_are_scaled_and_rounded_up(before, scale, after):
    names = ("train_samples", "val_samples", "test_samples", "epochs")
    config = RunConfig(**dict(zip(names, before, strict=True)))
    found = scale_config(config, scale)
    assert sizes(found) == after
    assert found.replace(**dict(zip(names, before, strict=True))) == config  # nothing else changes


@pytest.mark.parametrize("given", [0, -1, 1.1, "x", "", None, True, "nan", "inf", [0.5]])
def test_a_wrong_scale_is_refused(given):
    with pytest.raises(UsageError, match="above 0, at most 1"):
        read_scale(given)


def test_keys_differ_by_the_real_settings(registry):
    spec = StudySpec(base=SETTINGS | {"train_samples": 700}, axes={"epochs": (2, 4)})
    whole, half = (expand(registry, StudySpec(**vars(spec) | {"scale": s})).entries for s in (1.0, 0.5))
    assert [sizes(entry.config) for entry in half] == [(350, 10, 12, 1), (350, 10, 12, 2)]
    assert not {entry.train_key for entry in whole} & {entry.train_key for entry in half}
    # Configurations that are equal after scaling are trained once.
    grid = expand(registry, StudySpec(**vars(spec) | {"axes": {"epochs": (2, 1)}, "scale": 0.5}))
    assert len(grid.entries) == 1
    assert "1 configuration is the same as another" in grid.notices[0]


def test_exclude_rules_match_the_values_before_scaling(registry):
    spec = StudySpec(
        base=SETTINGS | {"epochs": 4}, axes={"lr": (0.1, 0.2)}, exclude=({"epochs": (4,), "lr": (0.1,)},)
    )
    assert len(expand(registry, StudySpec(**vars(spec) | {"scale": 0.5})).entries) == 1


def test_names_of_rules(registry, tmp_path):
    (tmp_path / "mine.toml").write_text(NAMED)
    entries = expand(registry, read_study(tmp_path / "mine.toml")).entries
    names = varying_settings(entries)
    assert names == ["preset", "epochs"]
    assert [entry_label(entry, names) for entry in entries] == [
        "a small one epochs=2", "a smaller one epochs=2", "a smaller one epochs=3",
    ]  # fmt: skip


def test_the_study_of_the_talk_has_its_experiments_and_its_argument(registry):
    entries = expand(registry, read_study(find_study("talk"))).entries
    by_name = {entry.name: entry.config for entry in entries}
    assert list(by_name)[:4] == list(FIGURES)
    assert len(by_name) == len(entries) == 12
    for recipe in ("talk's", "default"):
        argument = {name: c for name, c in by_name.items() if name.startswith(f"{recipe} recipe: ")}
        if recipe == "talk's":
            argument["talk's recipe: CNN + RNN + CTC"] = by_name["talk-10k"]
        assert {sizes(c) for c in argument.values()} == {(8100, 900, 1000, 30)}
        but_for_parts = [
            {
                k: v
                for k, v in c.model_dump().items()
                if k not in ("backbone", "head", "loss", "decoder", "shortcut")
            }
            for c in argument.values()
        ]
        assert all(settings == but_for_parts[0] for settings in but_for_parts)
        parts = {name.partition(": ")[2]: c for name, c in argument.items()}
        cnn = parts["CNN + RNN + CTC"].backbone
        assert {what: (c.backbone, c.head, c.loss, c.shortcut) for what, c in parts.items()} == {
            "CNN, 5 outputs": (cnn, "slots:count=5", "slots", "none"),
            "RNN + CTC": ("columns:stride=2", "bilstm2", "ctc", "none"),
            "CNN + RNN, 5 outputs": (cnn, "slots:count=5,after=bilstm2", "slots", "none"),
            "CNN + RNN + CTC": (cnn, "bilstm2", "ctc", "none"),
        } | ({"CNN + RNN + CTC, shortcut": (cnn, "bilstm2", "ctc", "sum")} if recipe == "default" else {})


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_the_figures_of_the_talk_belong_to_its_experiments_at_any_scale(registry, scale):
    spec = read_study(find_study("talk"))
    entries = expand(registry, StudySpec(**vars(spec) | {"scale": scale})).entries
    found = {entry.name: talk_figure(entry.config.model_dump()) for entry in entries}
    assert {name for name, figure in found.items() if figure} == set(FIGURES)
    for name in FIGURES:
        assert found[name].preset == name
        assert bool(found[name].scaled) == (scale < 1 and "overfit" not in name)


def test_a_grid_of_losses_leaves_out_the_decoders_that_do_not_fit(registry):
    axes = {"loss": ("ctc", "slots"), "decoder": ("greedy", "slots")}
    out = ({"loss": ("ctc",), "decoder": ("slots",)}, {"loss": ("slots",), "decoder": ("greedy",)})
    entries = expand(registry, StudySpec(base=SETTINGS, axes=axes, exclude=out)).entries
    assert [(e.config.loss, e.config.decoder) for e in entries] == [("ctc", "greedy"), ("slots", "slots")]


def planned(capsys, *arguments):
    capsys.readouterr()
    assert main(["ablate", *arguments, "--dry-run", "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_preset_talk_is_the_study(tmp_path, capsys):
    out = str(tmp_path / "runs")
    by_preset = planned(capsys, "--preset", "talk", "--scale", "0.1", "--out", out)
    assert by_preset == planned(capsys, "talk", "--scale", "0.1", "--out", out)
    assert (by_preset["study"], by_preset["models"], by_preset["scale"]) == ("talk", 12, 0.1)
    assert main(["ablate", "talk", "--scale", "0.1", "--dry-run", "--out", out]) == 0
    assert "talk, scaled to 0.1 of images and epochs: 12 models" in " ".join(capsys.readouterr().out.split())
    assert main(["run", "--preset", "talk", "--out", out]) == 2
    assert "`ctcbench ablate talk`" in capsys.readouterr().err


def test_only_selects_configurations_by_name(tmp_path, capsys):
    plan = planned(capsys, "talk", "--only", "Default", "--only", "talk-10k", "--out", str(tmp_path))
    assert [trial["label"] for trial in plan["trials"]][:2] == ["talk-10k", "default recipe: CNN, 5 outputs"]
    assert plan["models"] == 6


@pytest.fixture(scope="module")
def done(tmp_path_factory, own_cache, in_process):
    """A study with names and slots, scaled, by the command line."""
    folder = tmp_path_factory.mktemp("scaled")
    text = "".join(f"{k} = {json.dumps(v)}\n" for k, v in SETTINGS.items())
    (folder / "mine.toml").write_text(
        f"""
        scale = 0.5
        [base]
        {text}
        [[include]]
        name = "with | CTC"
        train_samples = 140
        [[include]]
        name = "without"
        head = "slots:count=2"
        loss = "slots"
        decoder = "slots"
        shortcut = "none"
        train_samples = 140
        """
    )
    ended = ablate_here(folder / "mine.toml", "--out", folder / "runs")
    assert ended.returncode == 0, ended.stderr
    return folder, ended


def test_the_table_states_the_scale_and_names_its_rows(done, capsys):
    folder, ended = done
    assert "scaled to 0.5 of images and epochs" in ended.stderr
    out = " ".join(ended.stdout.split())
    assert "results, scaled to 0.5 of images and epochs" in out
    assert "with | CTC" in out and "without" in out
    plan = json.loads((folder / "runs" / "studies" / "mine" / "plan.json").read_text())
    assert plan["scale"] == 0.5
    capsys.readouterr()
    assert main(["report", str(folder / "runs"), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["axes"] == ["configuration"]
    assert {row["axes"]["configuration"] for row in report["rows"]} == {"with | CTC", "without"}
    assert report["scaled"] == "scaled to 0.5 of images and epochs"
    assert report["effects"] == []
    assert not [warning for warning in report["warnings"] if warning["kind"] in ("confounded", "pooled")]
    assert {row["runs"][0]["config"]["train_samples"] for row in report["rows"]} == {70}


def test_every_format_states_the_scale(done, capsys):
    folder, _ = done
    for form in ("md", "latex", "html"):
        path = folder / f"report.{form}"
        assert main(["report", str(folder / "runs"), "--format", form, "-o", str(path)]) == 0
        assert "caled to 0.5 of images and epochs" in path.read_text()
    capsys.readouterr()
    assert main(["report", str(folder / "runs"), "--by", "loss", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("row,loss,")


def test_another_scale_is_another_plan_and_reports_distinguish_them(done, capsys, tmp_path):
    folder, _ = done
    again = ablate_here(folder / "mine.toml", "--scale", "1", "--epochs", "1", "--out", folder / "runs")
    assert again.returncode == 0, again.stderr
    assert "scale: 0.5 before, 1 now" in " ".join(again.stderr.split())
    capsys.readouterr()
    assert main(["report", str(folder / "runs"), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert len(report["rows"]) == 4
    assert set(report["axes"]) >= {"configuration", "train_samples"}
    assert report["scaled"].startswith("row") and report["scaled"].endswith(
        "scaled to 0.5 of images and epochs"
    )


def test_runs_outside_a_study_have_no_names(done, tmp_path, capsys):
    """With one such run, rows are distinguished by their settings."""
    folder, _ = done
    assert main(["run", *flags(lr=0.01), "--out", str(folder / "runs"), "--json"]) == 0
    capsys.readouterr()
    assert main(["report", str(folder / "runs"), "--format", "json"]) == 0
    assert "configuration" not in json.loads(capsys.readouterr().out)["axes"]


def test_the_study_states_that_talk_final_starts_from_scratch():
    text = (STUDIES / "talk.toml").read_text()
    assert "from scratch" in text
