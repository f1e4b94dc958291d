"""stored_predictions(): the texts that a stored result was computed from, as its run folder has them."""

from __future__ import annotations

from collections.abc import Mapping

from ctcbench.contract.errors import CtcbenchError
from ctcbench.results.predictions import Predictions
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder


def stored_predictions(result: Result) -> Predictions | None:
    """Return the predictions stored with a result; None if there are none, or they are of another result.

    Predictions belong to a result if they have the same image fingerprint, number of images and exact
    accuracy. Reports never decode: ``ctcbench decode RUN --decoder …`` stores predictions where an older
    version of ctcbench left none.
    """
    if result.folder is None or result.path is None:
        return None
    try:
        stored = RunFolder(result.folder).read_predictions(result.path.stem)
    except CtcbenchError:
        return None  # no such file, or a damaged one: the result is reported without them
    return stored if _belong_to(result, stored) else None


def _belong_to(result: Result, predictions: Predictions) -> bool:
    # A file can be left from an earlier result of the same decoder, or copied from another run.
    data = result.provenance.get("data")
    return (
        isinstance(data, Mapping)
        and predictions.fingerprint == data.get("fingerprint")
        and len(predictions.texts) == result.score.images
        and any(predictions.targets)
        and abs(predictions.exact - result.score.exact) < 1e-9
    )
