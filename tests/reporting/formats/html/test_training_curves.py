"""Training curves: bands over seeds."""

from ctcbench.reporting.formats.html import (
    training_curves,
)
from ctcbench.results.run_folder import RunFolder
from tests.reporting.formats.html import html_cases as cases


def test_curves_have_a_band_over_seeds_and_are_thinned_out(tmp_path):
    for seed, scale in ((0, 0.1), (1, 0.3)):
        folder = RunFolder(tmp_path / str(seed))
        folder.path.mkdir()
        for step in range(1, 301):
            folder.append_metrics({"kind": "epoch", "step": step, "val_exact": scale, "val_loss": None})
    read = cases.texts(("1", "1"))
    members = [cases.member(tmp_path / str(seed), read, seed=seed) for seed in (0, 1)]
    (curve,) = training_curves.training_curves([cases.row(1, {}, members), cases.row(2, {}, members)])
    assert curve["rows"] == [1, 2] and curve["models"] == 2
    assert curve["exact"][0] == [1, 0.2, 0.1, 0.3] and curve["exact"][-1][0] == 300
    assert len(curve["exact"]) == training_curves.POINTS and curve["loss"] == []
