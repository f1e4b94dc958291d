"""A tiny search: its file, its journal, and the command that runs it."""

import json

from ctcbench.study.search.search_file import read_search
from tests.study.study_cases import SETTINGS
from tests.tiny_config import TINY

SPACE = """
lr = { low = 1e-4, high = 1e-2, log = true }
head = ["bigru1:width=8", "none"]
"backbone:width" = { low = 4, high = 8, step = 4 }
"""


def write(folder, space=SPACE, *, top="", base=None, name="small", more=""):
    """Write the file of a search over the tiny model, and return its path."""
    settings = {**SETTINGS, "backbone": "cnn3", **TINY_DATA, "device": "cpu", **(base or {})}
    settings = {key: value for key, value in settings.items() if f"\n{key} =" not in f"\n{space}"}
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items() if value is not None]
    path = folder / f"{name}.toml"
    path.write_text("\n".join([top, "[base]", *lines, "[space]", space, more]))
    return path


TINY_DATA = {name: TINY[name] for name in ("dataset", "decoder")}


def spec_of(registry, folder, *arguments, **settings):
    return read_search(registry, write(folder, *arguments, **settings))


def journal(out, name="small"):
    """Return the records of a search's journal."""
    return [json.loads(line) for line in (out / "studies" / name / "optuna.jsonl").read_text().splitlines()]
