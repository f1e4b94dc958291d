"""shared_source(): a data set that worker processes open instead of building it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from ctcbench.contract.errors import UsageError
from ctcbench.data.sample_request import SampleRequest
from ctcbench.registry.attribution import attribute_errors


@contextlib.contextmanager
def shared_source(draft: Path, request: SampleRequest) -> Iterator[Path | None]:
    """Yield a folder with what worker processes need to draw a request; None if they build the data set.

    Raises:
        UsageError: files of the data set changed while samples were drawn.
        PluginError: the source failed.
    """
    if not request.is_shared:
        yield None  # each worker compares the fingerprints
        return
    folder = draft / "shared"
    folder.mkdir()
    owner = f"{request.owner}: dataset {request.dataset!r}"
    try:
        with attribute_errors(f"{owner}: share failed"):
            request.source.share(folder, request.split)  # type: ignore[attr-defined]
        yield folder
        # The samples are stored under the fingerprint of the request. Those of changed files must not be.
        if request.source.fingerprint(request.split) != request.fingerprint:
            raise UsageError(
                f"dataset {request.dataset}: files of {request.split} changed while they were read; try again"
            )
    finally:
        # Workers that have mapped the files keep their pages.
        shutil.rmtree(folder, ignore_errors=True)
