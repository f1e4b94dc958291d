"""Helpers of the tests of the command line: settings of a tiny run, and plugins without an install."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

TINY = [
    *("--dataset", "captcha:width=64,height=24,length=2,alphabet=digits"),
    *("--backbone", "cnn2:width=8", "--head", "none", "--decoder", "greedy"),
    *("--train-samples", "120", "--val-samples", "20", "--test-samples", "30", "--batch-size", "20"),
]

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


GOOD = '''
    from typing import Annotated
    from pydantic import Field
    from ctcbench import ImageSpec, backbone, hookimpl

    @backbone
    def {name}(image: ImageSpec, *, depth: Annotated[int, Field(ge=1, le=8, description="blocks deep")] = 3):
        """{summary}"""
        from torch import nn
        return nn.Sequential(nn.Conv2d(image.channels, 4 * depth, 3, stride=2, padding=1), nn.MaxPool2d(2))

    @hookimpl
    def ctcbench_components():
        return [{name}]
'''


class Plugins:
    """A folder of plugin packages that importlib.metadata sees as if they were installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, name: str, source: str, *, module: str | None = None) -> Path:
        module = module or name.replace("-", "_")
        file = self.folder / f"{module}.py"
        file.write_text(textwrap.dedent(source), encoding="utf-8")
        info = self.folder / f"{name.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[ctcbench]\n{name} = {module}\n")
        return file
