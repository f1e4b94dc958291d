"""The blank plateau, on which a recogniser says nothing or guesses: counted, named, and when it was left."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Every run begins there; a plateau that is worth naming is when that does not end.
WORTH_NAMING = 200
# Of the loss of guessing: what a recogniser stays above that has learned how common characters are,
# and how many there are, but not to look.
_GUESSING = 0.9


@dataclass
class BlankPlateau:
    """How long training has been on the plateau; a checkpoint keeps it. Steps count from 1, 0 is never.

    A step is on it if every output is empty, or if the loss is near `guess_loss` or above. ``steps``
    and ``blank_steps`` count those in a row up to now; ``left_step`` is the first after the longest
    time on it (0: that time goes on).
    """

    steps: int = 0
    blank_steps: int = 0
    longest: int = 0
    left_step: int = 0

    def take(
        self, step: int, loss: float, all_blank: bool, guess_loss: float, *, blanks_tempt: bool = True
    ) -> str:
        """Take a step, and return a sentence where there is something to say, else an empty text.

        Where blanks don't tempt, as they do with CTC, the plateau is not called by them.
        """
        name = "blank plateau" if blanks_tempt else "plateau"
        self.blank_steps = self.blank_steps + 1 if all_blank else 0
        if all_blank or loss >= _GUESSING * guess_loss:
            self.steps += 1
            if self.steps > self.longest:
                self.longest, self.left_step = self.steps, 0
            # Named when it is one, and again each time that it has doubled.
            lengths = self.steps / WORTH_NAMING
            if lengths < 1 or not math.log2(lengths).is_integer():
                return ""
            return f"step {step}: {name}: {self.describe(loss, guess_loss, blanks_tempt=blanks_tempt)}"
        was, self.steps = self.steps, 0
        if was == self.longest and not self.left_step:
            self.left_step = step
        return f"step {step}: left the {name} after {was} steps" if was >= WORTH_NAMING else ""

    def describe(self, loss: float, guess_loss: float, *, blanks_tempt: bool = True) -> str:
        """Return how it shows."""
        if self.blank_steps == self.steps:
            return f"all blank for {self.steps} steps"
        seen = "blank or no better" if blanks_tempt else "no better"
        return (
            f"{seen} than guessing for {self.steps} steps (loss {loss:.1f}; "
            f"guessing has {guess_loss:.1f} nats an image)"
        )
