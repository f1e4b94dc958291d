"""The data set of a run, which may be mixed of two, and what a run requires of it."""

from __future__ import annotations

from collections.abc import Mapping

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.component_string import ComponentString
from ctcbench.contract.data import SPLITS, Source
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import join_words
from ctcbench.data.built_dataset import BuiltDataset, build_dataset, fit_of
from ctcbench.data.mixed_dataset import MixedDataset
from ctcbench.registry.component_registry import Registry


def build_run_dataset(registry: Registry, config: RunConfig) -> BuiltDataset:
    """Build the data set of a configuration, with its extra data set if it has one.

    Raises:
        UsageError: there is no such data set, an option is wrong, a training split is empty, or the images
            or the direction of the two differ.
        PluginError: a data set breaks its contract.
    """
    main = build_dataset(registry, config.dataset)
    if not config.extra_dataset:
        return main
    try:
        extra = build_dataset(registry, config.extra_dataset)
    except UsageError as error:
        raise UsageError(f"--extra-dataset: {error}") from error
    require_mixable(registry, main, extra)
    return MixedDataset.of(main, extra, config.extra_share)


def require_splits(dataset: BuiltDataset) -> BuiltDataset:
    """Return a data set after a check that it has all splits, before anything is drawn.

    Raises:
        UsageError: a split is empty.
        PluginError: the data set failed.
    """
    for split in SPLITS:
        try:
            dataset.size(split)
        except UsageError as error:
            raise UsageError(f"{error}; a run needs {join_words(SPLITS)}") from error
    return dataset


def require_mixable(registry: Registry, main: BuiltDataset, extra: BuiltDataset) -> None:
    """Check that the images of two data sets can be in one batch, and are read in one direction.

    Raises:
        UsageError: they can't; the message names both data sets and the options to give.
    """
    ours, theirs = _properties(main.source), _properties(extra.source)
    both_variable = main.source.image.variable and extra.source.image.variable
    names = [n for n in ours if ours[n] != theirs[n] and not (n == "width" and both_variable)]
    # How pictures are brought to a width matters only where one set has images of one width.
    if main.source.image.variable == extra.source.image.variable:
        names = [name for name in names if name != "fit"]
    else:
        # The width of variable images is a limit, and can't be compared with that of the others.
        names = [name for name in names if name != "width"]
    if not names:
        return
    differing = ", ".join(f"{name} {ours[name]} and {theirs[name]}" for name in names)
    raise UsageError(
        f"--dataset {main.text} and --extra-dataset {extra.text} can't be mixed: they have {differing}; "
        f"{_remedy(registry, main, extra, {name: (ours[name], theirs[name]) for name in names})}"
    )


def _properties(source: Source) -> dict[str, str]:
    """Return what must agree, by the name of the option of the built-in data sets."""
    image = source.image
    return {
        "height": str(image.height),
        "channels": str(image.channels),
        "fit": fit_of(source),
        "width": str(image.width),
        "direction": source.alphabet.direction,
    }


def _remedy(
    registry: Registry, main: BuiltDataset, extra: BuiltDataset, wanted: Mapping[str, tuple[str, str]]
) -> str:
    """Return the options to give, for properties by name with the values of the main and the extra set."""
    # The extra set is drawn most often, and the main one is as the user needs it.
    for flag, dataset, which in (("--extra-dataset", extra, 0), ("--dataset", main, 1)):
        parsed = ComponentString.parse(dataset.text)
        known = registry.get("dataset", parsed.name).options
        # The direction of the main set is that of its texts, and no choice.
        changeable = dataset is extra or "direction" not in wanted
        if changeable and all(name in known for name in wanted):
            values = {name: values[which] for name, values in wanted.items()}
            return f"give {flag} {', '.join(f'{name}={value}' for name, value in values.items())}"
    return "give one of them options with which they agree, or another data set"
