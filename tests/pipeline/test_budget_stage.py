"""Runs with a budget: the same command finds the chosen numbers, and they repeat the run exactly."""

import json

import pytest

from ctcbench.config.budget import make_budget
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.pipeline import budget_stage, runner
from ctcbench.pipeline.budget_stage import find_fitted
from ctcbench.processes.signals import Interrupted
from ctcbench.results.run_folder import RunFolder
from ctcbench.training import step_timing
from ctcbench.training.run_length import MeasuredRates
from ctcbench.training.runtime import Runtime
from tests.pipeline.run_cases import Listener, interrupt_at, pictures_config
from tests.tiny_config import tiny


class Rates:
    """Rates in place of measured ones, which other work on the machine would change; counts measurements."""

    def __init__(self, monkeypatch):
        self.step_seconds, self.measured = 0.1, 0
        monkeypatch.setattr(step_timing, "measure_rates", self.measure)

    def measure(self, recipe, dataset, seconds, *, images, workers, group, graph):
        self.measured += 1
        return MeasuredRates(
            self.step_seconds, min(images, recipe.config.batch_size), 0.001, "cpu in float32, 1 thread"
        )


@pytest.fixture
def rates(monkeypatch):
    return Rates(monkeypatch)


def run(registry, out, text="1s", given=(), config=None, **options):
    """Run within a budget; returns the result, and the notices."""
    listener = Listener()
    runtime = Runtime(out, budget=make_budget(text, given), listener=listener, **options)
    return runner.run(resolve(registry, config or tiny()), runtime), listener.notices


def test_a_slow_decoder_is_announced_for_all_test_images(registry, tmp_path, rates, monkeypatch):
    monkeypatch.setattr(budget_stage, "measure_decoding", lambda recipe, dataset: 0.5)
    _, notices = run(registry, tmp_path)
    assert any("; decoding about 6 s; " in text for text in notices)  # of twelve images


def folders(out):
    return sorted(path.parent.name for path in out.glob("*/config.toml"))


def test_the_chosen_numbers_are_settings_and_the_same_command_finds_them(registry, tmp_path, rates):
    result, notices = run(registry, tmp_path)
    # Ten steps of sixteen images.
    assert (result.config["train_samples"], result.config["epochs"]) == (160, 1)
    assert RunFolder(result.folder).read_config()["train_samples"] == 160
    announced = next(text for text in notices if text.startswith("budget 1s: "))
    assert "160 images, 1 epoch (cpu in float32, 1 thread): training about 1 s; " in announced
    assert (
        "; decoding less than 1 s; --train-samples 160 --epochs 1 in place of --budget repeats" in announced
    )
    rates.step_seconds = 0.05
    again, notices = run(registry, tmp_path)
    assert again.score == result.score
    assert any(
        "the numbers are those of" in text and "--fresh chooses them again" in text for text in notices
    )
    assert any("trained already" in text for text in notices)
    assert not any("training about" in text for text in notices)
    assert rates.measured == 1
    assert folders(tmp_path) == [result.folder.name]
    # Another decoder is decoded from the same training.
    assert run(registry, tmp_path, config=tiny(decoder="beam_cpp"))[0].folder == result.folder
    assert rates.measured == 1


def test_a_busy_machine_is_mentioned_before_the_training(registry, tmp_path, monkeypatch):
    busy = MeasuredRates(0.1, 16, 0.001, "cpu", cpu_share=0.413)
    monkeypatch.setattr(step_timing, "measure_rates", lambda *_, **more: busy)
    _, notices = run(registry, tmp_path)
    assert "other programs use this machine: the training had a CPU core for 41 % of the time" in notices[0]
    _, notices = run(registry, tmp_path)
    assert not any("other programs" in text for text in notices)


def test_fresh_chooses_again_and_keeps_the_run_of_other_numbers(registry, tmp_path, rates):
    first, _ = run(registry, tmp_path)
    rates.step_seconds = 0.05
    second, _ = run(registry, tmp_path, fresh=True)
    assert second.config["train_samples"] == 320
    assert folders(tmp_path) == sorted([first.folder.name, second.folder.name])
    assert run(registry, tmp_path)[0].folder == second.folder
    assert rates.measured == 2


def test_fresh_announces_the_training_if_it_chooses_the_same_numbers_again(registry, tmp_path, rates):
    first, _ = run(registry, tmp_path)
    again, notices = run(registry, tmp_path, fresh=True)
    assert again.folder == first.folder
    assert any("training about" in text for text in notices)


def test_the_printed_numbers_repeat_the_run_exactly(registry, tmp_path, monkeypatch):
    """With real steps before the training, which must leave nothing behind that changes it."""
    measured = []

    def measure(*arguments, **options):
        measured.append(real(*arguments, **options))
        # Not the measured ones, with which a busy machine would have no room for ten steps.
        return MeasuredRates(0.1, 16, 0.001, "cpu")

    real = step_timing.measure_rates
    monkeypatch.setattr(step_timing, "measure_rates", measure)
    config = tiny(augmentation="distort", device="cpu", amp=False, val_samples=40)
    fitted, _ = run(registry, tmp_path / "budget", config=config)
    assert len(measured) == 1
    numbers = {name: fitted.config[name] for name in ("train_samples", "epochs")}
    typed = runner.run(resolve(registry, config.replace(**numbers)), Runtime(tmp_path / "typed"))
    assert typed.folder.name == fitted.folder.name
    assert typed.score == fitted.score
    weights = [RunFolder(result.folder).weights_path.read_bytes() for result in (fitted, typed)]
    assert weights[0] == weights[1]


def test_a_stopped_run_is_resumed_by_the_same_command(registry, tmp_path, rates, monkeypatch):
    expected, _ = run(registry, tmp_path / "whole")
    out = tmp_path / "stopped"
    interrupt_at(monkeypatch, 4)
    with pytest.raises(Interrupted):
        run(registry, out)
    monkeypatch.undo()
    with pytest.raises(UsageError, match="an unfinished run with these settings; --resume continues it"):
        run(registry, out)
    result, notices = run(registry, out, resume=True)
    assert any("resumed after step 4 of 10" in text for text in notices)
    assert result.score == expected.score
    assert rates.measured == 2  # one for each output folder
    assert folders(out) == [expected.folder.name]


def test_resuming_without_a_record_is_refused(registry, tmp_path, rates):
    out = tmp_path / "runs"
    with pytest.raises(UsageError, match=r"--resume --budget 1s: .*has no record of numbers") as error:
        run(registry, out, resume=True)
    assert "leave --resume out" in str(error.value)
    assert not out.exists()
    # A run that was started with typed numbers is none of this command.
    runner.run(resolve(registry, tiny(train_samples=160, epochs=1)), Runtime(out))
    with pytest.raises(UsageError, match="by the same flags, without --budget"):
        run(registry, out, resume=True)
    # Another budget, and another fixed number, are other commands.
    run(registry, out)
    for text, given in (("2s", ()), ("1s", ["epochs"])):
        with pytest.raises(UsageError, match="has no record"):
            run(registry, out, text, given, resume=True)
    assert rates.measured == 1


def test_a_record_whose_run_is_gone_can_be_run_but_not_resumed(registry, tmp_path, rates):
    result, _ = run(registry, tmp_path)
    result.folder.rename(tmp_path / "moved")
    (tmp_path / "moved" / "config.toml").unlink()
    with pytest.raises(UsageError, match="has no run with these settings"):
        run(registry, tmp_path, resume=True)
    assert run(registry, tmp_path)[0].score == result.score
    assert rates.measured == 1


def test_a_number_that_was_given_stays(registry, tmp_path, rates):
    result, _ = run(registry, tmp_path, given=["train_samples"], config=tiny(train_samples=50))
    assert (result.config["train_samples"], result.config["epochs"]) == (50, 3)
    result, _ = run(registry, tmp_path, given=["epochs"], config=tiny(epochs=2))
    assert (result.config["train_samples"], result.config["epochs"]) == (80, 2)
    assert rates.measured == 2


def test_pictures_in_a_folder_are_all_used(registry, tmp_path, rates, pictures, monkeypatch):
    monkeypatch.setattr(budget_stage, "measure_decoding", lambda recipe, dataset: 1.0)
    config = pictures_config(pictures, val_samples=10_000, test_samples=10_000)
    result, notices = run(registry, tmp_path, "2s", config=config)
    (announced,) = [text for text in notices if text.startswith("budget 2s: ")]
    # Not those of ten thousand images, which the folder does not have.
    assert "; validation and test about 1 s; " in announced
    assert f"; decoding about {result.score.images} s; " in announced
    count = result.config["train_samples"]
    assert 40 <= count <= 60
    assert result.config["epochs"] == round(320 / count)


@pytest.mark.parametrize(
    ("text", "config", "says"),
    [
        ("0.5s", {}, "--budget 0.5s: 10 steps of 16 images take 1 s here"),
        ("1s", {"max_steps": 3}, "--budget 1s and --max-steps 3: both decide when training ends"),
    ],
)
def test_what_no_numbers_can_meet_is_an_error_that_leaves_nothing_behind(
    registry, tmp_path, rates, text, config, says
):
    with pytest.raises(UsageError, match=says):
        run(registry, tmp_path / "runs", text, config=tiny(**config))
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_record_is_an_error_and_fresh_replaces_it(registry, tmp_path, rates):
    result, _ = run(registry, tmp_path)
    (path,) = tmp_path.glob("budgets/*.json")
    document = json.loads(path.read_text()) | {"epochs": 0}
    path.write_text(json.dumps(document))
    with pytest.raises(CtcbenchError, match=r"epochs: .*; --fresh replaces it"):
        run(registry, tmp_path)
    assert run(registry, tmp_path, fresh=True)[0].folder == result.folder
    assert run(registry, tmp_path)[0].score == result.score


def test_a_record_changes_no_number_that_was_given(registry, tmp_path, rates):
    config = tiny(epochs=2)
    run(registry, tmp_path, given=["epochs"], config=config)
    (path,) = tmp_path.glob("budgets/*.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"epochs": 9}))
    runtime = Runtime(tmp_path, budget=make_budget("1s", ["epochs"]))
    assert find_fitted(resolve(registry, config), runtime).config.epochs == 2


def test_the_recipe_is_found_without_torch_once_it_is_chosen(registry, tmp_path, rates):
    recipe, runtime = resolve(registry, tiny()), Runtime(tmp_path, budget=make_budget("1s", []))
    assert find_fitted(recipe, runtime) is None
    assert find_fitted(recipe, Runtime(tmp_path)) == recipe
    result, _ = run(registry, tmp_path)
    assert find_fitted(recipe, runtime).train_key == result.folder.name


@pytest.mark.parametrize(
    ("step_seconds", "size", "seconds", "says"),
    [
        (0.1, 160, 1.1, None),
        (0.1, 160, 0.9, None),
        (
            0.1,
            160,
            1.3,
            "training took 1.3 s, 30 % longer than --budget 1s: a step took 1.30 times as long as",
        ),
        (0.1, 160, 11.71, "training took 11.7 s, 11.7 times as long as --budget 1s: a step took 11.71 times"),
        (0.1, 160, 0.5, "50 % shorter than --budget 1s: a step took 0.50 times as long"),
        # 1.4 epochs of 115 images would fit, and two would take 1.4 s.
        (0.1, 115, 0.72, "28 % shorter than --budget 1s: that many epochs of whole images come nearest"),
        # Nine epochs of 18 images: steps of 16 and of 2.
        (0.1, 18, 1.7, "70 % longer than --budget 1s: the last step of each epoch has fewer images"),
        (0.1, 18, 5.5, "5.5 times as long as --budget 1s: a step took 5.43 times as long"),
        (
            0.097,
            160,
            0.84,
            "16 % shorter than --budget 1s: a step took 0.87 times as long as when it was timed",
        ),
    ],
)
def test_a_training_much_longer_or_shorter_than_its_budget_is_mentioned_once(
    registry, tmp_path, rates, monkeypatch, step_seconds, size, seconds, says
):
    from ctcbench.training import training_summary

    real = training_summary.summarise_training
    monkeypatch.setattr(
        training_summary, "summarise_training", lambda trainer: real(trainer) | {"train_seconds": seconds}
    )
    rates.step_seconds = step_seconds
    given = () if size == 160 else ["train_samples"]
    _, notices = run(registry, tmp_path, given=given, config=tiny(train_samples=size))
    found = [text for text in notices if text.startswith("training took")]
    assert len(found) == (says is not None)
    assert says is None or says in found[0]


def test_a_training_of_few_pictures_and_typed_epochs_says_why_it_is_short(
    registry, tmp_path, rates, pictures
):
    config = pictures_config(pictures, epochs=2)
    result, notices = run(registry, tmp_path, "60s", given=["epochs"], config=config)
    assert result.config["train_samples"] <= 60
    (said,) = [text for text in notices if text.startswith("training took")]
    assert said.endswith(" shorter than --budget 60s: the data set has no more images for --epochs 2")


def test_a_training_that_patience_ended_is_not_called_shorter_than_its_budget(registry, tmp_path, rates):
    # A rate at which nothing is learned: the first epoch stays the best.
    config = tiny(patience=1, lr=1e-30, train_samples=40)
    result, notices = run(registry, tmp_path, given=["train_samples"], config=config)
    assert result.config["epochs"] > 2
    assert result.provenance["training"]["stopped_early"]
    assert not [text for text in notices if text.startswith("training took")]
