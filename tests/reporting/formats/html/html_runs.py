"""Run folders with synthetic log-probabilities for real images."""

import dataclasses

import numpy as np

from ctcbench import RunConfig
from ctcbench.config.recipe import resolve
from ctcbench.config.train_key import train_key
from ctcbench.contract.data import LogProbs
from ctcbench.data.built_dataset import build_dataset
from ctcbench.data.materialise import materialise
from ctcbench.registry.discovery import load_registry
from ctcbench.reporting.formats.html.page import html_page
from ctcbench.results.decoder_key import decoder_key
from ctcbench.results.out_folder import create_run_folder
from tests.reporting.formats.html import html_cases as cases

DATASET = "captcha:width=100,height=40,length=4,alphabet=alnum"
IMAGES = 30
MISTAKES = {"cnn3": slice(0, 3), "cnn2": slice(1, 5), "cnn2:width=8": slice(2, 5)}  # the best first


def a_run(out, registry, decoder, backbone, seed):
    """Write a run folder with log-probabilities that decode to known mistakes; return its member."""
    config = RunConfig(dataset=DATASET, backbone=backbone, decoder=decoder, seed=seed, test_samples=IMAGES)
    config = resolve(registry, config).config
    samples = materialise(build_dataset(registry, DATASET), "test", IMAGES)
    alphabet = registry.build("dataset", DATASET).alphabet
    folder = create_run_folder(out, train_key(registry, config), config.model_dump())
    rng = np.random.default_rng(seed)
    values_NTK = rng.normal(0, 1, (IMAGES, 20, alphabet.num_classes)).astype(np.float32)
    values_NTK[..., 0] += 6
    read = []
    for image, text in enumerate(samples.texts):
        forms = [text, text, text.swapcase(), text[:-1], "Z" + text[1:]][MISTAKES[backbone]]
        wrong = forms[image % len(forms)]
        read.append(wrong)
        for place, label in enumerate(alphabet.encode(wrong)):
            values_NTK[image, 2 + 4 * place, label] += 12
    values_NTK -= np.log(np.exp(values_NTK).sum(2, keepdims=True))
    lengths_N = np.full(IMAGES, 20, np.int64)
    log_probs = LogProbs(values_NTK, lengths_N, tuple(samples.texts), alphabet, samples.fingerprint)
    folder.write_log_probs("test", log_probs)
    for step in range(10, 60, 10):
        folder.append_metrics({"kind": "steps", "step": step, "loss": 60 / step + seed})
    for epoch in range(1, 6):
        figures = {"val_exact": epoch / 8 + seed / 50, "val_loss": 5 / epoch}
        folder.append_metrics({"kind": "epoch", "epoch": epoch, "step": epoch * 10, **figures})
    sure = [0.95 if text == target else 0.4 for text, target in zip(read, samples.texts, strict=True)]
    predictions = cases.Predictions(
        "test", samples.fingerprint, tuple(read), tuple(samples.texts), tuple(sure)
    )
    member = cases.member(folder.path, predictions, **config.model_dump())
    provenance = {**member.result.provenance, "data": {"fingerprint": samples.fingerprint}}
    result = dataclasses.replace(member.result, provenance=provenance)
    folder.write_result(decoder_key(config.decoder), result, predictions)
    return dataclasses.replace(member, result=result)


def a_page(out):
    """Write the page of three rows to `out`; the name of one contains markup."""
    registry = load_registry([])
    hostile = "<img src=x onerror='window.hacked=1'>"
    rows = []
    for number, (backbone, shown) in enumerate(zip(MISTAKES, ("greedy", "greedy", hostile), strict=True), 1):
        members = [a_run(out, registry, "greedy", backbone, seed) for seed in (0, 1)]
        rows.append(cases.row(number, {"backbone": backbone, "decoder": shown}, members))
    path = out / "report.html"
    path.write_text(html_page(cases.report(rows), registry), encoding="utf-8")
    return path
