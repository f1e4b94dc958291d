"""Decoding stored log-probabilities: another decoder, damaged files, folders that are no runs."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from ctcbench import hookimpl
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.decoding import best_labelling
from ctcbench.evaluation.calibration import fit_sharpness
from ctcbench.evaluation.ctc_likelihood import text_log_probs
from ctcbench.evaluation.proof_counts import count_proofs
from ctcbench.pipeline.decoding_stage import decode_stored
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin, _manager_for
from ctcbench.results.result import Result
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_results import find_results


def test_another_decoder_needs_no_training_and_no_torch(finished_copy):
    code = (
        "import sys\nfrom pathlib import Path\nfrom ctcbench.registry.discovery import load_registry\n"
        "from ctcbench.pipeline.decoding_stage import decode_stored\n"
        "result = decode_stored(load_registry([]), Path(sys.argv[1]), 'beam_cpp:width=5')\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
        "print(result.path.name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(finished_copy.folder)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("beam_cpp-")


def test_predictions_are_stored_with_calibrated_confidences(finished_copy, registry):
    folder = RunFolder(finished_copy.folder)
    decode_stored(registry, finished_copy.folder, "greedy")
    stored = folder.read_predictions("greedy")
    tests = folder.read_log_probs("test")
    labels = [tests.alphabet.encode(text) for text in stored.texts]
    sharpness = fit_sharpness(folder.read_log_probs("val"))
    expected = np.exp(text_log_probs(tests, labels, sharpness))
    assert stored.confidences == pytest.approx(expected.tolist(), rel=1e-5)
    # Not calibrated without the log-probabilities of the validation images, as in runs of early versions.
    (folder.path / "manifest.json").unlink()
    folder.log_probs_path("val").unlink()
    decode_stored(registry, finished_copy.folder, "greedy")
    plain = np.exp(text_log_probs(tests, labels)).tolist()
    assert folder.read_predictions("greedy").confidences == pytest.approx(plain, rel=1e-5)


def test_a_read_only_run_is_to_be_copied(finished_copy, registry, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(UsageError, match="is read-only, and the result is stored in it; copy the folder"):
        decode_stored(registry, finished_copy.folder, "greedy")


def test_proofs_of_the_decoder_are_stored_with_the_result(finished_copy, registry):
    tests = RunFolder(finished_copy.folder).read_log_probs("test")
    expected = count_proofs(best_labelling(tests.values_NTK, tests.lengths_N))
    result = decode_stored(registry, finished_copy.folder, "best_cpp")
    assert result.provenance["proofs"] == expected.to_json() and expected.images == len(tests)
    assert Result.parse(result.path.read_bytes(), result.path).provenance["proofs"] == expected.to_json()
    assert "proofs" not in decode_stored(registry, finished_copy.folder, "beam_cpp").provenance


def test_trackers_receive_the_result_of_another_decoder(finished_copy, registry, monkeypatch):
    calls = []
    monkeypatch.setattr(
        type(registry), "call_hooks", lambda self, hook, notice, **arguments: calls.append((hook, arguments))
    )
    result = decode_stored(registry, finished_copy.folder, "beam_cpp:width=5")
    [(hook, arguments)] = calls
    assert hook == "ctcbench_run_finished" and arguments["result"] == result.to_json()
    run = arguments["run"]
    assert (run.folder, run.key) == (finished_copy.folder, finished_copy.folder.name)
    assert run.config["decoder"] == "greedy", "that of the run, not that of the result"


def test_a_tracker_that_fails_is_named_and_the_result_is_kept(finished_copy, registry):
    @hookimpl
    def ctcbench_run_finished(run, result):
        raise ValueError("disk full")

    hooks = SimpleNamespace(ctcbench_run_finished=ctcbench_run_finished)
    plugin = Plugin("broken", "ctcbench-broken", "1", "broken", _manager=_manager_for("broken", hooks))
    notices = []
    installed = Registry((*registry.plugins, plugin))
    result = decode_stored(installed, finished_copy.folder, "greedy", notices.append)
    assert result.path.is_file() and "ctcbench_run_finished raised ValueError('disk full')" in notices[0]


def test_decoding_a_folder_that_is_no_run(registry, tmp_path):
    with pytest.raises(UsageError, match="not a run folder"):
        decode_stored(registry, tmp_path, "greedy")


def test_a_damaged_result_is_reported_and_others_are_read(finished_copy, registry, tmp_path):
    folder = RunFolder(finished_copy.folder)
    decode_stored(registry, finished_copy.folder, "beam_cpp")
    broken = folder.result_path("broken")
    broken.write_text('{"schema": 1, "con')
    results, problems = find_results(folder)
    assert len(results) >= 2
    assert any(str(broken) in problem for problem in problems)
    broken.unlink()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("summary.json", "{}", ["summary.json: parameters: missing"]),
        ("config.toml", "lerning_rate = 3", ["config.toml: no setting 'lerning_rate'"]),
        ("config.toml", "lr = -1.0", ["config.toml: --lr -1.0"]),
        # A lost setting must not be replaced by its default: the result would belong to another run.
        ("config.toml", "", ["config.toml: damaged or cut off (no setting 'dataset')"]),
        ("config.toml", lambda whole: whole[: whole.index(b"epochs")], ["cut off (no setting 'epochs')"]),
    ],
)
def test_a_damaged_file_is_reported_with_its_fault(registry, damaged, name, content, words):
    damaged.change(name, content)
    with pytest.raises(CtcbenchError, match=rf"{name}: changed since ctcbench wrote it"):
        decode_stored(registry, damaged.path, "greedy")
    (damaged.path / "manifest.json").unlink()  # as in runs of earlier versions
    with pytest.raises(CtcbenchError) as error:
        decode_stored(registry, damaged.path, "greedy")
    for word in words:
        assert word in str(error.value)
