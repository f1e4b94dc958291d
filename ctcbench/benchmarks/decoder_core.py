"""Speed of the C++ search alone, and the effect of Python objects, a second thread and the code path."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from ctcbench.contract.data import LogProbs
from ctcbench.decoding import _core, beam_search, beam_search_arrays
from ctcbench.decoding.beam import selected_path


@dataclass(frozen=True)
class CoreRates:
    """Medians over the rounds; ratios are taken within each round.

    Attributes:
        path: the code path of the first four figures: that of CTCBENCH_DECODER_PATH, or the fastest one.
        alone: images per second of the search on one thread, without converting its results.
        objects: rate of `beam_search` over `alone`.
        arrays: rate of `beam_search_arrays` over `alone`.
        two_threads: rate of `beam_search` with two threads over that with one.
        paths: rate of each code path over that of `path`.
    """

    path: str
    alone: float
    objects: float
    arrays: float
    two_threads: float
    paths: dict[str, float]


def core_rates(log_probs: LogProbs, *, rounds: int, seconds: float) -> CoreRates:
    """Measure in interleaved rounds with beam width 25; each round takes about `seconds`.

    Raises:
        UsageError: as `selected_path`.
    """
    values_NTK, lengths_N = log_probs.values_NTK, log_probs.lengths_N

    def alone(path: str) -> None:
        _core.search_alone(values_NTK, lengths_N, beam_width=25, blank=0, n_best=1, threads=1, path=path)

    paths = _core.paths()
    selected = selected_path()
    used = selected if selected in paths else paths[0]  # "automatic" is the first
    calls: dict[str, Callable[[], object]] = {path: lambda path=path: alone(path) for path in paths}  # type: ignore[misc]
    # Compared with the search alone: the conversion to Python objects, that to arrays, and a second thread.
    calls["objects"] = lambda: beam_search(values_NTK, lengths_N, threads=1)
    calls["arrays"] = lambda: beam_search_arrays(values_NTK, lengths_N, threads=1)
    calls["two threads"] = lambda: beam_search(values_NTK, lengths_N, threads=2)
    # Interleaved, so that a load from outside slows all alike.
    rates: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            rates[name].append(len(log_probs) / _time(call, seconds / len(calls)))

    def ratio(name: str, base: str) -> float:
        return statistics.median(a / b for a, b in zip(rates[name], rates[base], strict=True))

    return CoreRates(
        used,
        statistics.median(rates[used]),
        ratio("objects", used),
        ratio("arrays", used),
        ratio("two threads", "objects"),
        {path: ratio(path, used) for path in paths},
    )


def _time(call: Callable[[], object], seconds: float) -> float:
    started, calls = time.perf_counter(), 0
    while True:
        call()
        calls += 1
        if (spent := time.perf_counter() - started) >= seconds:
            return spent / calls
