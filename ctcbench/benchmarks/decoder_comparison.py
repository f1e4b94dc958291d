"""Every installed decoder on the same log-probs: interleaved rounds, and the share of same answers."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.contract.hypothesis import Hypothesis
from ctcbench.registry.component_registry import Registry

Decode = Callable[[LogProbs], Sequence[Hypothesis]]

_SHORTEST = 0.02  # seconds a measurement; a faster decoder goes through the images again


@dataclass(frozen=True)
class Spread:
    """The median of the rounds and their quartiles."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class DecoderSpeed:
    """One decoder: it decoded the first ``images``, so many a second, ``ratio`` times the reference's.

    ``same`` is the share of these images on which it gives the labels that the yardstick gives;
    ``cores`` its processor time over its wall time: above 1, it took more than one thread.
    """

    decoder: str
    images: int
    per_second: Spread
    ratio: Spread
    same: float
    cores: float


@dataclass(frozen=True)
class DecoderComparison:
    """The decoders on one set of log-probs; ``left_out`` says why others could not be measured."""

    name: str
    images: int
    frames: int
    classes: int
    top_probability: float
    speeds: tuple[DecoderSpeed, ...]
    left_out: Mapping[str, str]


@dataclass
class _Runner:
    """A decoder at work: how many images fit into its time, how often, and what came out."""

    name: str
    decode: Decode
    part: LogProbs
    repeats: int
    labels: list[tuple[int, ...]]

    def once(self) -> tuple[float, float]:
        """Return images a second, and processor time over wall time."""
        started, cpu = time.perf_counter(), time.process_time()
        for _ in range(self.repeats):
            self.decode(self.part)
        seconds = time.perf_counter() - started
        return self.repeats * len(self.part) / seconds, (time.process_time() - cpu) / seconds


def compare(
    registry: Registry,
    name: str,
    log_probs: LogProbs,
    decoders: Sequence[str],
    *,
    reference: str,
    yardstick: str,
    rounds: int,
    seconds: float,
    progress: Callable[[str], None] = lambda what: None,
) -> DecoderComparison:
    """Time each decoder once in every round, so that what slows one slows all.

    A decoder gets as many of the first images as it decodes within `seconds` a round (one at least).
    Ratios are taken within each round, to `reference`; `yardstick` gives the answers to agree with.
    Both must be among `decoders`.

    Raises:
        UsageError: there is nothing to decode, or the reference or the yardstick can't be built.
    """
    if not len(log_probs):
        raise UsageError(f"{name}: no images to decode")
    runners: dict[str, _Runner] = {}
    left_out: dict[str, str] = {}
    for decoder in decoders:
        progress(f"{name}: {decoder}, first time")
        try:
            runners[decoder] = _prepare(registry, decoder, log_probs, seconds)
        except CtcbenchError as error:
            if decoder in (reference, yardstick):
                raise
            left_out[decoder] = str(error)
        except Exception as error:  # a guest's own, on this data: it must not end the comparison
            left_out[decoder] = f"{type(error).__name__}: {error}"
    measured: dict[str, list[tuple[float, float]]] = {decoder: [] for decoder in runners}
    for number in range(rounds):
        for decoder, runner in runners.items():
            progress(f"{name}: round {number + 1} of {rounds}, {decoder}")
            measured[decoder].append(runner.once())
    answers = runners[yardstick].labels
    base = [rate for rate, _ in measured[reference]]
    speeds = []
    for decoder, runner in runners.items():
        rates, cores = zip(*measured[decoder], strict=True)
        compared = list(zip(runner.labels, answers, strict=False))
        speeds.append(
            DecoderSpeed(
                decoder,
                len(runner.part),
                _spread(rates),
                _spread([rate / other for rate, other in zip(rates, base, strict=True)]),
                sum(ours == theirs for ours, theirs in compared) / len(compared),
                statistics.median(cores),
            )
        )
    images, frames, classes = log_probs.values_NTK.shape
    top = _top_probability(log_probs)
    speeds.sort(key=lambda speed: -speed.per_second.median)
    return DecoderComparison(name, images, frames, classes, top, tuple(speeds), left_out)


def _prepare(registry: Registry, decoder: str, log_probs: LogProbs, seconds: float) -> _Runner:
    """Build a decoder, find how many images fit into `seconds`, and keep what it reads in them."""
    decode: Decode = registry.build("decoder", decoder, log_probs.alphabet)
    decode(_first(log_probs, 1))  # the first call also loads and allocates
    count = 1
    while True:
        started = time.perf_counter()
        found = list(decode(part := _first(log_probs, count)))
        spent = max(time.perf_counter() - started, 1e-9)
        if count == len(log_probs) or spent > seconds / 4:
            break
        # At most eight times as many: the first images may be quicker than the others.
        count = min(len(log_probs), max(count + 1, min(8 * count, int(count * seconds / spent))))
    if spent > seconds and count > 1:
        count = max(1, int(count * seconds / spent))
    if len(found) != len(part):
        raise PluginError(f"decoder {decoder}: {len(found)} hypotheses for {len(part)} images")
    labels = [tuple(map(int, hypothesis.labels)) for hypothesis in found[:count]]
    repeats = max(1, round(_SHORTEST / (spent * count / len(part))))
    return _Runner(decoder, decode, _first(log_probs, count), repeats, labels)


def _first(log_probs: LogProbs, count: int) -> LogProbs:
    return LogProbs(
        log_probs.values_NTK[:count], log_probs.lengths_N[:count], log_probs.texts[:count], log_probs.alphabet
    )


def _spread(values: Sequence[float]) -> Spread:
    low, high = np.quantile(values, [0.25, 0.75])
    return Spread(statistics.median(values), float(low), float(high))


def _top_probability(log_probs: LogProbs) -> float:
    """Return the largest probability of a frame, on average over the frames that count."""
    top_NT = np.exp(log_probs.values_NTK.max(-1))
    counts_NT = np.arange(top_NT.shape[1]) < log_probs.lengths_N[:, None]
    return float(top_NT[counts_NT].mean()) if counts_NT.any() else 0.0
