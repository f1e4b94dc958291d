"""Run folders with synthetic predictions, for tests of reports without training."""

from __future__ import annotations

import dataclasses
import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from ctcbench import RunConfig
from ctcbench.contract.hooks import Column
from ctcbench.evaluation.scoring import score
from ctcbench.reporting.build_report import build_report
from ctcbench.reporting.formats.terminal import report_table
from ctcbench.reporting.report_model import Report
from ctcbench.results.decoder_key import decoder_key
from ctcbench.results.out_folder import find_runs
from ctcbench.results.predictions import Predictions
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_results import find_results

ALPHABET = "0123456789abcdefghij"


def targets(images: int = 400, length: int = 5) -> tuple[str, ...]:
    """Return the true texts, which are the same for every run."""
    generator = np.random.default_rng(0)
    return tuple("".join(generator.choice(list(ALPHABET), length)) for _ in range(images))


def readings(truth: tuple[str, ...], skill: float, seed: int) -> tuple[str, ...]:
    """Return texts of which about `skill` are right; an image is equally hard in every call."""
    hardness = np.random.default_rng(1).normal(0, 0.1, len(truth))
    luck = np.random.default_rng(seed).random(len(truth))
    return tuple(
        text if luck[i] < skill + hardness[i] * (0 < skill < 1) else text[:-1] + "?"
        for i, text in enumerate(truth)
    )


def a_run(
    out: Path,
    skill: float = 0.9,
    *,
    seed: int = 0,
    texts: tuple[str, ...] | None = None,
    truth: tuple[str, ...] | None = None,
    fingerprint: str = "images-1",
    keep_texts: bool = True,
    provenance: dict[str, Any] | None = None,
    cost: dict[str, Any] | None = None,
    folder: str | None = None,
    **settings: Any,
) -> Result:
    """Write a run folder with one result and return the result."""
    config = RunConfig(seed=seed, **settings)
    identity = repr(sorted((k, v) for k, v in config.model_dump().items() if k != "decoder"))
    truth = truth or targets()
    draw = zlib.crc32(f"{identity}{config.decoder}".encode())
    texts = texts if texts is not None else readings(truth, skill, draw)
    run = RunFolder(out / (folder or f"{zlib.crc32(identity.encode()):08x}"))
    result = Result(
        config.model_dump(),
        score(texts, truth, "test", resamples=50),
        {
            "parameters": 2306110, "train_seconds": 60.0 + seed, "images_per_second": 327.6,
            "decode_ms_per_image": 0.05, "peak_memory_mib": None,
        } | (cost or {}),
        {
            "started": f"2026-01-01T00:00:{seed:02}+00:00",
            "host": {"cpu": "A CPU", "gpu": None, "cores": 2},
            "versions": {"ctcbench": "0.1.0", "torch": "2.7.1"},
            "plugins": {"builtin": "0.1.0"},
            "data": {"fingerprint": fingerprint},
            "training": {"left_plateau_step": 100 + seed},
        } | (provenance or {}),
    )  # fmt: skip
    if not run.config_path.exists():
        run.path.mkdir(parents=True, exist_ok=True)
        run.write_config(config.model_dump())
    predictions = Predictions("test", fingerprint, texts, truth)
    key = decoder_key(config.decoder)
    path = run.write_result(key, result, predictions if keep_texts else None)
    return dataclasses.replace(result, path=path)


def a_grid(out: Path, seeds: int = 5, **settings: Any) -> list[Result]:
    """Return results of 2 backbones × 2 heads × 2 decoders × seeds; cnn3 is 30 points better than cnn2."""
    return [
        a_run(
            out,
            0.5 + 0.3 * (backbone == "cnn3") + 0.005 * seed,
            seed=seed, backbone=backbone, head=head, decoder=decoder, **settings,
        )
        for backbone in ("cnn2", "cnn3")
        for head in ("bilstm2", "lstm1")
        for decoder in ("beam_cpp", "greedy")
        for seed in range(seeds)
    ]  # fmt: skip


def read_again(out: Path) -> list:
    results = []
    for folder in find_runs(out):
        found, problems = find_results(folder)
        assert not problems
        results += found
    return results


def warned(report: Report, kind: str) -> list[str]:
    return [warning.text for warning in report.warnings if warning.kind == kind]


def shown(report, width):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    for part in report_table(report, width):
        console.print(part)
    return console.file.getvalue()


def a_hostile_report(tmp_path):
    path = "folder:path='/a_b|c/[bold]<i>&%~^{}$#--`/äöß_and_a_name_that_goes_on_and_on_and_on'"
    settings = [
        {"dataset": path},
        {"dataset": "captcha", "lr": 0.1},
        {"backbone": "cnn2:width=128,norm=none"},
    ]
    return build_report(
        [a_run(tmp_path, 0.4 + 0.1 * i, seed=seed, **s) for i, s in enumerate(settings) for seed in range(3)],
        columns=[Column("a plugin's own & long header", lambda document: "12345678901234567890")],
        damaged=["100 %"],
    )
