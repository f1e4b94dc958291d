"""Helpers of the tests of runs: a listener that records, interruptions, damage, folders of pictures."""

import signal

from ctcbench.training import loop, step
from ctcbench.training.progress_events import ProgressListener
from tests.tiny_config import tiny


class Listener(ProgressListener):
    def __init__(self):
        self.notices, self.progress, self.started = [], [], []

    def notice(self, text):
        self.notices.append(text)

    def run_started(self, folder, compute):
        self.started.append(folder)

    def training_advanced(self, progress):
        self.progress.append(progress)


def interrupt_at(monkeypatch, wanted):
    """Send SIGINT to this process before the step of a number, counted from 1."""

    def interrupted(state, batch, config):
        if state.step + 1 == wanted:
            signal.raise_signal(signal.SIGINT)
        return step.train_step(state, batch, config)

    monkeypatch.setattr(loop, "train_step", interrupted)


def flip(content):
    return content[:-3] + bytes([content[-3] ^ 4]) + content[-2:]


def pictures_config(pictures, **settings):
    return tiny(
        dataset=f"folder:path='{pictures}',width=60,height=24,fit=pad,alphabet=digits",
        backbone="cnn3:width=4",
        **settings,
    )


class RunToDamage:
    """A copy of a finished run whose files a test may change."""

    def __init__(self, path):
        self.path = path

    def change(self, name, content):
        path = self.path / name
        path.write_bytes(content(path.read_bytes()) if callable(content) else content.encode())
        return path
