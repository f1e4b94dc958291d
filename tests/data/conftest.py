"""A data set plugin for the tests, installed for this process and for the workers that it starts."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ctcbench.data.built_dataset import build_dataset
from ctcbench.data.materialise import materialise
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry

PLUGIN = '''
"""Data set `marks`: image i is filled with i % 251; its options make it break the contract."""
import os, signal, time
from pathlib import Path
from typing import Annotated
from pydantic import Field
from ctcbench import Alphabet, BadSample, ImageSpec, Sample, dataset, hookimpl

class Marks:
    alphabet = Alphabet("0123456789")

    def __init__(self, height, width, **options):
        self.image = ImageSpec(height, width)
        self.__dict__.update(options)

    def size(self, split):
        return self.count or None

    def fingerprint(self, split):
        own = os.getpid() if self.fault == "fingerprint" else ""
        return f"{self.count} {self.version} {split} {own}"

    def describe(self, split, index):
        return f"mark {index}"

    def draw(self, split, index):
        import numpy as np
        if self.log:
            with open(self.log, "a") as log:
                log.write(f"{os.getpid()} {index}\\n")
        time.sleep(self.delay)
        if self.bad and index % self.bad == 0:
            raise BadSample(f"{index} is a multiple of {self.bad}")
        if index == 150:
            if self.fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            elif self.fault == "raise":
                raise ZeroDivisionError("oh dear")
            elif self.fault == "full":
                import resource
                resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
            elif self.fault == "print":
                print("noise on standard output")
            elif self.fault == "text":
                return Sample(np.zeros((4, 6), np.uint8), "x")
            elif self.fault == "shape":
                return Sample(np.zeros((6, 4), np.uint8), "1")
            elif self.fault == "dtype":
                return Sample(np.zeros((4, 6), np.float32), "1")
            elif self.fault == "width":
                return Sample(np.zeros((4, 6), np.uint8), "1", 7)
            elif self.fault == "pair":
                return np.zeros((4, 6), np.uint8), "1"
            elif self.fault == "exit":
                raise SystemExit(3)
        pixels = np.full((self.image.height, self.image.width), index % 251, np.uint8)
        return Sample(pixels, str(index), 1 + index % self.image.width)

class KnownMarks(Marks):
    def text_of(self, split, index):
        return "x" if self.known == "x" and index == 7 else str(index)

    def draw(self, split, index):
        sample = super().draw(split, index)
        wrong = self.known == "wrong" and index == 7
        return Sample(sample.image, "8" if wrong else sample.text)

@dataset
def marks(*, count: Annotated[int, Field(ge=0)] = 0, bad: int = 0, delay: float = 0.0, fault: str = "",
          log: str = "", version: str = "1", height: int = 4, width: int = 6, known: str = ""):
    """Numbers to test with; with `known` their texts are known before they are drawn."""
    return (KnownMarks if known else Marks)(**locals())

@hookimpl
def ctcbench_components():
    return [marks]
'''


@pytest.fixture(scope="session")
def plugin_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "ctcbench_marks.py").write_text(PLUGIN)
    info = folder / "ctcbench_marks-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ctcbench-marks\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[ctcbench]\nmarks = ctcbench_marks\n")
    return folder


@pytest.fixture
def plugins(plugin_folder, monkeypatch) -> Registry:
    monkeypatch.syspath_prepend(str(plugin_folder))
    monkeypatch.setenv("CTCBENCH_PLUGINS", "marks")
    return load_registry()


@pytest.fixture
def start_python(plugin_folder, monkeypatch):
    """Start a script in a process of its own that finds the plugin too."""
    started = []

    def start(code: str, **options) -> subprocess.Popen:
        paths = ":".join([str(plugin_folder), *(path or "." for path in sys.path)])
        monkeypatch.setenv("PYTHONPATH", paths)
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell that starts the tests in the background makes them, and so this process, ignore SIGINT.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **options,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def cache(tmp_path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def draw(plugins, cache):
    """Return ``draw(options, count, split, …)``, which draws samples of the data set `marks`."""

    def call(options="", count=10, split="train", **more):
        text = f"marks:{options}" if options else "marks"
        return materialise(build_dataset(plugins, text), split, count, cache=cache, **{"workers": 1, **more})

    return call
