"""Counts of proofs: what is counted, its sentence and its JSON document."""

import json
import math

import pytest

from ctcbench.decoding import BestLabelling
from ctcbench.evaluation.proof_counts import ProofCounts, count_proofs

PROVEN = [BestLabelling((1,), -1.0, True, 0.0, proof) for proof in ("beam", "best path", "beam")]
NONE = "none"


def unproven(gap):
    return BestLabelling((), -1.0, False, gap, NONE)


def test_proofs_are_counted_by_what_proved_the_text():
    found = count_proofs(PROVEN)
    assert found == ProofCounts(3, {"beam": 2, "best path": 1}, 0.0) and found.proven == 3
    assert str(found) == "3 of 3 (beam 2, best path 1)"
    assert count_proofs([]) is None
    nothing = BestLabelling((), -math.inf, True, 0.0, "nothing accepted")
    assert str(count_proofs([nothing])) == "1 of 1 (no permitted text 1)"


def test_without_a_proof_the_largest_gap_is_known_or_not():
    rest = "of the others a more probable text may exist"
    found = count_proofs([*PROVEN, unproven(0.51234), unproven(0.1)])
    assert str(found) == f"3 of 5 (beam 2, best path 1); {rest}, gap at most 0.512"
    assert str(count_proofs([unproven(math.inf), unproven(1.0)])) == f"0 of 2; {rest}, gap not known"


@pytest.mark.parametrize("gap", [0.25, math.inf])
def test_counts_survive_a_round_trip_as_json(gap):
    found = count_proofs([*PROVEN, unproven(gap)])
    document = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert document["largest_gap"] == (None if gap == math.inf else gap) and document["proven"] == 3
    assert ProofCounts.from_json(document) == found
