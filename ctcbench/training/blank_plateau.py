"""BlankPlateauDetector: counts and reports steps whose outputs are empty or no better than guessing."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Every training starts on the plateau and usually leaves it within this many steps.
NOTICE_AFTER = 200
# A network that has learned how common characters are and how long texts are, but ignores the image,
# has a loss slightly below that of the unigram distribution.
_SHARE_OF_UNIGRAM_LOSS = 0.9


@dataclass
class BlankPlateauDetector:
    """Counter of the steps on the plateau; its fields are stored in checkpoints.

    A step is on the plateau if every output of its batch is empty, or if its loss is at least 0.9 times
    the unigram loss. Steps count from 1.

    Attributes:
        steps: number of consecutive steps on the plateau up to the last one.
        blank_steps: number of consecutive steps with empty outputs up to the last one.
        longest: largest value of `steps` so far.
        left_step: first step after the longest stay on the plateau; 0 while that stay lasts.
    """

    steps: int = 0
    blank_steps: int = 0
    longest: int = 0
    left_step: int = 0

    def update(
        self, step: int, loss: float, all_blank: bool, unigram_loss: float, *, is_ctc: bool = True
    ) -> str:
        """Add a step, and return a notice for the user, or an empty text.

        There is a notice after 200 steps on the plateau, each time that number has doubled, and when the
        plateau is left after 200 steps or more.

        Args:
            step: number of the step, counted from 1.
            loss: its loss in nats per image.
            all_blank: whether every output of its batch is empty.
            unigram_loss: loss of guessing in nats per image; see `estimate_unigram_loss`.
            is_ctc: whether the loss is CTC; without CTC the notice does not speak of a blank plateau.
        """
        name = "blank plateau" if is_ctc else "plateau"
        self.blank_steps = self.blank_steps + 1 if all_blank else 0
        if all_blank or loss >= _SHARE_OF_UNIGRAM_LOSS * unigram_loss:
            self.steps += 1
            if self.steps > self.longest:
                self.longest, self.left_step = self.steps, 0
            # Doubling intervals: a plateau can last for thousands of steps, and the log stays readable.
            ratio = self.steps / NOTICE_AFTER
            if ratio < 1 or not math.log2(ratio).is_integer():
                return ""
            return f"step {step}: {name}: {self._describe(loss, unigram_loss, is_ctc)}"
        stayed, self.steps = self.steps, 0
        if stayed == self.longest and not self.left_step:
            self.left_step = step
        return f"step {step}: left the {name} after {stayed} steps" if stayed >= NOTICE_AFTER else ""

    def _describe(self, loss: float, unigram_loss: float, is_ctc: bool) -> str:
        if self.blank_steps == self.steps:
            return f"all blank for {self.steps} steps"
        outputs = "blank or no better" if is_ctc else "no better"
        return (
            f"{outputs} than guessing for {self.steps} steps (loss {loss:.1f}; "
            f"guessing has {unigram_loss:.1f} nats per image)"
        )
