"""Records of the numbers that budgets chose: written and read, kept, and hostile ones refused."""

import json
import os

import pytest

from ctcbench.contract.errors import CtcbenchError
from ctcbench.files.plain_files import NotPlain
from ctcbench.results.budget_records import BudgetRecord, BudgetRecords

RECORD = BudgetRecord(
    digest="0123456789ab",
    budget_seconds=60.0,
    train_samples=21_000,
    epochs=1,
    training_seconds=60.2,
    step_seconds=0.0917,
    draw_seconds=0.0002,
    compute="cpu in bfloat16, 2 threads",
    created="2026-11-28T08:00:00+00:00",
)
OTHER = RECORD.model_copy(update={"train_samples": 20_000})


@pytest.fixture
def records(tmp_path):
    return BudgetRecords(tmp_path / "runs")


def test_a_record_is_read_as_it_was_written(records):
    assert records.read(RECORD.digest) is None
    assert records.write(RECORD, replace=False) == RECORD
    assert records.read(RECORD.digest) == RECORD
    assert records.path(RECORD.digest).name == "0123456789ab.json"
    assert records.read("another") is None


def test_a_record_that_another_process_has_written_since_is_kept(records):
    records.write(RECORD, replace=False)
    assert records.write(OTHER, replace=False) == RECORD
    assert records.write(OTHER, replace=True) == OTHER
    assert records.read(RECORD.digest) == OTHER


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"train_samples": 0}, "train_samples: expected greater than or equal to 1"),
        ({"train_samples": 10**12}, "train_samples: expected less than or equal to"),
        ({"train_samples": "21000"}, "train_samples: expected a whole number"),
        ({"train_samples": 1.5}, "train_samples: expected a whole number"),
        ({"epochs": -1}, "epochs: expected greater than or equal to 1"),
        ({"epochs": True}, "epochs: expected a whole number"),
        ({"epochs": None}, "epochs: expected a whole number"),
        ({"step_seconds": 0}, "step_seconds: expected greater than 0"),
        ({"compute": ["cpu"]}, "compute: expected text"),
        ({"compute": "c" * 2000}, "compute: 2,000 characters"),
        ({"format": 2}, "format: expected 1"),
        ({"digest": "fedcba987654"}, "the record of another command"),
    ],
)
def test_a_record_with_an_impossible_value_is_refused(records, change, says):
    records.write(RECORD, replace=False)
    path = records.path(RECORD.digest)
    path.write_text(json.dumps(RECORD.model_dump() | change))
    with pytest.raises(CtcbenchError, match=says) as error:
        records.read(RECORD.digest)
    assert str(error.value).startswith(str(path))
    assert str(error.value).endswith("; --fresh replaces it")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"epochs": NaN}', b"\xff", b"[" * 100_000])
def test_a_damaged_record_is_refused_and_can_be_replaced(records, content):
    records.write(RECORD, replace=False)
    records.path(RECORD.digest).write_bytes(content)
    with pytest.raises(CtcbenchError, match="--fresh replaces it"):
        records.read(RECORD.digest)
    assert records.write(OTHER, replace=True) == OTHER


def test_a_record_larger_than_a_mebibyte_is_not_read(records):
    records.write(RECORD, replace=False)
    with records.path(RECORD.digest).open("wb") as file:
        file.truncate(2**43)
    with pytest.raises(CtcbenchError, match="larger"):
        records.read(RECORD.digest)


@pytest.mark.parametrize("place", ["file", "folder"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_links_and_pipes_are_refused(records, tmp_path, kind, place):
    records.write(RECORD, replace=False)
    path = records.path(RECORD.digest)
    elsewhere = tmp_path / "elsewhere"
    path.parent.rename(elsewhere)
    if place == "file":
        path.parent.mkdir()
    wanted = path if place == "file" else path.parent
    if kind == "link":
        wanted.symlink_to(elsewhere / path.name if place == "file" else elsewhere)
    else:
        os.mkfifo(wanted)
    before = sorted((entry.name, entry.stat().st_mtime_ns) for entry in elsewhere.iterdir())
    for action in (records.read, lambda digest: records.write(OTHER, replace=True)):
        with pytest.raises((NotPlain, CtcbenchError)):
            action(RECORD.digest)
    assert sorted((entry.name, entry.stat().st_mtime_ns) for entry in elsewhere.iterdir()) == before
