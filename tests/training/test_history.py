"""The best validation of a training, and when it has not improved for too long."""

import json
from dataclasses import asdict

import pytest

from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import UsageError
from ctcbench.pipeline import runner
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.history import History
from ctcbench.training.inference import Validation
from ctcbench.training.progress_events import ProgressListener
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny


def history_of(*scores):
    history = History()
    kept = [
        history.add_validation(epoch, Validation(*pair, 0.0, [1]), prefers_late=False)
        for epoch, pair in enumerate(scores, start=1)
    ]
    return history, kept


def test_a_late_epoch_is_kept_unless_it_is_significantly_worse():
    history, right = History(), 16

    def add(epoch, wrong, *, late=True):
        edits = [1] * wrong + [0] * (right - wrong)
        scores = Validation(1 - wrong / right, wrong / right, 0.0, edits)
        return history.add_validation(epoch, scores, prefers_late=late)

    assert add(1, 9) and add(2, 1) and not add(3, 3, late=False)
    assert add(4, 5), "four of 16 images more are a matter of chance"
    assert (history.best_epoch, history.best_exact, history.improved_epoch) == (4, 11 / 16, 2)
    # Compared with the best validation and not with the one that was kept last.
    assert not add(5, 9)
    assert (history.best_epoch, history.top_exact) == (4, 15 / 16)
    assert add(6, 1) and history.improved_epoch == 2


def test_texts_that_get_worse_count_where_none_is_right():
    history = History()
    for epoch, (cer, edits) in enumerate(
        [(0.5, [2] * 20), (0.9, [4] * 20), (0.5, [2] * 9 + [3, 1] * 5 + [2])]
    ):
        history.add_validation(epoch + 1, Validation(0.0, cer, 0.0, edits), prefers_late=True)
    assert history.best_epoch == 3


def test_a_history_of_an_earlier_version_is_continued():
    stored = asdict(History(best_epoch=2, best_exact=0.5, best_cer=0.5))
    for name in ("top_exact", "top_cer", "top_edits"):
        del stored[name]
    history = History(**stored)
    assert not history.add_validation(3, Validation(0.4, 0.5, 0.0, [1]), prefers_late=True)
    assert history.add_validation(4, Validation(0.6, 0.5, 0.0, [1]), prefers_late=True)


def test_equal_scores_are_kept_and_are_no_improvement():
    history, kept = history_of((0.0, 1.0), (0.0, 1.0), (0.5, 0.4), (0.5, 0.4), (0.5, 0.5), (0.5, 0.4))
    assert kept == [True, True, True, True, False, True]
    assert (history.best_epoch, history.improved_epoch, history.last_epoch) == (6, 3, 6)


@pytest.mark.parametrize(("patience", "ends"), [(0, False), (1, True), (3, True), (4, False)])
def test_patience_counts_epochs_without_a_better_one(patience, ends):
    history, _ = history_of((0.1, 0.5), (0.2, 0.5), (0.2, 0.5), (0.1, 0.4), (0.2, 0.6))
    assert history.is_out_of_patience(patience) is ends


def test_the_first_validation_is_an_improvement_however_bad():
    history, _ = history_of((0.0, 7.5))
    assert not history.is_out_of_patience(1)


class Listener(ProgressListener):
    def __init__(self):
        self.notices = []

    def notice(self, text):
        self.notices.append(text)


def test_a_training_ends_when_its_patience_does(registry, tmp_path):
    # Weights that do not change read nothing, in every epoch.
    listener, config = Listener(), tiny(epochs=9, patience=2, lr=1e-12, schedule="constant")
    result = runner.run(resolve(registry, config), Runtime(tmp_path, listener=listener))
    folder = RunFolder(result.folder)
    epochs = [record for record in folder.read_metrics() if record["kind"] == "epoch"]
    training = folder.read_summary()["training"]
    assert 3 <= len(epochs) < 9
    assert (training["steps"], training["stopped_early"]) == (5 * len(epochs), True)
    assert any(f"stopped after epoch {len(epochs)} of 9: no better" in text for text in listener.notices)
    # The schedules are those of nine epochs.
    assert epochs[-1]["steps"] == 45
    assert json.loads(result.path.read_text())["config"]["patience"] == 2


def test_patience_and_parts_change_the_key_only_where_they_are_given(registry):
    plain = resolve(registry, tiny())
    keys = {
        resolve(registry, tiny(**settings)).train_key for settings in ({}, {"patience": 0}, {"accumulate": 1})
    }
    assert keys == {plain.train_key}
    assert (
        len({resolve(registry, tiny(**s)).train_key for s in ({}, {"patience": 2}, {"accumulate": 2})}) == 3
    )


def test_more_parts_than_images_are_refused(registry):
    with pytest.raises(
        UsageError, match="--accumulate 17 and --batch-size 16: a batch can't have more parts"
    ):
        resolve(registry, tiny(accumulate=17))
