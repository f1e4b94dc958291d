"""Prefix beam search over frames that arrive in pieces."""

from typing import NoReturn, SupportsFloat, SupportsIndex

from . import _core
from .arguments import LogProbsLike, check_beam, check_input, named_bad_frames
from .arrays import as_array
from .beam import selected_path
from .guides import GuideLike, compiled_guide
from .hypothesis import Hypothesis
from .scalars import check_flag, check_integer, check_non_negative


class BeamSearchStream:
    """The search of `beam_search` over the frames of one sequence that arrive in pieces.

    The result is that of `beam_search` for all frames at once, bit for bit, however the frames are divided.

    A guided search drops a labelling that cannot end in the frames that remain. Their number decides nothing
    while it is at least the largest number of frames that a state of the guide needs to its end: twice the
    length of the longest word of a lexicon at most, 0 for a language model of characters. The search stays
    that many frames behind those that were pushed; `finish` reads the last ones.

    Memory: all frames are kept until `finish`, at 4 bytes for each class of a frame (8 for float64, and with
    `normalize` or `blank_penalty`). The frames of the characters need them, and so does the exact search,
    which decodes the sequence again from its first frame if its probabilities do not fit into doubles.

    Calls from several threads are safe and are executed one after the other.

    Args:
        beam_width: as in `beam_search`.
        blank: as in `beam_search`.
        n_best: number of hypotheses that `finish` returns, at most `beam_width`.
        normalize: as in `beam_search`.
        blank_penalty: as in `beam_search`.
        frames: whether `finish` computes the frames of the characters.
        guide: as in `beam_search`.

    Raises:
        TypeError: as `beam_search`.
        ValueError: as `beam_search`.
        UsageError: as `beam_search`.

    >>> stream = BeamSearchStream(beam_width=25)
    >>> for piece_TK in pieces:
    ...     stream.push(piece_TK)
    ...     print(stream.stable_prefix(), stream.best().labels)
    >>> best = stream.finish()[0]
    """

    def __init__(
        self,
        *,
        beam_width: SupportsIndex = 25,
        blank: SupportsIndex = 0,
        n_best: SupportsIndex = 1,
        normalize: bool = False,
        blank_penalty: SupportsFloat = 0.0,
        frames: bool = True,
        guide: GuideLike | None = None,
    ) -> None:
        width, best = check_beam(beam_width, n_best)
        self._blank = check_integer("blank", blank, low=0)
        self._normalize = check_flag("normalize", normalize)
        self._blank_penalty = check_non_negative("blank_penalty", blank_penalty)
        self._stream = _core.Stream(
            beam_width=width,
            blank=self._blank,
            n_best=best,
            path=selected_path(),
            frames=check_flag("frames", frames),
            guide=compiled_guide(guide, classes=None, blank=self._blank),
        )

    def __reduce__(self) -> NoReturn:
        # A shallow copy would push its frames into the same search.
        raise TypeError("a BeamSearchStream can't be copied or pickled; create one for each sequence")

    def push(self, log_probs: LogProbsLike) -> None:
        """Add frames of shape (T, K). T may differ from piece to piece, and be 0; K may not.

        If it raises, no frame is added. Frames are counted from the beginning of the piece in its messages.

        Raises:
            TypeError: `log_probs` has the wrong type or dtype, or is not in CPU memory.
            ValueError: as `beam_search`; the shape is not (T, K), or K is not that of the earlier pieces; the
                stream is finished.
        """
        array = as_array(log_probs)
        if array.ndim != 2:
            raise ValueError(
                f"log_probs has shape {array.shape}; a piece must be (T, K), a single frame (1, K)"
            )
        checked = check_input(
            array,
            None,
            self._blank,
            normalize=self._normalize,
            blank_penalty=self._blank_penalty,
            check_log_probs=False,
        )
        with named_bad_frames(checked):
            self._stream.push(checked.log_probs_NTK, checked.lengths_N)

    def best(self) -> Hypothesis:
        """Return the most probable labelling of the frames so far, without the frames of its characters.

        With a guide, the labelling of the highest score. It need not be permitted to end yet, so its score
        has no weight of an end, and nothing is dropped for want of frames: this takes a second search of all
        frames so far, and so the time of `push` again. If no labelling is left, it is the empty one with
        `log_prob` -inf.

        Raises:
            ValueError: the stream is finished.
        """
        return self._stream.best(Hypothesis)

    def stable_prefix(self) -> tuple[int, ...]:
        """Return the longest common prefix of all labellings in the beam.

        Later frames cannot change it: each later labelling in the beam, and so the result, begins with it.
        With a guide the beam is that of the search that is some frames behind.

        Raises:
            ValueError: the stream is finished.
        """
        return self._stream.stable_prefix()

    def finish(self) -> list[Hypothesis]:
        """Return what `beam_search` returns for all frames, and free the memory.

        With a guide the list is empty if no permitted labelling fits.

        The stream cannot be used afterwards.

        Raises:
            ValueError: the stream is finished.
        """
        return self._stream.finish(Hypothesis)
