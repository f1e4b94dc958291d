"""The installed ctcbench_decoder: its results on every code path, its errors, and what it imports."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ctcbench_decoder import (
    Hypothesis,
    InputError,
    UsageError,
    _core,
    beam_search,
    beam_search_arrays,
    greedy_search,
    train_kneser_ney,
    write_arpa,
)
from ctcbench_decoder.optional_packages import require_package
from ctcbench_decoder.reference import beam_search_reference


def random_log_probs(seed, frames=9, classes=5):
    values_TK = np.random.default_rng(seed).normal(0, 3, (frames, classes))
    return values_TK - np.log(np.exp(values_TK).sum(-1, keepdims=True))


@pytest.mark.parametrize("path", _core.paths())
def test_every_code_path_agrees_with_the_slow_reference(path, monkeypatch):
    monkeypatch.setattr("ctcbench_decoder.beam.PATH", path)
    for seed in range(30):
        found = beam_search(random_log_probs(seed), beam_width=6, n_best=6)
        expected = beam_search_reference(random_log_probs(seed), beam_width=6, n_best=6)
        assert [(one.labels, one.frames) for one in found] == [(one.labels, one.frames) for one in expected]
        assert [one.log_prob for one in found] == pytest.approx([one.log_prob for one in expected])


def test_a_batch_on_threads_equals_its_sequences_one_by_one():
    batch_NTK = np.stack([random_log_probs(seed) for seed in range(20)])
    single = [beam_search(values_TK)[0] for values_TK in batch_NTK]
    assert [best for [best] in beam_search(batch_NTK, threads=3)] == single
    arrays = beam_search_arrays(batch_NTK, threads=2)
    labels = [tuple(row[:length]) for [row], [length] in zip(arrays.labels, arrays.lengths, strict=True)]
    assert labels == [best.labels for best in single]


def test_the_best_path():
    assert greedy_search(np.log([[0.1, 0.9], [0.8, 0.2], [0.1, 0.9]])) == Hypothesis(
        (1, 1), pytest.approx(np.log(0.9 * 0.8 * 0.9)), (0, 2)
    )


def test_the_examples_of_the_readme(tmp_path, monkeypatch):
    readme = Path(__file__).parent.parent / "README.md"
    codes = re.findall(r"^```python\n(.*?)^```$", readme.read_text(encoding="utf-8"), re.M | re.S)
    monkeypatch.chdir(tmp_path)
    write_arpa(train_kneser_ney([list("cat"), list("act")], 2).model, Path("model.arpa"))
    names = {}
    for code in codes:
        exec(code, names)
    assert (names["text"], names["best"].frames) == ("cat", (0, 1, 3))
    assert names["best"].log_prob == pytest.approx(-1.205, abs=5e-4)
    assert [len(found) for found in names["lists"]] == [3, 3] and len(names["arrays"].labels) == 2
    values_TK, characters = names["log_probs_TK"], names["characters"]
    assert names["best_labelling"](values_TK).optimal and names["chosen"].labels == (1, 2, 3)
    for guide, labels in [
        (names["pattern_automaton"](characters, "[ct]a[ct]?"), (1, 2, 3)),
        (names["lexicon_automaton"](characters, ["at", "act"]), (2, 3)),
    ]:
        assert beam_search(values_TK, guide=guide)[0].labels == labels


def test_errors_name_the_argument_and_this_distribution(monkeypatch):
    with pytest.raises(ValueError, match="class 1 is nan"):
        beam_search([[0.0, float("nan")]])
    assert issubclass(InputError, UsageError) and issubclass(InputError, ValueError)
    with pytest.raises(UsageError, match=r"pip install 'ctcbench-decoder\[patterns\]'"):
        require_package("no_such_package", owner="a pattern", extra="patterns")
    monkeypatch.setattr("ctcbench_decoder.beam.PATH", "fastest")
    with pytest.raises(UsageError, match="CTCBENCH_DECODER_PATH is 'fastest'; it must be automatic, "):
        beam_search([[0.0]])


def test_it_imports_numpy_and_no_other_package():
    code = (
        "import sys; before = set(sys.modules); import ctcbench_decoder; assert 'numpy' not in sys.modules;"
        "ctcbench_decoder.beam_search([[0.0, -1.0]]); new = set(sys.modules) - before;"
        "print(sorted({name.partition('.')[0] for name in new} - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("['ctcbench_decoder', 'numpy']\n", "")
