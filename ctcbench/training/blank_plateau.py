"""The blank plateau, on which a recogniser says nothing or guesses: counted, named, and when it was left."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Every run begins there; a plateau that is worth naming is when that does not end.
NOTICE_AFTER = 200
# Of the loss of guessing: what a recogniser stays above that has learned how common characters are,
# and how many there are, but not to look.
_GUESSING = 0.9


@dataclass
class BlankPlateauDetector:
    """How long training has been on the plateau; a checkpoint keeps it. Steps count from 1, 0 is never.

    A step is on it if every output is empty, or if the loss is near `unigram_loss` or above. ``steps``
    and ``blank_steps`` count those in a row up to now; ``left_step`` is the first after the longest
    time on it (0: that time goes on).
    """

    steps: int = 0
    blank_steps: int = 0
    longest: int = 0
    left_step: int = 0

    def update(
        self, step: int, loss: float, all_blank: bool, unigram_loss: float, *, is_ctc: bool = True
    ) -> str:
        """Take a step, and return a sentence where there is something to say, else an empty text.

        Where blanks don't tempt, as they do with CTC, the plateau is not called by them.
        """
        name = "blank plateau" if is_ctc else "plateau"
        self.blank_steps = self.blank_steps + 1 if all_blank else 0
        if all_blank or loss >= _GUESSING * unigram_loss:
            self.steps += 1
            if self.steps > self.longest:
                self.longest, self.left_step = self.steps, 0
            # Named when it is one, and again each time that it has doubled.
            lengths = self.steps / NOTICE_AFTER
            if lengths < 1 or not math.log2(lengths).is_integer():
                return ""
            return f"step {step}: {name}: {self.describe(loss, unigram_loss, is_ctc=is_ctc)}"
        was, self.steps = self.steps, 0
        if was == self.longest and not self.left_step:
            self.left_step = step
        return f"step {step}: left the {name} after {was} steps" if was >= NOTICE_AFTER else ""

    def describe(self, loss: float, unigram_loss: float, *, is_ctc: bool = True) -> str:
        """Return how it shows."""
        if self.blank_steps == self.steps:
            return f"all blank for {self.steps} steps"
        seen = "blank or no better" if is_ctc else "no better"
        return (
            f"{seen} than guessing for {self.steps} steps (loss {loss:.1f}; "
            f"guessing has {unigram_loss:.1f} nats an image)"
        )
