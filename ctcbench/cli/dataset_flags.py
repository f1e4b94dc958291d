"""The arguments and flags of `ctcbench data`, and the functions that build its data set and draw images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

import typer

from ctcbench.cli.completion import complete_choice, complete_component, require_choice
from ctcbench.cli.installed_plugins import registry
from ctcbench.config.presets import default_component
from ctcbench.config.run_config import setting_fields
from ctcbench.contract.data import MOST_SAMPLES, SPLITS, SplitName
from ctcbench.data.built_dataset import BuiltDataset, build_dataset

if TYPE_CHECKING:
    from ctcbench.contract.data import Samples

Dataset = Annotated[
    str | None,
    typer.Argument(
        metavar="[DATASET]",
        help="name or name:option=value, such as folder:path=FOLDER; `ctcbench run --help` lists names and "
        "options (default: the data set of the default preset)",
        autocompletion=complete_component("dataset"),
    ),
]
Split = Annotated[
    str,
    typer.Option(metavar="train|val|test", help="the split", autocompletion=complete_choice(SPLITS)),
]
Count = Annotated[
    int | None,
    typer.Option(
        "--samples",
        metavar="N",
        min=1,
        max=MOST_SAMPLES,
        help="number of images (default: all; where they are drawn, as many as in a run)",
    ),
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="leave out images that can't be used")]


def chosen_dataset(dataset: str | None) -> BuiltDataset:
    """Build the data set that was named, or else that of the default preset.

    Raises:
        UsageError: there is no such data set, or an option of it is wrong.
    """
    text = registry().resolve("dataset", default_component("dataset") if dataset is None else dataset)
    return build_dataset(registry(), text)


def draw_samples(
    dataset: BuiltDataset,
    split: str,
    samples: int | None,
    *,
    skip_bad: bool,
    workers: int | None = None,
    notices: bool = True,
) -> Samples:
    """Draw images of a split into the cache, with a progress bar, and return them.

    Without `samples`, the whole split is drawn; of an unlimited data set, as many images as a run draws by
    default. Without `notices`, those of the data set are not printed.

    Raises:
        UsageError: there is no such split, or an image can't be used and `skip_bad` is not set.
    """
    name = cast(SplitName, require_choice("--split", split, SPLITS))
    # Imported here, because --help must not wait for numpy, Pillow and rich's live display.
    from ctcbench.cli.progress import progress_listener
    from ctcbench.data.materialise import materialise

    if samples is None:
        samples = dataset.size(name) or setting_fields()[f"{name}_samples"].default
    with progress_listener() as listener:
        for notice in dataset.notices if notices else ():
            listener.notice(notice)
        return materialise(
            dataset,
            name,
            samples,
            skip_bad=skip_bad,
            workers=workers,
            progress=lambda done, total: listener.images_drawn(name, done, total),
            notice=listener.notice,
        )
