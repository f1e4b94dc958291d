"""Speed and agreement of decoders on the same log-probabilities, in interleaved rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import CtcbenchError, PluginError, UsageError
from ctcbench.decoding.hypothesis import Hypothesis
from ctcbench.registry.component_registry import Registry

Decode = Callable[[LogProbs], Sequence[Hypothesis]]

_MIN_SECONDS = 0.02  # of one measurement; a faster decoder decodes the images several times


@dataclass(frozen=True)
class Quartiles:
    """The quartiles over the rounds: median, lower and upper."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class DecoderSpeed:
    """The measurements of one decoder.

    Attributes:
        decoder: component string.
        images: number of images that it decoded in each round, the first of the set.
        per_second: images per second.
        ratio: images per second over those of the reference decoder, within each round.
        same: share of its images for which its labels equal those of the yardstick.
        changed: number of its images for which they differ.
        cores: processor time over wall time; above 1 if it uses more than one thread.
    """

    decoder: str
    images: int
    per_second: Quartiles
    ratio: Quartiles
    same: float
    changed: int
    cores: float


@dataclass(frozen=True)
class DecoderComparison:
    """The decoders on one set of log-probabilities; ``left_out`` maps those that failed to the reason."""

    name: str
    images: int
    frames: int
    classes: int
    top_probability: float
    speeds: tuple[DecoderSpeed, ...]
    left_out: Mapping[str, str]


@dataclass
class _Runner:
    """A decoder with the images that it can decode within its time, and the labels it found."""

    name: str
    decode: Decode
    part: LogProbs
    repeats: int
    labels: list[tuple[int, ...]]

    def once(self) -> tuple[float, float]:
        """Return images per second, and processor time over wall time."""
        started, cpu = time.perf_counter(), time.process_time()
        for _ in range(self.repeats):
            list(self.decode(self.part))  # which may yield one after the other
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
    """Time each decoder once in every round.

    A decoder gets as many of the first images as it decodes within `seconds` in a round, at least one. Ratios
    to `reference` are taken within each round. `yardstick` is the decoder whose labels the others are
    compared with. Both must be among `decoders`.

    Raises:
        UsageError: there are no images, or the reference or the yardstick cannot be built.
        PluginError: one of these two raised an error.
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
        except Exception as error:  # a plugin's decoder may raise anything; the others are still compared
            left_out[decoder] = f"{type(error).__name__}: {error}"
            if decoder in (reference, yardstick):
                raise PluginError(f"decoder {decoder}: {left_out[decoder]}") from error
    # Interleaved, so that a load from outside slows all decoders alike.
    measured: dict[str, list[tuple[float, float]]] = {decoder: [] for decoder in runners}
    for number in range(rounds):
        for decoder, runner in runners.items():
            progress(f"{name}: round {number + 1} of {rounds}, {decoder}")
            measured[decoder].append(runner.once())
    expected = runners[yardstick].labels
    # Ratios within a round: both decoders then ran under the same load.
    base = [rate for rate, _ in measured[reference]]
    speeds = []
    for decoder, runner in runners.items():
        rates, cores = zip(*measured[decoder], strict=True)
        # A slow yardstick has decoded fewer images than the others: compared are those that both have.
        compared = list(zip(runner.labels, expected, strict=False))
        changed = sum(ours != theirs for ours, theirs in compared)
        speeds.append(
            DecoderSpeed(
                decoder,
                len(runner.part),
                _quartiles(rates),
                _quartiles([rate / other for rate, other in zip(rates, base, strict=True)]),
                1 - changed / len(compared),
                changed,
                statistics.median(cores),
            )
        )
    images, frames, classes = log_probs.values_NTK.shape
    top = _top_probability(log_probs)
    speeds.sort(key=lambda speed: -speed.per_second.median)
    return DecoderComparison(name, images, frames, classes, top, tuple(speeds), left_out)


def _prepare(registry: Registry, decoder: str, log_probs: LogProbs, seconds: float) -> _Runner:
    """Build a decoder, find how many images it decodes within `seconds`, and keep their labels."""
    decode: Decode = registry.build("decoder", decoder, log_probs.alphabet)
    decode(_first(log_probs, 1))  # the first call also loads and allocates
    count = 1
    while True:
        started = time.perf_counter()
        found = list(decode(part := _first(log_probs, count)))
        spent = max(time.perf_counter() - started, 1e-9)
        # A quarter of the time is long enough to extrapolate from.
        if count == len(log_probs) or spent > seconds / 4:
            break
        # At most eight times as many: the first images may take less time than the others.
        count = min(len(log_probs), max(count + 1, min(8 * count, int(count * seconds / spent))))
    if spent > seconds and count > 1:
        count = max(1, int(count * seconds / spent))
    # A rate of images is only meaningful if every image was decoded.
    if len(found) != len(part):
        raise PluginError(f"decoder {decoder}: {len(found)} hypotheses for {len(part)} images")
    labels = [tuple(map(int, hypothesis.labels)) for hypothesis in found[:count]]
    repeats = max(1, round(_MIN_SECONDS / (spent * count / len(part))))
    return _Runner(decoder, decode, _first(log_probs, count), repeats, labels)


def _first(log_probs: LogProbs, count: int) -> LogProbs:
    return LogProbs(
        log_probs.values_NTK[:count], log_probs.lengths_N[:count], log_probs.texts[:count], log_probs.alphabet
    )


def _quartiles(values: Sequence[float]) -> Quartiles:
    # Quartiles, not mean and deviation: a round during another program's work is an outlier.
    low, high = np.quantile(values, [0.25, 0.75])
    return Quartiles(statistics.median(values), float(low), float(high))


def _top_probability(log_probs: LogProbs) -> float:
    """Return the mean over the valid frames of the largest probability in each."""
    top_NT = np.exp(log_probs.values_NTK.max(-1))
    valid_NT = np.arange(top_NT.shape[1]) < log_probs.lengths_N[:, None]
    return float(top_NT[valid_NT].mean()) if valid_NT.any() else 0.0
