"""describe_set(): sizes, texts, contrast and duplicates of a split, and advice for a first training."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import statistics
from collections.abc import Mapping
from typing import Any

from ctcbench.config.run_config import flag
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.data import SPLITS, Samples, SplitName
from ctcbench.data import training_advice as advising
from ctcbench.data.built_dataset import BuiltDataset, fit_of
from ctcbench.data.duplicate_images import Duplicates, find_duplicates
from ctcbench.data.faint_images import find_faint_images
from ctcbench.data.picture_content import PictureContent, measure_content
from ctcbench.data.set_statistics import (
    FrameNeeds,
    PictureSizes,
    frame_needs,
    least_aspect_per_frame,
    measure_pictures,
)
from ctcbench.files.shell_words import join_quoted
from ctcbench.registry.component_registry import Registry


def describe_set(
    registry: Registry, chosen: BuiltDataset, split: SplitName, splits: dict[SplitName, Samples]
) -> dict[str, Any]:
    """Return what `ctcbench data describe` prints of a split, as values of JSON.

    Args:
        registry: where the data set comes from.
        chosen: the data set.
        split: the split that is described.
        splits: the samples of this split, and of others, with which its images are compared.
    """
    drawn = splits[split]
    image, alphabet = chosen.source.image, chosen.source.alphabet
    # Each text is split twice: the lists of characters of all texts would take more memory than the texts.
    lengths = collections.Counter(map(len, map(alphabet.split, drawn.texts)))
    characters = collections.Counter(itertools.chain.from_iterable(map(alphabet.split, drawn.texts)))
    pictures = measure_pictures(chosen.source, split, len(drawn) + drawn.left_out)
    needs = frame_needs(drawn, alphabet) if len(drawn) else None
    facts: dict[str, Any] = {
        "dataset": chosen.text,
        "split": split,
        "notices": list(chosen.notices),
        "images": len(drawn),
        "left_out": drawn.left_out,
        "splits": {
            name: {"images": len(found), "left_out": found.left_out} for name, found in splits.items()
        },
        "channels": image.channels,
        "height": image.height,
        "width": image.width,
        "widths": _widths(drawn) if image.variable and len(drawn) else None,
        "alphabet": alphabet.characters,
        "direction": alphabet.direction,
        "classes": alphabet.num_classes,
        "fingerprint": drawn.fingerprint,
        "fit": getattr(chosen.source, "fit", None),
        "pictures": None if pictures is None else _sizes(pictures),
        "lengths": {str(length): lengths[length] for length in sorted(lengths)},
        "characters": {c: characters[c] for c in alphabet.characters},
        "frames": None if needs is None else _frames(needs),
        "faint": dataclasses.asdict(find_faint_images(drawn)),
        "duplicates": _duplicates(find_duplicates(splits)),
    }
    if pictures is not None and needs is not None:
        content = measure_content(chosen.source, split, drawn, faint=facts["faint"]["images"] > 0)
        facts |= dataclasses.asdict(content)
        if "train" in splits:
            density = least_aspect_per_frame(pictures, needs, drawn, chosen.source, split)
            usual = statistics.median_low(lengths.elements())
            facts["advice"] = _advice(registry, chosen, pictures, density, usual, content, splits)
    return facts


def _advice(
    registry: Registry,
    chosen: BuiltDataset,
    pictures: PictureSizes,
    density: float,
    usual_length: float,
    content: PictureContent,
    splits: Mapping[SplitName, Samples],
) -> dict[str, Any]:
    """Return the options and the command of a first training on these pictures, and its cost."""
    image = chosen.source.image
    now = advising.ImageSize(fit_of(chosen.source), image.height, image.width)
    channels = max(image.channels, advising.advise_channels(content.colour_loss))
    # A crop that the user has chosen is kept. Ink was measured in grey, which may not show all of it.
    crop = 0.0 if image.crop or channels > image.channels else advising.advise_crop(content.ink)
    read = pictures.cropped(crop)
    size = advising.advise_size(now, read, density / (1 - 2 * crop))
    given = ComponentString.parse(chosen.text)
    images = chosen.size("train") or len(splits["train"])  # --samples limits what was drawn
    options = {} if size == now else {"fit": size.fit, "height": str(size.height), "width": str(size.width)}
    options |= {"crop": f"{crop:g}"} if crop else {}
    hidden = content.hidden_text
    options |= {"ground": "auto"} if hidden is not None and hidden.hidden else {}
    options |= {"channels": str(channels)} if channels > image.channels else {}
    # val=0 and test=0 are left out: a run needs all three splits.
    kept = {name: value for name, value in given.options.items() if name not in SPLITS or name in splits}
    dataset = registry.resolve("dataset", str(ComponentString(given.name, {**kept, **options})))
    preset = advising.advise_preset(usual_length)
    settings = advising.advise_settings(images, preset)
    flags = [word for name, value in settings.items() for word in (flag(name), str(value))]
    command = ["ctcbench", "run", "--preset", preset, *flags, "--dataset", dataset]
    # No command where the labels are in doubt: a training would learn wrong ones.
    doubt = getattr(chosen.source, "doubt", "")
    return {
        "options": options,
        "command": None if doubt else join_quoted(command),
        "cost": dataclasses.asdict(advising.estimate_cost(images, preset, size, read)),
    }


def _widths(drawn: Samples) -> dict[str, int]:
    """Return the least and the greatest width of images that have their own."""
    return {"least": int(drawn.widths_N.min()), "greatest": int(drawn.widths_N.max())}


def _sizes(sizes: PictureSizes) -> dict[str, Any]:
    return {
        name: {"least": spread.least, "quartiles": list(spread.quartiles), "greatest": spread.greatest}
        for name, spread in (("widths", sizes.widths), ("heights", sizes.heights))
    } | {"aspects": [round(aspect, 2) for aspect in sizes.aspects], "widest": sizes.widest}


def _frames(needs: FrameNeeds) -> dict[str, Any]:
    return {
        "fewest_columns_per_frame": round(needs.fewest_columns, 2),
        "densest": needs.densest,
        "too_long_by_columns_per_frame": {str(columns): n for columns, n in needs.too_long.items()},
    }


def _duplicates(found: Duplicates) -> dict[str, Any]:
    return {
        "within": dict(found.within),
        "across": {f"{one} and {other}": count for (one, other), count in found.across.items()},
        "groups_with_different_texts": found.differing,
        "examples": [
            [{"split": split, "name": name, "text": text} for split, name, text in group]
            for group in found.examples
        ],
    }
