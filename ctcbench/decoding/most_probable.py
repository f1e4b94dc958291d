"""The most probable labelling, with a proof that it is."""

from collections.abc import Callable
from typing import (
    Any,
    Literal,
    NamedTuple,
    Protocol,
    SupportsFloat,
    SupportsIndex,
    TypedDict,
    Unpack,
    cast,
    overload,
)

from . import _core
from .arguments import LogProbsLike, check_input, named_bad_frames
from .beam import check_threads, selected_path
from .guides import ConstraintLike, compiled_constraint
from .hypothesis import Hypothesis
from .one_or_many import LogProbsNTK, LogProbsTK, UnknownShape
from .scalars import check_flag, check_integer

# Prefixes that the last search may store for a sequence.
NODES = 10_000


class BestLabelling(NamedTuple):
    """The most probable labelling of a sequence, as far as it is known.

    Attributes:
        labels: the class of each character, blanks and repeats removed; (L,).
        log_prob: its natural log-probability, the sum over all its alignments; -inf, with no labels, if
            there is no labelling that the constraint accepts.
        optimal: whether it is proven that no labelling is more probable. Ties do not count: a relative
            difference below 1e-12, or below what rounding can tell, 4e-15 for each frame.
        gap: no labelling is more than exp(`gap`) times as probable as this one; 0 if `optimal`.
        proof: `"best path"`, `"beam"` or `"prefix search"`: what proved it; `"nothing accepted"`: no
            labelling that the constraint accepts is possible in the frames; `"none"` without a proof.
    """

    labels: tuple[int, ...]
    log_prob: float
    optimal: bool
    gap: float
    proof: str


class _Keywords(TypedDict, total=False):
    nodes: SupportsIndex
    beam_width: SupportsIndex
    blank: SupportsIndex
    threads: SupportsIndex | None
    normalize: bool
    blank_penalty: SupportsFloat
    guide: ConstraintLike | None


class _BestLabelling(Protocol):
    """The types of `best_labelling`, whose result also depends on `proofs`; see `one_or_many`."""

    @overload
    def __call__(
        self,
        log_probs: UnknownShape,
        lengths: object = None,
        *,
        proofs: bool = True,
        **options: Unpack[_Keywords],
    ) -> Any: ...
    @overload
    def __call__(
        self,
        log_probs: LogProbsTK,
        lengths: object = None,
        *,
        proofs: Literal[True] = True,
        **options: Unpack[_Keywords],
    ) -> BestLabelling: ...
    @overload
    def __call__(
        self,
        log_probs: LogProbsNTK,
        lengths: object = None,
        *,
        proofs: Literal[True] = True,
        **options: Unpack[_Keywords],
    ) -> list[BestLabelling]: ...
    @overload
    def __call__(
        self,
        log_probs: LogProbsLike,
        lengths: object = None,
        *,
        proofs: bool = True,
        **options: Unpack[_Keywords],
    ) -> Any: ...


def _typed(function: Callable[..., Any]) -> _BestLabelling:
    return cast(_BestLabelling, function)


@_typed
def best_labelling(
    log_probs: LogProbsLike,
    lengths: object = None,
    *,
    nodes: SupportsIndex = NODES,
    beam_width: SupportsIndex = 25,
    blank: SupportsIndex = 0,
    threads: SupportsIndex | None = None,
    normalize: bool = False,
    blank_penalty: SupportsFloat = 0.0,
    proofs: bool = True,
    guide: ConstraintLike | None = None,
) -> Any:
    """Find the most probable labelling, and prove that no other one is more probable.

    A beam search may miss it, because it drops prefixes. Three proofs are tried, the cheapest first:

    1. The labelling of the best path has more than half of the probability of all labellings.
    2. Best-first search over prefixes (Graves 2006) with an upper bound of each prefix's best labelling finds
       none above it. Here the result can still change to a better one.
    3. The best labelling of a beam search is more probable than what the beam has lost, and than each other
       one of the beam with all of that added.

    The second stores few prefixes at first. If the third proves nothing, it is done again with up to `nodes`
    prefixes. If they do not suffice, the best labelling so far is returned, with `optimal` false and a bound
    on how much more probable another one can be.

    Args:
        log_probs: natural logarithms of shape (N, T, K), or (T, K) for one sequence; as for `beam_search`.
            Rows need not sum to one.
        lengths: as for `beam_search`.
        nodes: the largest number of prefixes that the second proof stores for a sequence; 0 for no such
            search. A limit of time would make results depend on the machine.
        beam_width: number of labellings that the beam search keeps.
        blank: as for `beam_search`.
        threads: as for `beam_search`.
        normalize: as for `beam_search`.
        blank_penalty: as for `beam_search`.
        proofs: whether to return the proofs. Without them a result is a `Hypothesis` that has no frames.
        guide: a constraint (`Automaton`), or a sequence of them. The most probable of the labellings that all
            of them accept is found, and the proofs are for these alone. No language models: only
            probabilities of the network have such proofs.

    Returns:
        N `BestLabelling` (one for (T, K)), or N `Hypothesis`. If `guide` accepts no labelling that is
        possible in the frames of a sequence, its result has no labels, the log-probability -inf, and is
        `optimal`. Where a beam finds none because classes have probability zero, the search for one ends
        after a million steps: then such a result is not `optimal`, and has an infinite `gap`.

    Raises:
        TypeError: as `beam_search`; `guide` is no constraint.
        ValueError: as `beam_search`.
        InputError: the constraints accept no common labelling, or their intersection is too large.
        UsageError: as `beam_search`.
    """
    # The search checks each value when it reads it, which saves a pass over the array.
    checked = check_input(
        log_probs, lengths, blank, normalize=normalize, blank_penalty=blank_penalty, check_log_probs=False
    )
    classes = checked.log_probs_NTK.shape[2]
    options: _Options = {
        "nodes": check_integer("nodes", nodes, low=0),
        "beam_width": check_integer("beam_width", beam_width, low=1),
        "blank": checked.blank,
        "threads": check_threads(threads),
        "path": selected_path(),
        "guide": compiled_constraint(guide, classes=classes, blank=checked.blank),
    }
    values_NTK, lengths_N = checked.log_probs_NTK, checked.lengths_N
    found: list[BestLabelling] | list[Hypothesis]
    with named_bad_frames(checked):
        if check_flag("proofs", proofs):
            found = _core.best_labellings(values_NTK, lengths_N, **options, labelling=BestLabelling)
        else:
            found = _core.best_hypotheses(values_NTK, lengths_N, **options, hypothesis=Hypothesis)
    return found[0] if checked.single else found


class _Options(TypedDict):
    nodes: int
    beam_width: int
    blank: int
    threads: int
    path: str
    guide: _core.Guide | None
