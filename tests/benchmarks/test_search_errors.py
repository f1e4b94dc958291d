"""`ctcbench bench search-errors`: figures against exact scores, and the command."""

import json

import numpy as np
import pytest

from ctcbench import Hypothesis, UsageError
from ctcbench.__main__ import main
from ctcbench.benchmarks.search_errors import find_search_errors
from ctcbench.benchmarks.workloads import find_workload
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.components import Component
from ctcbench.contract.data import LogProbs
from ctcbench.decoding import best_labelling, score_labellings
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin
from ctcbench.results.run_folder import RunFolder


def few(count):
    drawn = find_workload("captcha-noisy").draw()
    return LogProbs(drawn.values_NTK[:count], drawn.lengths_N[:count], drawn.texts[:count], drawn.alphabet)


def registry_of(labels):
    """Return a registry with a decoder that returns the given labels."""

    def given(alphabet):
        return lambda read: [Hypothesis(one, 0.0, ()) for one in labels]

    return Registry((Plugin("fake", "fake", "0", "fake", components=(Component("decoder", given),)),))


def test_errors_are_labellings_below_the_proven_best():
    read = few(10)
    best = best_labelling(read.values_NTK)
    labels = [one.labels for one in best]
    labels[3], labels[7] = (1, 2), ()
    found = find_search_errors(registry_of(labels), read, ["given"], nodes=10_000)
    assert (found.images, found.proven) == (10, 10)
    assert sum(found.proofs.values()) == 10 and found.largest_gap == 0.0
    (row,) = found.decoders
    assert (row.decoder, row.errors, row.rate) == ("given", 2, 0.2)
    assert row.interval[0] < 0.2 < row.interval[1]
    lost = [best[n].log_prob - score_labellings(read.values_NTK[n], [labels[n]])[0] for n in (3, 7)]
    assert row.lost == pytest.approx(np.mean(lost))


def test_images_without_a_proof_are_not_counted():
    read = few(4)
    flat = np.full_like(read.values_NTK[0], -np.log(read.values_NTK.shape[2]))
    values_NTK = np.concatenate([read.values_NTK, flat[np.newaxis]])
    more = LogProbs(values_NTK, np.full(5, 18), (*read.texts, "x"), read.alphabet)
    found = find_search_errors(registry_of([(1,)] * 5), more, ["given"], nodes=2_000)
    assert (found.images, found.proven, found.proofs["none"]) == (5, 4, 1)
    assert found.largest_gap > 0
    assert found.decoders[0].errors == 4
    with pytest.raises(UsageError, match="no image has a proof with 10 nodes"):
        find_search_errors(
            registry_of([(1,)]),
            LogProbs(flat[None], np.array([18]), ("x",), read.alphabet),
            ["given"],
            nodes=10,
        )


@pytest.fixture
def run(tmp_path):
    (tmp_path / "run").mkdir()
    folder = RunFolder(tmp_path / "run")
    folder.write_config(RunConfig().model_dump())
    folder.write_log_probs("test", few(12))
    return folder.path


def test_the_command_prints_a_table_and_json(run, capsys):
    arguments = ["bench", "search-errors", str(run)]
    assert main([*arguments, "--decoder", "greedy", "--decoder", "best_cpp"]) == 0
    text = capsys.readouterr().out
    assert "12 of 12 images proven" in text
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["decoder"] for row in document["decoders"]] == [RunConfig().decoder]
    assert main([*arguments, "--decoder", "best_cpp", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["decoders"][0]["errors"] == 0


def test_the_command_refuses_what_is_not_for_ctc(run, capsys):
    assert main(["bench", "search-errors", str(run), "--decoder", "slots"]) == 2
    assert "--decoder slots: not for CTC" in capsys.readouterr().err


@pytest.mark.parametrize("options", ["length=3", "pattern=.*"])
def test_decoders_that_search_another_text_are_refused(run, capsys, options):
    assert main(["bench", "search-errors", str(run), "--decoder", f"beam_cpp:{options}"]) == 2
    message = "searches the best text within a constraint, a language model or hotwords, not the most"
    assert message in capsys.readouterr().err


# In Python the search of `beam` takes seconds.
@pytest.mark.parametrize(
    "name", ["greedy", pytest.param("beam", marks=pytest.mark.landing), "beam_cpp", "best_cpp"]
)
def test_decoders_with_a_blank_penalty_are_refused(run, capsys, name):
    assert main(["bench", "search-errors", str(run), "--decoder", f"{name}:blank_penalty=0.5"]) == 2
    message = f"{name}:blank_penalty=0.5 searches the best labelling with blank_penalty=0.5, not"
    assert message in capsys.readouterr().err
    assert main(["bench", "search-errors", str(run), "--decoder", f"{name}:blank_penalty=0"]) == 0


def test_decoders_that_search_another_text_are_left_out_beside_others(run, capsys):
    arguments = ["bench", "search-errors", str(run), "--decoder", "mbr", "--decoder", "beam_cpp"]
    assert main(arguments) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "left out: mbr searches the text with the least expected error, not the most probable" in text
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["decoder"] for row in document["decoders"]] == ["beam_cpp"]
    assert list(document["left_out"]) == ["mbr"]


def test_for_the_decoder_of_the_run_no_file_outside_of_its_folder_is_opened(run, tmp_path, capsys):
    words = tmp_path / "words.txt"
    words.write_text("ab\n")
    settings = RunConfig().model_dump() | {"decoder": f"beam_cpp:lexicon='{words}'"}
    RunFolder(run).write_config(settings)
    assert main(["bench", "search-errors", str(run)]) == 2
    assert "not opened" in capsys.readouterr().err
