"""Run folders and a study of an earlier version, stored beside this file, are read by this version.

``stored_runs/c75e7d57aba4`` was trained with a blank penalty of 2 that applied at decoding as well,
``stored_runs/1a7d1ecea43d`` with Muon at a scale of its own. ``stored_study`` is a study of four models.
"""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ctcbench
from ctcbench.__main__ import main
from ctcbench.cli.installed_plugins import registry as installed
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.pipeline.decoding_stage import decode_stored
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.results.stored_results import find_results
from ctcbench.study.plan_changes import plan_changes
from ctcbench.study.study_folder import StudyFolder

STORED = Path(__file__).parent / "stored_runs"
STUDY = Path(__file__).parent / "stored_study"
PENALISED, MUON = "c75e7d57aba4", "1a7d1ecea43d"
DECODERS = {PENALISED: "beam_cpp:blank_penalty=2.0", MUON: "beam_cpp"}
OPTIMIZERS = {PENALISED: "adamw", MUON: "muon:scale=30.0"}
OLD_RESULTS = {PENALISED: "beam_cpp-02227d5e", MUON: "beam_cpp"}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A copy of the stored runs that a test may write to."""
    monkeypatch.setenv("CTCBENCH_PLUGINS", "")
    installed.cache_clear()
    shutil.copytree(STORED, tmp_path / "runs")
    yield tmp_path / "runs"
    installed.cache_clear()


@pytest.mark.parametrize("key", [PENALISED, MUON])
def test_settings_are_translated(key):
    config = stored_config(RunFolder(STORED / key))
    assert config.decoder == DECODERS[key]
    assert config.optimizer == OPTIMIZERS[key]
    assert config.backbone == "cnn2:width=8" and config.epochs == 1


@pytest.mark.parametrize("key", [PENALISED, MUON])
def test_results_are_translated(key):
    folder = RunFolder(STORED / key)
    result = folder.read_result(OLD_RESULTS[key])
    assert result.config == stored_config(folder).model_dump()
    assert result.score.images == 16 and result.cost["parameters"] > 0


@pytest.mark.parametrize("key", [PENALISED, MUON])
def test_decoding_again_reproduces_the_stored_predictions_and_score(runs, registry, key):
    folder = RunFolder(runs / key)
    before = folder.read_result(OLD_RESULTS[key])
    texts = folder.read_predictions(OLD_RESULTS[key])
    after = decode_stored(registry, folder.path, DECODERS[key])
    again = folder.read_predictions(after.path.stem)
    # Earlier versions stored no confidences.
    assert texts.confidences is None and len(again.confidences) == len(texts.texts)
    assert dataclasses.replace(again, confidences=None) == texts
    assert after.score == before.score
    assert after.config == before.config
    assert len(find_results(folder)[0]) == 1, "the result under the old name is superseded"


def test_another_decoder_gets_the_log_probs_without_the_penalty(runs, registry):
    plain = decode_stored(registry, runs / PENALISED, "beam_cpp")
    penalised = RunFolder(runs / PENALISED).read_result(OLD_RESULTS[PENALISED])
    assert plain.config["decoder"] == "beam_cpp"
    assert plain.score.mean_length < penalised.score.mean_length


def test_the_recogniser_reads_pictures(runs):
    recogniser = ctcbench.load(runs / PENALISED)
    noise = np.random.default_rng(0).integers(0, 255, (40, 150), np.uint8)
    (prediction,) = recogniser.predict([noise])
    assert len(prediction.text) > 20, "the penalty makes this little-trained model read many characters"
    assert 0 <= prediction.confidence <= 1


def test_commands_read_stored_runs(runs, capsys):
    assert main(["report", str(runs), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert PENALISED in json.dumps(report) and "blank_penalty_at_decoding" not in json.dumps(report)
    assert main(["decode", str(runs / MUON), "--decoder", "greedy", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"]["decoder"] == "greedy"
    for key in (PENALISED, MUON):
        assert main(["show", "--config", str(runs / key / "config.toml"), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["parameters"]["backbone"] > 0


def test_training_can_start_from_stored_weights(runs, registry, tmp_path):
    config = stored_config(RunFolder(runs / PENALISED)).replace(
        init_from=str(runs / PENALISED), max_steps=1, train_samples=16
    )
    result = ctcbench.pipeline.runner.run(resolve(registry, config), ctcbench.api.Runtime(tmp_path / "new"))
    assert result.config["decoder"] == DECODERS[PENALISED]


def test_a_checkpoint_of_an_earlier_version_is_not_resumed_but_named(runs, registry, tmp_path):
    folder = RunFolder(runs / PENALISED)
    folder.summary_path.unlink()
    with pytest.raises(UsageError, match=f"{PENALISED} has them, but was started by another version"):
        ctcbench.pipeline.runner.run(
            resolve(registry, stored_config(folder)), ctcbench.api.Runtime(runs, resume=True)
        )


def test_a_stored_study_is_read_and_reported(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CTCBENCH_PLUGINS", "")
    shutil.copytree(STUDY, tmp_path / "runs")
    (plan_path,) = (tmp_path / "runs/studies").glob("*/plan.json")
    plan = StudyFolder(tmp_path / "runs", plan_path.parent.name).read_plan()
    for model in plan["models"]:
        for config in model["results"].values():
            assert ctcbench.RunConfig(**config).model_dump() == config
    assert plan_changes(plan, plan) == []
    assert main(["report", str(tmp_path / "runs"), "--format", "md"]) == 0
    table = capsys.readouterr().out
    assert "gru1:width=8" in table and "gru1:width=4" in table


def test_a_file_that_a_stored_alphabet_names_is_not_opened(runs, tmp_path, monkeypatch, capsys):
    folder = RunFolder(runs / PENALISED)
    outside = tmp_path / "outside.txt"
    outside.write_text("0123456789")
    for file in (folder.config_path, *(folder.path / "results").iterdir()):
        text = file.read_text()
        file.write_text(text.replace("alphabet=digits", f"alphabet=@{outside}"))
        assert text != file.read_text()
    opened = []
    monkeypatch.setattr("ctcbench.builtin.alphabets.read_characters", opened.append)
    with pytest.raises(CtcbenchError, match=r"config\.toml: dataset: alphabet='@.*' names a file"):
        stored_config(folder)
    picture = tmp_path / "x.png"
    Image.new("L", (60, 24)).save(picture)
    for command in ("predict", "verify", "show"):
        main([command, str(folder.path), *[str(picture)] * (command == "predict")])
    assert capsys.readouterr().err.count("names a file; the settings of a run hold the characters") > 0
    main(["report", str(runs), "--out", str(tmp_path / "report.html")])
    assert not opened
