"""Tables of a model card: the model, its data and its training, as pairs of a name and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ctcbench.config.component_settings import COMPONENT_KINDS
from ctcbench.config.run_config import setting_fields
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.components import Kind
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.contract.specs import Alphabet
from ctcbench.contract.word_lists import join_words
from ctcbench.files.text import visible_spaces
from ctcbench.registry.component_registry import Registry
from ctcbench.reporting.formats.markdown_text import (
    markdown_cell_code,
    markdown_code,
    markdown_table,
    markdown_text,
)
from ctcbench.reporting.members import Member
from ctcbench.reporting.number_format import count, host, percent, seconds
from ctcbench.results.recognizer_description import read_description
from ctcbench.results.run_folder import RunFolder

Lines = Iterator[tuple[str, str]]
_MODEL: tuple[Kind, ...] = ("backbone", "head", "loss", "decoder")
# What a reader compares first of the settings of training; all others that are not at their default follow.
_SETTINGS = (
    "epochs",
    "max_steps",
    "batch_size",
    "lr",
    "schedule",
    "weight_decay",
    "clip",
    "ema",
    "seed",
    "init_from",
)
_SAMPLES = {"train": "train_samples", "val": "val_samples", "test": "test_samples"}
_MOST_CHARACTERS = 400


def model_table(member: Member, registry: Registry) -> str:
    """Return the components of the network, its size, and its images and alphabet."""
    return _table(_model(member, registry))


def data_table(member: Member, registry: Registry) -> str:
    """Return the data set, the numbers of its images, and what was left out."""
    return _table(_data(member, registry))


def training_table(member: Member) -> str:
    """Return how the network was trained, on what, and how long that took."""
    return _table(_training(member))


def needed_plugins(member: Member, registry: Registry) -> str:
    """Return a paragraph on the plugins without which the recogniser can't be loaded, or ``""``."""
    config, versions = member.result.config, _mapping(member.result.provenance.get("plugins"))
    given = [(kind, str(config[kind])) for kind in _MODEL if config.get(kind)]
    texts = []
    for package, names in registry.plugins_of(given).items():
        parts = join_words(markdown_code(name) for name in names)
        version = markdown_text(str(versions.get(package) or ""))
        texts.append(
            f"{markdown_text(package)}{version and ' ' + version} (for {parts})"
            if package
            else f"that of {parts}, which is not installed where this was written"
        )
    return f"\nIt needs plugins of ctcbench: {'; '.join(texts)}.\n" if texts else ""


def _table(lines: Lines) -> str:
    return markdown_table(["", ""], lines, raw=True)


def _model(member: Member, registry: Registry) -> Lines:
    result = member.result
    for kind in _MODEL:
        if text := result.config.get(kind):
            yield kind, _component(registry, kind, str(text))
    yield "parameters", count(result.cost.get("parameters"))
    try:
        description = read_description(RunFolder(member.folder))
    except CtcbenchError:
        return  # a result without its run
    image, alphabet = description.image, description.alphabet
    colour = "grey" if image.channels == 1 else f"{image.channels} channels"
    width = f"up to {image.width}" if image.variable else str(image.width)
    cropped = f", without {percent(image.crop, 0)} of the rows at either end" if image.crop else ""
    ground = f", transparent pixels {image.ground}" if image.ground != "white" else ""
    fit = f"fit {markdown_cell_code(description.fit)}{cropped}{ground}"
    yield "images", f"{width} × {image.height} pixels, {colour}, {fit}"
    yield "alphabet", _alphabet_text(alphabet)
    if alphabet.direction == "rtl":
        yield "direction", "right to left"


def _alphabet_text(alphabet: Alphabet) -> str:
    shown = [visible_spaces(character) for character in alphabet.characters[:_MOST_CHARACTERS]]
    cut = " …" if len(alphabet.characters) > len(shown) else ""
    return f"{len(alphabet.characters):,} characters: {markdown_cell_code(alphabet.joined(shown))}{cut}"


def _data(member: Member, registry: Registry) -> Lines:
    result = member.result
    data = _mapping(result.provenance.get("data"))
    yield "data set", _component(registry, "dataset", str(result.config.get("dataset", "")))
    if extra := result.config.get("extra_dataset"):
        yield "extra data set", _component(registry, "dataset", str(extra))
        yield "training images by data set", markdown_text(_by_dataset(data.get("training_sets")))
    images, left_out = _mapping(data.get("images")), _mapping(data.get("left_out"))
    for split, setting in _SAMPLES.items():
        number = images.get(split, result.config.get(setting))
        text = f"{number:,} images" if isinstance(number, int) else "–"
        if isinstance(skipped := left_out.get(split), int) and skipped:
            text += f", {skipped:,} left out"
        yield {"train": "training", "val": "validation", "test": "test"}[split], text
    if augmentation := result.config.get("augmentation"):
        yield "augmentation", _component(registry, "augmentation", str(augmentation))
    if fingerprint := data.get("fingerprint"):
        yield "fingerprint of the test images", markdown_cell_code(str(fingerprint))


def _by_dataset(sets: Any) -> str:
    """Return the numbers in a list of `count_by_dataset`."""
    words = []
    found_sets = sets if isinstance(sets, list) else []
    for name, found in zip(("data set", "extra data set"), found_sets, strict=False):
        images, different = (_mapping(found).get(key) for key in ("images", "different"))
        if isinstance(images, int) and isinstance(different, int):
            words.append(f"{images:,} of the {name} ({different:,} different ones)")
    return ", ".join(words) or "–"


def _training(member: Member) -> Lines:
    result, provenance = member.result, member.result.provenance
    if optimizer := result.config.get("optimizer"):
        yield "optimizer", markdown_cell_code(str(optimizer))
    for name in _SETTINGS:
        value = result.config.get(name)
        if value not in (None, "", 0) or name == "seed":
            yield name.replace("_", " "), markdown_text(str(value))
    for name, field in setting_fields().items():
        is_elsewhere = name in (*_SETTINGS, *_SAMPLES.values(), *COMPONENT_KINDS)
        if not is_elsewhere and name in result.config and result.config[name] != field.default:
            yield name.replace("_", " "), markdown_text(str(result.config[name]))
    training = _mapping(provenance.get("training"))
    if isinstance(steps := training.get("steps"), int):
        yield "steps", f"{steps:,}"
    yield "time", seconds(result.cost.get("train_seconds"))
    yield "machine", markdown_text(host(provenance))
    versions = {**_mapping(provenance.get("versions")), **_mapping(provenance.get("plugins"))}
    yield (
        "versions",
        markdown_text(", ".join(f"{name} {version}" for name, version in versions.items() if version)),
    )
    if started := provenance.get("started"):
        yield "started", markdown_text(str(started))


def _component(registry: Registry, kind: Kind, text: str) -> str:
    """Return a component string and what the component is, if it is installed here."""
    try:
        summary = registry.get(kind, ComponentString.parse(text).name).summary
    except (UsageError, CtcbenchError):
        return markdown_cell_code(text)
    # Further sentences may have numbers of the defaults, such as the frames of images of the default size.
    first = re.split(r"(?<=\.)\s+(?=[A-Z])", summary)[0]
    # Names in a summary are code, as in this table.
    return f"{markdown_cell_code(text)}: {markdown_text(first.replace('`', ''))}"


def _mapping(value: Any) -> Mapping[str, Any]:
    # Results may be other people's or damaged.
    return value if isinstance(value, Mapping) else {}
