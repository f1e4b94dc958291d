"""Training curves: bands over seeds, runs of one epoch."""

from ctcbench.reporting.formats.html import (
    training_curves,
)
from ctcbench.results.run_folder import RunFolder
from tests.reporting.formats.html import html_cases as cases


def test_curves_have_a_band_over_seeds_and_are_thinned_out(tmp_path):
    for seed, scale in ((0, 0.1), (1, 0.3)):
        folder = RunFolder(tmp_path / str(seed))
        folder.path.mkdir()
        for step in (10, 20):
            folder.append_metrics({"kind": "steps", "step": step, "loss": step * scale})
        for step in range(1, 301):
            folder.append_metrics({"kind": "epoch", "step": step, "val_exact": scale, "val_loss": None})
    read = cases.texts(("1", "1"))
    members = [cases.member(tmp_path / str(seed), read, seed=seed) for seed in (0, 1)]
    (curve,) = training_curves.training_curves([cases.row(1, {}, members), cases.row(2, {}, members)])
    assert curve["rows"] == [1, 2] and curve["models"] == 2
    assert curve["exact"][0] == [1, 0.2, 0.1, 0.3] and curve["exact"][-1][0] == 300
    assert curve["training"] == [[10, 2.0, 1.0, 3.0], [20, 4.0, 2.0, 6.0]]
    assert len(curve["exact"]) == training_curves.POINTS and curve["loss"] == []


def test_a_run_of_one_epoch_has_a_curve_of_its_training_loss(tmp_path):
    folder = RunFolder(tmp_path)
    for step in range(10, 60, 10):
        folder.append_metrics({"kind": "steps", "step": step, "loss": 50.0 - step})
    folder.append_metrics({"kind": "epoch", "step": 55, "val_exact": 0.5, "val_loss": 2.0})
    one = cases.member(tmp_path, cases.texts(("1", "1")), seed=0)
    (curve,) = training_curves.training_curves([cases.row(1, {}, [one])])
    assert [point[:2] for point in curve["training"]] == [[10, 40], [20, 30], [30, 20], [40, 10], [50, 0]]
    assert len(curve["exact"]) == len(curve["loss"]) == 1
