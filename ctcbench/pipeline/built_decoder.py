"""BuiltDecoder: a decoder with its options, and checks of what it returns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ctcbench.contract.data import LogProbs
from ctcbench.contract.specs import Alphabet
from ctcbench.decoding import BestLabelling
from ctcbench.decoding.hypothesis import Hypothesis
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.hypothesis_checks import require_hypotheses, require_n_best, require_proofs


@dataclass(frozen=True)
class BuiltDecoder:
    """A decoder that is built, and the owner that its errors name; `build_decoder` returns one."""

    owner: str
    search: Callable[[LogProbs], Iterable[Hypothesis]]

    def decode(self, log_probs: LogProbs) -> tuple[list[Hypothesis], float]:
        """Return the best hypothesis of every image, and how many seconds decoding took.

        Raises:
            PluginError: the decoder failed, or returned another number of hypotheses, or unknown labels.
        """
        started = time.perf_counter()
        with attribute_errors(f"{self.owner} failed"):
            # A list, since a generator would do its work after the clock has stopped.
            hypotheses = list(self.search(log_probs))
        seconds = time.perf_counter() - started
        require_hypotheses(self.owner, hypotheses, log_probs)
        return hypotheses, seconds

    @property
    def has_proofs(self) -> bool:
        """Whether the decoder can prove that no text has a higher score than the one it returns."""
        return getattr(self.search, "with_proofs", None) is not None

    def decode_with_proofs(
        self, log_probs: LogProbs
    ) -> tuple[list[Hypothesis], list[BestLabelling] | None, float]:
        """Return what `decode` returns, and between the two the proofs; None of a decoder without any.

        Raises:
            PluginError: as `decode`, or a proof contradicts itself.
        """
        if not self.has_proofs:
            hypotheses, seconds = self.decode(log_probs)
            return hypotheses, None, seconds
        search: Callable[[LogProbs], Iterable[BestLabelling]] = self.search.with_proofs  # type: ignore[attr-defined]
        started = time.perf_counter()
        with attribute_errors(f"{self.owner} failed"):
            proofs = list(search(log_probs))
        seconds = time.perf_counter() - started
        require_proofs(self.owner, proofs, log_probs)
        return [Hypothesis(one.labels, one.log_prob, ()) for one in proofs], proofs, seconds

    @property
    def has_own_score(self) -> bool:
        """Whether the decoder ranks by something else than the probability of the network alone."""
        return bool(getattr(self.search, "has_own_score", False))

    @property
    def ranks_by_log_prob(self) -> bool:
        """Whether the best hypothesis is that of the highest score."""
        return bool(getattr(self.search, "ranks_by_log_prob", True))

    @property
    def objective(self) -> str | None:
        """What the decoder searches; None for the most probable of all labellings."""
        # With a score of its own, the best text is not the most probable one either.
        return getattr(self.search, "objective", None) or ("its own score" if self.has_own_score else None)

    def n_best(self, log_probs: LogProbs, count: int) -> Sequence[Sequence[Hypothesis]] | None:
        """Return up to `count` hypotheses of every image, best first; None if the decoder has only the best.

        Raises:
            PluginError: the decoder failed, or returned another number of lists, or unknown labels.
        """
        search = getattr(self.search, "n_best", None)
        if search is None:
            return None
        with attribute_errors(f"{self.owner} failed"):
            found = [list(hypotheses) for hypotheses in search(log_probs, count)]
        require_n_best(self.owner, found, log_probs)
        return found


def build_decoder(registry: Registry, decoder: str, alphabet: Alphabet) -> BuiltDecoder:
    """Build the decoder of a component string, which can take a while: it may load a file.

    Raises:
        UsageError: the decoder refuses its options.
        PluginError: the builder failed.
    """
    search = registry.build("decoder", decoder, alphabet)
    return BuiltDecoder(registry.describe_owner("decoder", decoder), search)
