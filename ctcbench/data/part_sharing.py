"""shared_parts(): what worker processes need to open the data sets that samples come from."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ctcbench.contract.data import SplitName
from ctcbench.contract.errors import UsageError
from ctcbench.data.built_dataset import BuiltDataset, build_dataset, reopen_dataset
from ctcbench.data.sample_request import SampleRequest
from ctcbench.registry.attribution import attribute_errors
from ctcbench.registry.component_registry import Registry


@contextlib.contextmanager
def shared_parts(draft: Path, request: SampleRequest) -> Iterator[list[dict[str, Any]]]:
    """Yield a document of JSON for each part of a request's data set; `open_part` returns the part.

    What a source's method ``share`` writes is in a folder in `draft` during the context.

    Raises:
        UsageError: files of a data set changed while samples were drawn.
        PluginError: a source failed.
    """
    folder = draft / "shared"
    folder.mkdir()
    parts = request.dataset.parts
    try:
        yield [
            _document(folder / str(i), part, request.split, request.fingerprints[i])
            for i, part in enumerate(parts)
        ]
        # The samples are stored under the fingerprints of the request. Those of changed files must not be.
        # Workers compare the fingerprints of parts that they build.
        for part, fingerprint in zip(parts, request.fingerprints, strict=True):
            if part.is_shared and part.fingerprint(request.split) != fingerprint:
                raise UsageError(
                    f"dataset {part.text}: files of {request.split} changed while they were read; try again"
                )
    finally:
        # Workers that have mapped the files keep their pages.
        shutil.rmtree(folder, ignore_errors=True)


def open_part(registry: Registry, document: Mapping[str, Any], split: SplitName) -> BuiltDataset:
    """Return the data set of a document of `shared_parts`, in another process.

    Raises:
        UsageError: files of the data set changed.
        PluginError: the source failed.
        CtcbenchError: a file of the shared folder is damaged.
    """
    text = document["text"]
    if "shared" in document:
        return reopen_dataset(registry, text, Path(document["shared"]))
    part = build_dataset(registry, text)
    # The samples are stored under the parent's fingerprint. Those of changed files must not be, and with a
    # fingerprint that no other process computes again the cache would never be used.
    if part.fingerprint(split) != document["fingerprint"]:
        raise UsageError(
            f"dataset {text}: the fingerprint of {split} differs between processes; if its files changed, "
            f"try again; else it must depend on the options only, not on time, id() or hash()"
        )
    return part


def _document(folder: Path, part: BuiltDataset, split: SplitName, fingerprint: str) -> dict[str, Any]:
    if not part.is_shared:
        return {"text": part.text, "fingerprint": fingerprint}
    folder.mkdir()
    with attribute_errors(f"{part.describe_owner()}: share failed"):
        part.source.share(folder, split)  # type: ignore[attr-defined]
    return {"text": part.text, "shared": str(folder)}
