"""The smallest settings with which every part of a training still happens."""

from ctcbench import RunConfig

TINY = {
    "dataset": "captcha:width=60,height=24,length=2,alphabet=digits",
    "backbone": "cnn3:width=4,dropout=0.1",
    "head": "bigru1:width=8,dropout=0.1",
    "decoder": "greedy",
    "train_samples": 70,
    "val_samples": 10,
    "test_samples": 12,
    "epochs": 2,
    "batch_size": 16,
}


def tiny(**settings):
    return RunConfig(**{**TINY, **settings})
