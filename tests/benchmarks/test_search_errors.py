"""`ctcbench bench search-errors`: figures against exact scores, and the command."""

import json

import numpy as np
import pytest

from ctcbench import Alphabet, Hypothesis, UsageError
from ctcbench.__main__ import main
from ctcbench.benchmarks.search_errors import find_search_errors
from ctcbench.benchmarks.workloads import find_workload
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.components import Component
from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import ComponentNotice
from ctcbench.decoding import beam_search, best_labelling, score_labellings
from ctcbench.decoding.constraints import length_automaton
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.discovery import load_registry
from ctcbench.registry.plugin import Plugin
from ctcbench.results.run_folder import RunFolder


def few(count):
    drawn = find_workload("captcha-noisy").draw()
    return LogProbs(drawn.values_NTK[:count], drawn.lengths_N[:count], drawn.texts[:count], drawn.alphabet)


def registry_of(labels, log_prob=0.0):
    """Return a registry with a decoder that returns the given labels."""

    def given(alphabet):
        return lambda read: [Hypothesis(one, log_prob, ()) for one in labels]

    return Registry((Plugin("fake", "fake", "0", "fake", components=(Component("decoder", given),)),))


@pytest.mark.parametrize("log_prob", [0.0, np.nan])  # NaN: the decoder does not know it
def test_errors_are_labellings_below_the_proven_best(log_prob):
    read = few(10)
    best = best_labelling(read.values_NTK)
    labels = [one.labels for one in best]
    labels[3], labels[7] = (1, 2), ()
    found = find_search_errors(registry_of(labels, log_prob), read, ["given"], nodes=10_000)
    (row,) = found.decoders
    assert (found.images, row.optima.proven) == (10, 10)
    assert sum(row.optima.proofs.values()) == 10 and row.optima.largest_gap == 0.0
    assert not row.optima.within_constraint
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
    (row,) = found.decoders
    assert (found.images, row.optima.proven, row.optima.proofs["none"]) == (5, 4, 1)
    assert row.optima.largest_gap > 0
    assert row.errors == 4
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


def test_decoders_within_a_constraint_are_compared_with_the_best_that_it_accepts(run, capsys):
    narrow = ["--decoder", "beam_cpp:width=1,length=5", "--decoder", "best_cpp:length=5,nodes=5000"]
    arguments = ["bench", "search-errors", str(run), *narrow, "--decoder", "greedy"]
    assert main([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    read = few(12)
    guide = length_automaton([None, *read.alphabet.characters], 5, 5)
    best = best_labelling(read.values_NTK, guide=guide)
    found = beam_search(read.values_NTK, beam_width=1, guide=guide)
    missed = sum(one.labels != hypotheses[0].labels for one, hypotheses in zip(best, found, strict=True))
    assert [row["errors"] for row in document["decoders"][:2]] == [missed, 0]
    assert missed > 0
    assert [row["optima"]["within_constraint"] for row in document["decoders"]] == [True, True, False]
    assert main(arguments) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "width=1,length=5: 12 of 12 images proven among the texts that its constraint accepts" in text
    assert text.count("images proven") == 2


def test_a_beam_that_loses_what_is_accepted_has_an_error_of_no_size():
    # After the first frame the beam of width 1 holds "a", which nothing can follow.
    values_TK = np.log([[0.1, 0.6, 0.3, 1e-300], [0.5, 1e-300, 1e-300, 0.5]])
    values_TK[values_TK < -600] = -np.inf
    read = LogProbs(values_TK[None].astype(np.float32), np.array([2]), ("bc",), Alphabet("abc"))
    decoder = "beam_cpp:width=1,pattern=ab|bc"
    with pytest.warns(ComponentNotice, match="or the beam of width 1 lost them"):
        found = find_search_errors(load_registry(), read, [decoder, "best_cpp:pattern=ab|bc"], nodes=100)
    assert [(row.errors, row.lost) for row in found.decoders] == [(1, 0.0), (0, 0.0)]
    with pytest.raises(UsageError, match="best_cpp:length=3: no text that its options permit is possible"):
        find_search_errors(load_registry(), read, ["best_cpp:length=3"], nodes=100)


def test_decoders_that_weigh_texts_are_refused(run, capsys):
    decoder = f"beam_cpp:length=3,hotwords={few(1).alphabet.characters[:2]}"
    assert main(["bench", "search-errors", str(run), "--decoder", decoder]) == 2
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
