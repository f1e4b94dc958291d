"""SetDescription: sizes, texts, contrast and duplicates of a split, and advice for a first training."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ctcbench.contract.data import Samples, SplitName
from ctcbench.contract.frame_order import has_right_to_left_letters
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.data.advised_training import AdvisedTraining, PictureFacts, SplitSize, advise_training
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.duplicate_images import Duplicates, find_duplicates
from ctcbench.data.faint_images import FaintImages, find_faint_images
from ctcbench.data.lacking_labels import LackingLabels, find_lacking_labels
from ctcbench.data.picture_content import PictureContent, measure_content
from ctcbench.data.set_statistics import (
    FrameNeeds,
    PictureSizes,
    aspects_per_frame,
    frame_needs,
    measure_pictures,
)
from ctcbench.files.pictures import Fit
from ctcbench.registry.component_registry import Registry


@dataclass(frozen=True)
class SetDescription:
    """What `ctcbench data describe` shows of a split of a data set.

    Attributes:
        dataset: component string of the data set.
        split: the split that is described.
        notices: sentences of the data set for the user.
        splits: the sizes of this split and of the others.
        image: size of the images.
        widths: the least and the greatest width of images that have their own; else None.
        alphabet: characters of the texts.
        fingerprint: of the samples.
        fit: how pictures are resized; None where the data set does not resize any.
        pictures: the sizes of the pictures; None where images are drawn.
        lengths: the number of texts by their number of characters, ascending.
        characters: how often each character of the alphabet occurs.
        lacking: samples of validation and test with characters that the alphabet lacks.
        frames: the frames that the texts need; None without images.
        faint: images without contrast.
        duplicates: equal images.
        content: what the pictures show; None where images are drawn.
        advice: a first training; None where images are drawn, or none is for training.
    """

    dataset: str
    split: SplitName
    notices: tuple[str, ...]
    splits: Mapping[SplitName, SplitSize]
    image: ImageSpec
    widths: tuple[int, int] | None
    alphabet: Alphabet
    fingerprint: str
    fit: Fit | None
    pictures: PictureSizes | None
    lengths: Mapping[int, int]
    characters: Mapping[str, int]
    lacking: LackingLabels | None
    frames: FrameNeeds | None
    faint: FaintImages
    duplicates: Duplicates
    content: PictureContent | None
    advice: AdvisedTraining | None

    @property
    def size(self) -> SplitSize:
        """The size of the split that is described."""
        return self.splits[self.split]

    @property
    def advised_options(self) -> Mapping[str, str]:
        """The options of the data set that are advised."""
        return {} if self.advice is None else self.advice.options

    def to_json(self) -> dict[str, Any]:
        """Return the description as a JSON document."""
        document: dict[str, Any] = {
            "dataset": self.dataset,
            "split": self.split,
            "notices": list(self.notices),
            **dataclasses.asdict(self.size),
            "splits": {name: dataclasses.asdict(size) for name, size in self.splits.items()},
            "channels": self.image.channels,
            "height": self.image.height,
            "width": self.image.width,
            "widths": self.widths and {"least": self.widths[0], "greatest": self.widths[1]},
            "alphabet": self.alphabet.characters,
            "direction": self.alphabet.direction,
            "classes": self.alphabet.num_classes,
            "fingerprint": self.fingerprint,
            "fit": self.fit,
            "pictures": self.pictures and self.pictures.to_json(),
            "lengths": {str(length): count for length, count in self.lengths.items()},
            "characters": dict(self.characters),
            "lacking": self.lacking and self.lacking.to_json(),
            "frames": self.frames and self.frames.to_json(),
            "faint": dataclasses.asdict(self.faint),
            "duplicates": self.duplicates.to_json(),
        }
        document |= {} if self.content is None else dataclasses.asdict(self.content)
        return document if self.advice is None else document | {"advice": self.advice.to_json()}


def describe_set(
    registry: Registry,
    chosen: BuiltDataset,
    split: SplitName,
    splits: dict[SplitName, Samples],
    *,
    skip_bad: bool = False,
) -> SetDescription:
    """Return the description of a split of a data set.

    Args:
        registry: where the data set comes from.
        chosen: the data set.
        split: the split that is described.
        splits: the samples of this split, and of others, with which its images are compared.
        skip_bad: whether the command that is advised leaves out bad samples.
    """
    drawn, source = splits[split], chosen.source
    alphabet = source.alphabet
    # Each text is split twice: the lists of characters of all texts would take more memory than the texts.
    lengths = collections.Counter(map(len, map(alphabet.split, drawn.texts)))
    characters = collections.Counter(itertools.chain.from_iterable(map(alphabet.split, drawn.texts)))
    # Those that were left out are among the sizes, but no size is advised for them.
    pictures = measure_pictures(source, split, range(len(drawn) + drawn.left_out))
    usable = measure_pictures(source, split, drawn.indices()) if drawn.rejected else pictures
    needs = frame_needs(drawn, alphabet) if len(drawn) else None
    faint = find_faint_images(drawn)
    sizes = {name: SplitSize(len(found), found.left_out) for name, found in splits.items()}
    lacking = find_lacking_labels(splits, alphabet)
    # Without a validation text that has a loss, a run is an error.
    no_loss = lacking is not None and lacking.are_all_of("val")
    trainable = {name: size for name, size in sizes.items() if name != "val" or not no_loss}
    content = advice = None
    if pictures is not None and needs is not None:
        content = measure_content(source, split, drawn, faint=faint.images > 0)
        if "train" in splits and usable is not None:
            least, middle = aspects_per_frame(usable, needs)
            usual = statistics.median_low(lengths.elements())
            rtl = 2 * sum(map(has_right_to_left_letters, drawn.texts)) > len(drawn)
            facts = PictureFacts(usable, least, middle, usual, rtl, content)
            advice = advise_training(registry, chosen, facts, trainable, skip_bad=skip_bad)
    return SetDescription(
        dataset=chosen.text,
        split=split,
        notices=tuple(chosen.notices),
        splits=sizes,
        image=source.image,
        widths=_widths(drawn) if source.image.variable and len(drawn) else None,
        alphabet=alphabet,
        fingerprint=drawn.fingerprint,
        fit=getattr(source, "fit", None),
        pictures=pictures,
        lengths={length: lengths[length] for length in sorted(lengths)},
        characters={c: characters[c] for c in alphabet.characters},
        lacking=lacking,
        frames=needs,
        faint=faint,
        duplicates=find_duplicates(splits),
        content=content,
        advice=advice,
    )


def _widths(drawn: Samples) -> tuple[int, int]:
    """Return the least and the greatest width of images that have their own."""
    return int(drawn.widths_N.min()), int(drawn.widths_N.max())
