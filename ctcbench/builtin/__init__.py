"""The built-in components: an ordinary plugin, registered in the entry point group `ctcbench`."""

from __future__ import annotations

from collections.abc import Sequence

from ctcbench.builtin.augmentations import AUGMENTATIONS
from ctcbench.builtin.backbones import cnn2, cnn3, cnn5, cnn7, columns
from ctcbench.builtin.captcha import captcha
from ctcbench.builtin.decoders import beam, beam_cpp, greedy, slots
from ctcbench.builtin.exact_decoders import best_cpp
from ctcbench.builtin.folder import folder
from ctcbench.builtin.heads import HEADS
from ctcbench.builtin.lettering import lettering
from ctcbench.builtin.local_executor import local
from ctcbench.builtin.losses import ctc
from ctcbench.builtin.losses import slots as slots_loss
from ctcbench.builtin.optimizers import adamw, muon
from ctcbench.builtin.picture_sets.csv_set import csv
from ctcbench.builtin.picture_sets.lmdb_set import lmdb
from ctcbench.builtin.picture_sets.parquet_set import parquet
from ctcbench.builtin.risk_decoder import mbr
from ctcbench.contract.components import Component
from ctcbench.contract.hooks import hookimpl


@hookimpl
def ctcbench_components() -> Sequence[Component]:
    """Return every built-in component."""
    return [
        captcha, folder, csv, lmdb, parquet, lettering, *AUGMENTATIONS,
        cnn2, cnn3, cnn5, cnn7, columns, *HEADS,
        ctc, slots_loss, muon, adamw, greedy, slots, beam, beam_cpp, best_cpp, mbr, local
    ]  # fmt: skip
