"""advise_training(): the options and the command of a first training on a set of pictures, and its cost."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ctcbench.config.run_config import flag
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.data import SPLITS, SplitName
from ctcbench.contract.errors import CtcbenchError
from ctcbench.data import training_advice as advising
from ctcbench.data.built_dataset import BuiltDataset, fit_of
from ctcbench.data.picture_content import PictureContent
from ctcbench.data.set_statistics import PictureSizes
from ctcbench.files.shell_words import join_quoted
from ctcbench.registry.component_registry import Registry

_USUAL_SHARE = 0.1  # the default of val and test


@dataclass(frozen=True)
class SplitSize:
    """How many images of a split can be used, and how many were left out."""

    images: int
    left_out: int


@dataclass(frozen=True)
class AdvisedTraining:
    """A first training on a set of pictures.

    Attributes:
        options: options of the data set that are changed, by name.
        command: its command line; None where there is an obstacle.
        obstacle: what prevents a training, such as labels in doubt or a split without pictures; else empty.
        cost: its estimated cost.
    """

    options: Mapping[str, str]
    command: str | None
    obstacle: str
    cost: advising.TrainingCost

    def to_json(self) -> dict[str, Any]:
        """Return the advice as a JSON document."""
        return {
            "options": dict(self.options),
            "command": self.command,
            "obstacle": self.obstacle,
            "cost": dataclasses.asdict(self.cost),
        }


def _larger_shares(
    chosen: BuiltDataset, splits: Mapping[SplitName, SplitSize], images: int
) -> dict[str, str]:
    """Return a share of one picture for each split that the usual share of so few leaves empty."""
    shares: Mapping[SplitName, float] = getattr(chosen.source, "shares", {})
    missing = [split for split in SPLITS if split in shares and split not in splits]
    few = [split for split in missing if (shares[split] or _USUAL_SHARE) * images < 1]
    enough = images >= len(SPLITS)  # a picture for each
    return {split: f"{math.ceil(100 / images) / 100:g}" for split in few} if enough else {}


_SEVERAL_LINES = (
    "the texts are too long to be one line in pictures of these shapes; a recogniser reads one line: cut the "
    "pictures into their lines"
)


@dataclass(frozen=True)
class PictureFacts:
    """What the advice depends on.

    Attributes:
        sizes: of the pictures, before they are scaled.
        aspect_per_frame: the least width of a picture divided by its height and by the frames of its text.
        usual_aspect_per_frame: the median of these.
        usual_length: the median number of characters of a text.
        right_to_left: whether most texts have right-to-left letters.
        content: what the pictures show.
    """

    sizes: PictureSizes
    aspect_per_frame: float
    usual_aspect_per_frame: float
    usual_length: float
    right_to_left: bool
    content: PictureContent


def advise_training(
    registry: Registry,
    chosen: BuiltDataset,
    facts: PictureFacts,
    splits: Mapping[SplitName, SplitSize],
    *,
    skip_bad: bool = False,
) -> AdvisedTraining:
    """Return the options and the command of a first training on these pictures, and its cost.

    Args:
        registry: where the data set comes from.
        chosen: the data set.
        facts: about its pictures.
        splits: the sizes of the splits; one without usable samples is missing.
        skip_bad: whether the command leaves out bad samples, also where these splits have none.
    """
    image, content = chosen.source.image, facts.content
    now = advising.ImageSize(fit_of(chosen.source), image.height, image.width)
    channels = max(image.channels, advising.advise_channels(content.colour_loss))
    # A crop that the user has chosen is kept. Ink was measured in grey, which may not show all of it.
    crop = 0.0 if image.crop or channels > image.channels else advising.advise_crop(content.ink)
    read = facts.sizes.cropped(crop)
    size = advising.advise_size(now, read, facts.aspect_per_frame / (1 - 2 * crop))
    options = {} if size == now else {"fit": size.fit, "height": str(size.height), "width": str(size.width)}
    options |= {"crop": f"{crop:g}"} if crop else {}
    hidden = content.hidden_text
    options |= {"ground": "auto"} if hidden is not None and hidden.hidden else {}
    options |= {"channels": str(channels)} if channels > image.channels else {}
    if facts.right_to_left and chosen.source.alphabet.direction == "ltr":
        options |= {"direction": "rtl"}
    images = chosen.size("train") or splits["train"].images  # --samples limits what was drawn
    options |= (larger := _larger_shares(chosen, splits, images))
    preset = advising.advise_preset(facts.usual_length)
    cost = advising.estimate_cost(images, preset, size, read)
    obstacle = _obstacle(chosen, {*splits, *larger})
    if not obstacle and advising.have_several_lines(facts.usual_aspect_per_frame / (1 - 2 * crop)):
        obstacle = _SEVERAL_LINES
    if obstacle:
        return AdvisedTraining(options, None, obstacle, cost)
    given = ComponentString.parse(chosen.text)
    # val=0 and test=0 are left out: a run needs all three splits.
    kept = {name: value for name, value in given.options.items() if name not in SPLITS or name in splits}
    dataset = registry.resolve("dataset", str(ComponentString(given.name, {**kept, **options})))
    settings = advising.advise_settings(images, preset)
    flags = [word for name, value in settings.items() for word in (flag(name), str(value))]
    command = ["ctcbench", "run", "--preset", preset, *flags, "--dataset", dataset]
    command += ["--skip-bad"] if skip_bad or any(size.left_out for size in splits.values()) else []
    return AdvisedTraining(options, join_quoted(command), "", cost)


def _obstacle(chosen: BuiltDataset, usable: Collection[str]) -> str:
    """Return what prevents a training on this data set; an empty text where nothing does.

    `usable` are the splits that have pictures, with the options that are advised.
    """
    if getattr(chosen.source, "doubt", ""):
        return "it is not clear what the labels are; a notice above has the options"
    for split in SPLITS:
        if split not in usable:
            try:
                size = chosen.source.size(split)
            except CtcbenchError as error:
                return str(error)
            if size:
                return f"no picture of {split} can be used; a notice above has the reasons"
    return ""
