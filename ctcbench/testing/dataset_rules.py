"""Rules for data sets: drawing is a pure function, in any process; images and texts are valid."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ctcbench.contract.data import SPLITS, Sample, Source, SplitName
from ctcbench.contract.errors import BadSample
from ctcbench.contract.specs import Alphabet, ImageSpec
from ctcbench.contract.word_lists import join_words
from ctcbench.files.pictures import Fit
from ctcbench.testing.case import Case, Rule

# Several rules draw all splits, and a sample may take milliseconds.
_LOOKED_AT = 6  # samples of each split


def has_valid_attributes_and_descriptions(case: Case) -> None:
    """The attributes image, alphabet and fit and the methods size and describe are valid."""
    source = _source(case)
    fits, fit = get_args(Fit), getattr(source, "fit", "stretch")
    rule = f"the attribute fit, where there is one, must be {join_words(map(repr, fits), 'or')}"
    case.require(fit in fits, rule, repr(fit), "leave it out, or set how pictures are resized")
    if hasattr(source, "fit"):
        wanted = "be" if source.image.variable else "not be"
        rule = f"with an image of variable={source.image.variable}, fit must {wanted} 'keep'"
        case.require((fit == "keep") == source.image.variable, rule, repr(fit), "set both, or neither")
    for split in SPLITS:
        indices = _indices(case, source, split)
        names = case.attempt("describe samples", lambda: [source.describe(split, i) for i in indices])  # noqa: B023
        sound = all(isinstance(name, str) and name for name in names) and len(set(names)) == len(names)
        rule = f"describe({split!r}, index) must be a text of its own for each sample"
        case.require(sound, rule, names, "put the index or the file's name into it")


def draws_images_of_its_size(case: Case) -> None:
    """Images are uint8 of the size of `image`, (H, W) or (C, H, W)."""
    source = _source(case)
    spec = source.image
    for _, sample in _draw_samples(case, source):
        image = np.asarray(sample.image)
        width, widths = spec.width, (None, *range(1, spec.width + 1))
        if spec.variable and image.ndim:
            width = min(max(1, image.shape[-1]), spec.width)
            widths = (None, width)
        # Grey images may have their channel or not.
        shapes = [(spec.channels, spec.height, width)] + [(spec.height, width)] * (spec.channels == 1)
        rule = f"images must be uint8 of shape {join_words(shapes, 'or')}"
        got, remedy = f"{image.dtype} {image.shape}", "convert in draw, or correct `image`"
        case.require(image.dtype == np.uint8 and image.shape in shapes, rule, got, remedy)
        rule = f"width must be None or {width if spec.variable else f'1 to {width}'}"
        remedy = "count the columns that are not padding"
        case.require(sample.width in widths, rule, repr(sample.width), remedy)


def draws_texts_of_its_alphabet(case: Case) -> None:
    """Texts are not empty, and the characters of those for training are in the alphabet."""
    source = _source(case)
    for split, sample in _draw_samples(case, source):
        rule, remedy = "the text of a sample must be a str", "convert it in draw"
        case.require(isinstance(sample.text, str), rule, repr(sample.text), remedy)
        missing = source.alphabet.missing(sample.text)
        sound = sample.text and not (missing and split == "train")
        rule = f"texts must have one or more characters, for training of {source.alphabet.characters!r} alone"
        case.require(bool(sound), rule, repr(sample.text), "raise BadSample for one that can't be used")
        if missing:
            continue  # it is scored as an error
        read = source.alphabet.decode(source.alphabet.encode(sample.text))
        rule = "a text must be the one that decoding its labelling returns"
        remedy = "return alphabet.decode(alphabet.encode(text)): with rtl, two texts can look the same"
        case.require(read == sample.text, rule, repr(sample.text), remedy)


def knows_the_texts_that_it_draws(case: Case) -> None:
    """The method text_of, where there is one, returns the texts drawn; no sample is bad or padded."""
    source = _source(case)
    text_of = getattr(source, "text_of", None)
    if text_of is None:
        return
    for split in SPLITS:
        for index in _indices(case, source, split):
            known = case.attempt(f"return the text of {split}/{index}", lambda: text_of(split, index))  # noqa: B023
            sample = case.attempt(f"draw {split}/{index}", _draw_or_none(source, split, index))
            rule = "a source with the method text_of must have no bad samples"
            case.require(sample is not None, rule, f"BadSample for {split}/{index}", "leave out text_of")
            assert sample is not None
            rule, remedy = (
                "text_of must return the text that draw returns",
                "draw the text first, then the image",
            )
            case.require(known == sample.text, rule, f"{known!r} and {sample.text!r}", remedy)
            rule = "a source with the method text_of must draw images without padding"
            case.require(sample.width is None, rule, repr(sample.width), "leave out text_of")


def draws_the_same_samples_again(case: Case) -> None:
    """A sample is a function of (options, split, index), not of the order or of global generators."""
    # Another state of the global generators for each source: a sample that draws from them differs. They are
    # restored, as they belong to the test session.
    states = random.getstate(), np.random.get_state()
    try:
        one, other = (_draw_in_order(case, _source(case), seed, step) for seed, step in ((1, 1), (2, -1)))
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
    _require_same(case, one, other, "drawn again in another order, from a new source")


def draws_the_same_samples_in_a_worker(case: Case) -> None:
    """Another process draws the same samples: they do not depend on hash(), the time or earlier samples."""
    from ctcbench.testing.draw_digests import digests_in_worker

    source = _source(case)
    indices = _indices(case, source, "train")
    component = case.component
    values = case.attempt("read its options", lambda: component.read(case.options))
    options = {
        name: option.as_text(values[name])
        for name, option in component.options.items()
        if values[name] != option.default
    }
    with tempfile.TemporaryDirectory() as folder:
        shared = None if component.reopen is None else Path(folder)
        if shared is not None:
            case.attempt("share its index", lambda: source.share(shared, "train"))  # type: ignore[attr-defined]
        there = digests_in_worker(component, options, shared, "train", indices)
    rule = "a worker process must be able to draw"
    remedy = "define its builder at the top of a module, or install the plugin"
    case.require(not isinstance(there, str), rule, there, remedy)
    assert not isinstance(there, str)
    here = [_digest(case, source, "train", index) for index in indices]
    _require_same(case, here, there, "drawn in another process")


def draws_different_samples_in_each_split(case: Case) -> None:
    """Training, validation and test samples differ."""
    source = _source(case)
    drawn = {s: [_digest(case, source, s, i) for i in _indices(case, source, s)] for s in SPLITS}
    for one, other in (("train", "val"), ("train", "test"), ("val", "test")):
        shared = set(drawn[one]) & set(drawn[other])  # type: ignore[index]
        rule, remedy = f"{one} and {other} must not share samples", "use the name of the split in the seed"
        case.require(not shared, rule, f"{len(shared)} of {len(drawn[one])} the same", remedy)  # type: ignore[index]


def has_fingerprints(case: Case) -> None:
    """A fingerprint is a text, the same for the same options, and another for each split."""
    one, other = (
        [case.attempt("return fingerprints", lambda s=s, b=b: b.fingerprint(s)) for s in SPLITS]  # type: ignore[misc]
        # Two sources: a fingerprint must not depend on the object, as id() does.
        for b in (_source(case), _source(case))
    )
    rule, remedy = "a fingerprint must be a str", "return a digest in hexadecimal"
    case.require(all(isinstance(text, str) for text in one + other), rule, repr(one[0]), remedy)
    rule, remedy = "the same options must have the same fingerprint", "use no time and no id() in it"
    case.require(one == other, rule, f"{one} {other}", remedy)
    rule, remedy = "each split needs a fingerprint of its own", "put the split's name into it"
    case.require(len(set(one)) == len(SPLITS), rule, one, remedy)


def _source(case: Case) -> Source:
    """Build the source, and check the attributes that every rule needs."""
    source: Source = case.build()
    rule, remedy = "image must be an ImageSpec and alphabet an Alphabet", "import both from ctcbench"
    kinds = (getattr(source, "image", None), getattr(source, "alphabet", None))
    case.require(isinstance(kinds[0], ImageSpec) and isinstance(kinds[1], Alphabet), rule, kinds, remedy)
    return source


def _indices(case: Case, source: Source, split: SplitName) -> range:
    """Return the indices of the first samples of a split."""
    size: object = case.attempt(f"return the size of {split}", lambda: source.size(split))
    rule = f"size({split!r}) must be a count, or None if it is unlimited"
    is_count = isinstance(size, int) and not isinstance(size, bool) and size >= 0
    case.require(size is None or is_count, rule, repr(size), "count the samples")
    # A split may be empty, or shorter than that.
    return range(min(size, _LOOKED_AT) if isinstance(size, int) else _LOOKED_AT)


def _draw_in_order(case: Case, source: Source, seed: int, step: int) -> list[str]:
    """Return the digests of the first samples, in either order, after seeding global generators."""
    random.seed(seed)
    np.random.seed(seed)
    indices = list(_indices(case, source, "train"))
    drawn = {index: _digest(case, source, "train", index) for index in indices[::step]}
    return [drawn[index] for index in indices]


def _draw_samples(case: Case, source: Source) -> list[tuple[SplitName, Sample]]:
    """Return the first samples of all splits that can be used, with their splits."""
    samples: list[tuple[SplitName, Sample]] = []
    for split in SPLITS:
        for index in _indices(case, source, split):
            sample = case.attempt(f"draw {split}/{index}", _draw_or_none(source, split, index))
            samples += [(split, sample)] if sample is not None else []
    rule, remedy = "some of its first samples must be usable", "try it with options that find data"
    case.require(bool(samples), rule, "none", remedy)
    wrong = next((sample for _, sample in samples if not isinstance(sample, Sample)), None)
    case.require(wrong is None, "draw must return a Sample", type(wrong).__name__, "import it from ctcbench")
    return samples


def _draw_or_none(source: Source, split: SplitName, index: int) -> Callable[[], Sample | None]:
    def draw() -> Sample | None:
        try:
            return source.draw(split, index)
        # A folder may begin with a damaged file, which a run reports or skips.
        except BadSample:
            return None

    return draw


def _digest(case: Case, source: Any, split: str, index: int) -> str:
    from ctcbench.testing.draw_digests import digest

    return case.attempt(f"draw {split}/{index}", lambda: digest(source, split, index))


def _require_same(case: Case, one: list[str], other: list[str], how: str) -> None:
    differing = [index for index, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]]
    case.require(
        not differing,
        f"a sample must be the same when {how}",
        f"others for train/{', train/'.join(map(str, differing))}",
        "seed a generator of its own from (seed, split, index), by hashlib and not hash()",
    )


RULES: tuple[Rule, ...] = (
    has_valid_attributes_and_descriptions,
    draws_images_of_its_size,
    draws_texts_of_its_alphabet,
    knows_the_texts_that_it_draws,
    draws_the_same_samples_again,
    draws_the_same_samples_in_a_worker,
    draws_different_samples_in_each_split,
    has_fingerprints,
)
