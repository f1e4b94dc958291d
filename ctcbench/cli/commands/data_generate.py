"""`ctcbench data generate`: draws a data set into the cache."""

from __future__ import annotations

from ctcbench.cli.dataset_flags import Count, Dataset, SkipBad, Split, chosen_dataset, draw_samples
from ctcbench.cli.output import print_json, print_line
from ctcbench.cli.shared_flags import AsJson, Workers


def generate(
    dataset: Dataset = None,
    split: Split = "train",
    samples: Count = None,
    workers: Workers = None,
    skip_bad: SkipBad = False,
    as_json: AsJson = False,
) -> None:
    """Draw images into the cache, which runs of the same data set read."""
    drawn = draw_samples(chosen_dataset(dataset), split, samples, skip_bad=skip_bad, workers=workers)
    if as_json:
        print_json({"images": len(drawn), "fingerprint": drawn.fingerprint})
        return
    mib = drawn.images_NCHW.nbytes / 2**20
    print_line(f"{len(drawn):,} images ({mib:.1f} MiB) in the cache; fingerprint {drawn.fingerprint}")
