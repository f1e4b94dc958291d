"""What `ctcbench tune` prints at the end of a search."""

import pytest

from ctcbench.cli.search_results import SearchResults
from ctcbench.study.search.optimiser import Proposal
from ctcbench.study.study_folder import StudyFolder
from tests.study.search.search_cases import spec_of


@pytest.mark.parametrize(
    "objective, scores, is_noted",
    [
        ("exact", (0.0, 0.0), True),
        ("exact", (0.0, 0.1), False),
        ("loss", (0.0, 0.1), False),
        ("exact", (), False),
    ],
)
def test_a_search_in_which_no_trial_reads_a_text_has_a_remedy(
    registry, tmp_path, capsys, objective, scores, is_noted
):
    spec = spec_of(registry, tmp_path, top=f"objective = '{objective}'")
    proposals = [
        Proposal(number, {"lr": 1e-3}, {}, "complete", score) for number, score in enumerate(scores, start=1)
    ]
    models = {proposal.number: () for proposal in proposals}
    SearchResults(spec, StudyFolder(tmp_path, "small"), proposals, models, {}).print()
    assert ('with objective = "cer"' in capsys.readouterr().out) == is_noted
