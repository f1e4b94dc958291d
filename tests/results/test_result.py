"""JSON document of a result: the fixed schema, round trips, every kind of damage."""

import json
from pathlib import Path

import pytest

from ctcbench.contract.errors import CtcbenchError
from ctcbench.evaluation.scoring import score
from ctcbench.results.provenance import host, now, versions
from ctcbench.results.result import COSTS, Result

RESULT = Result(
    config={"backbone": "cnn3", "decoder": "beam_cpp:width=32", "epochs": 1, "lr": 3e-3, "amp": None},
    score=score(["1C1k", "abc"], ["1C19k", "abc"], "test", blank_probability=0.5),
    cost=dict.fromkeys(COSTS, 1.5) | {"peak_memory_mib": None, "note": "cpu"},
    provenance={"started": now(), "host": host(), "versions": versions(), "plugins": {}, "data": {}},
)
DOCUMENT = RESULT.to_json()
PATH = Path("runs/abc/results/beam_cpp.json")


def test_the_document_has_the_fixed_shape():
    assert list(DOCUMENT) == ["schema", "config", "score", "cost", "provenance"]
    assert DOCUMENT["schema"] == 1
    fixed = {
        "split",
        "images",
        "exact",
        "exact_ci",
        "char_accuracy",
        "cer",
        "edit_distance",
        "exact_caseless",
    }
    assert fixed | {"empty_outputs", "collapsed"} <= DOCUMENT["score"].keys()
    assert isinstance(DOCUMENT["score"]["exact_ci"], list)


def test_a_result_survives_a_round_trip(tmp_path):
    path = tmp_path / "greedy.json"
    path.write_text(json.dumps(DOCUMENT, allow_nan=False))
    assert Result.parse(path.read_bytes(), path) == RESULT


@pytest.mark.parametrize("schema", [0, 2, "1", None, True, 1.0])
def test_another_schema_is_refused(schema):
    with pytest.raises(CtcbenchError, match=r"beam_cpp\.json: schema .* reads schema 1"):
        Result.from_json({**DOCUMENT, "schema": schema}, PATH)


@pytest.mark.parametrize("key", ["schema", "config", "score", "cost", "provenance"])
def test_a_missing_key_is_named_with_the_file(key):
    with pytest.raises(CtcbenchError, match=rf"beam_cpp\.json: .*{key}"):
        Result.from_json({k: v for k, v in DOCUMENT.items() if k != key}, PATH)


@pytest.mark.parametrize("key", ["config", "score", "cost", "provenance"])
@pytest.mark.parametrize("wrong", [None, [], "text", 3])
def test_a_wrong_type_is_named_with_the_file(key, wrong):
    with pytest.raises(CtcbenchError, match=rf"beam_cpp\.json: {key}: expected an object"):
        Result.from_json({**DOCUMENT, key: wrong}, PATH)


@pytest.mark.parametrize("wrong", ["fast", True, [1], float("nan")])
def test_a_cost_that_is_not_a_number_is_named(wrong):
    with pytest.raises(CtcbenchError, match=r"beam_cpp\.json: cost\.parameters: expected a number"):
        Result.from_json({**DOCUMENT, "cost": {"parameters": wrong}}, PATH)


def test_a_fault_in_the_score_is_named_with_the_file():
    with pytest.raises(CtcbenchError, match=r"beam_cpp\.json: score\.exact: missing"):
        Result.from_json({**DOCUMENT, "score": {"split": "test", "images": 3}}, PATH)


@pytest.mark.parametrize(
    ("part", "key", "wrong"),
    [
        ("host", "cores", "x"),
        ("host", "cores", -1),
        ("host", "gpu", 3),
        ("data", "images", "abc"),
        ("data", "images", {"train": "many"}),
        ("data", "left_out", {"test": [1]}),
        ("data", "too_long", "\x1b"),
        ("training", "steps", 1.5),
        ("training", "plateau_steps_at_end", "x"),
        ("training", "blank_steps_at_end", "x"),
        ("training", "best_val_exact", "high"),
    ],
)
def test_a_wrong_value_of_the_provenance_is_named(part, key, wrong):
    with pytest.raises(CtcbenchError, match=rf"beam_cpp\.json: provenance\.{part}\.{key}"):
        Result.from_json({**DOCUMENT, "provenance": {part: {key: wrong}}}, PATH)
    kept = {part: {"of another version": wrong}}
    assert Result.from_json({**DOCUMENT, "provenance": kept}, PATH).provenance == kept


@pytest.mark.parametrize("document", [None, [], 1, "x"])
def test_a_document_that_is_not_an_object_is_refused(document):
    with pytest.raises(CtcbenchError, match=r"beam_cpp\.json: expected a JSON object"):
        Result.from_json(document, PATH)


@pytest.mark.parametrize(
    ("key", "wrong"), [("images", -1), ("proofs", {"beam": "two"}), ("proofs", [2]), ("largest_gap", "wide")]
)
def test_damaged_proofs_are_named(key, wrong):
    proofs = {"images": 2, "proven": 2, "proofs": {"beam": 2}, "largest_gap": None}
    assert (
        Result.from_json({**DOCUMENT, "provenance": {"proofs": proofs}}, PATH).provenance["proofs"] == proofs
    )
    with pytest.raises(CtcbenchError, match=rf"beam_cpp\.json: provenance\.proofs\.{key}"):
        Result.from_json({**DOCUMENT, "provenance": {"proofs": proofs | {key: wrong}}}, PATH)
