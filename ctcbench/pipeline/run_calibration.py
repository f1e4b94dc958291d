"""fit_run_sharpness(): the calibration of a run's confidences, from its stored log-probabilities."""

from __future__ import annotations

from ctcbench.contract.specs import Alignment
from ctcbench.evaluation.calibration import fit_sharpness
from ctcbench.results.run_folder import RunFolder


def fit_run_sharpness(folder: RunFolder, alignment: Alignment) -> float:
    """Return the sharpness that calibrates confidences; 1 without CTC, or in an unfinished run.

    Raises:
        CtcbenchError: the log-probabilities of the validation images are damaged.
    """
    # Runs of earlier versions have no log-probabilities of the validation images either.
    calibrates = alignment == "ctc" and folder.has(folder.log_probs_path("val"))
    return fit_sharpness(folder.read_log_probs("val")) if calibrates else 1.0
