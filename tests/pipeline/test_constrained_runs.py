"""Runs whose decoder has a lexicon: what the run folder holds, and what a stored decoder may open."""

import shutil

import numpy as np
import pytest

import ctcbench
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import ComponentNotice, CtcbenchError, UsageError
from ctcbench.files.attached_files import digest_of
from ctcbench.pipeline import runner
from ctcbench.pipeline.decoding_stage import decode_stored
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny

CONTENT = b"12\n34\n7\n"
WORDS = {"12", "34", "7"}
PICTURES = list(np.random.default_rng(0).integers(0, 256, (6, 24, 60), np.uint8))


@pytest.fixture(params=["beam_cpp", "mbr"])
def constrained(request, registry, finished_copy, tmp_path):
    """The result of a finished run whose decoder has a lexicon; the file of the lexicon is deleted."""
    words = tmp_path / "words.txt"
    words.write_bytes(CONTENT)
    out = finished_copy.folder.parent
    result = runner.run(resolve(registry, tiny(decoder=f"{request.param}:lexicon={words}")), Runtime(out))
    words.unlink()
    return result


def texts(result):
    return set(RunFolder(result.folder).read_predictions(result.path.stem).texts)


def test_the_run_folder_contains_the_lexicon(constrained):
    stored = constrained.folder / "decoder_files" / f"{digest_of(CONTENT)}.data"
    assert stored.read_bytes() == CONTENT
    assert texts(constrained) <= WORDS


def test_predict_needs_no_other_file(constrained):
    recogniser = ctcbench.load(constrained.folder, device="cpu")
    predictions = recogniser.predict(PICTURES, n_best=5)
    assert {prediction.text for prediction in predictions} <= WORDS
    assert {one.text for prediction in predictions for one in prediction.alternatives} <= WORDS


def test_a_damaged_lexicon_is_noticed(constrained):
    (constrained.folder / "decoder_files" / f"{digest_of(CONTENT)}.data").write_bytes(b"99\n")
    with pytest.raises(CtcbenchError, match="decoder_files"):
        ctcbench.load(constrained.folder, device="cpu")


def test_results_of_other_words_are_other_results(registry, finished_copy, tmp_path):
    words = tmp_path / "words.txt"
    found = []
    for content in (b"12\n", b"34\n"):
        words.write_bytes(content)
        found.append(decode_stored(registry, finished_copy.folder, f"beam_cpp:lexicon={words}"))
    assert found[0].path != found[1].path
    assert [texts(result) for result in found] == [{"12"}, {"34"}]


@pytest.mark.parametrize("digest", ["", f"#{digest_of(CONTENT)}"])
def test_a_stored_decoder_opens_no_file_outside_of_its_folder(finished, tmp_path, digest):
    secret = tmp_path / "secret.txt"
    secret.write_bytes(CONTENT)
    folder = shutil.copytree(finished.folder, tmp_path / "hostile" / finished.folder.name)
    (folder / "manifest.json").unlink()
    config = folder / "config.toml"
    config.write_text(
        config.read_text().replace('decoder = "greedy"', f"decoder = \"beam_cpp:lexicon='{secret}{digest}'\"")
    )
    recogniser = ctcbench.load(folder, device="cpu")
    with pytest.raises(UsageError, match=r"not opened|not stored with the model"):
        recogniser.predict(PICTURES)
    assert {p.text for p in recogniser.predict(PICTURES, decoder=f"beam_cpp:lexicon={secret}")} <= WORDS


def test_a_wrong_pattern_is_an_error_before_the_training(registry, tmp_path):
    with pytest.raises(UsageError, match="not a regular expression"):
        runner.run(resolve(registry, tiny(decoder="beam_cpp:pattern='[0-9'")), Runtime(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_a_constraint_that_leaves_no_text_does_not_make_the_recogniser_a_collapsed_one(
    registry, finished_copy
):
    if finished_copy.score.collapsed:
        pytest.skip("with this torch the tiny recogniser outputs the same text for all images")
    with pytest.warns(ComponentNotice, match="no text that its options permit is possible"):
        result = decode_stored(registry, finished_copy.folder, "beam_cpp:length=99")
    assert result.score.empty_outputs == 1.0 and result.score.collapsed is False
