"""A run as an ONNX file: it reads what torch reads, and nothing is written that does not."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

import ctcbench
from ctcbench.config.recipe import resolve
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.pipeline import runner
from ctcbench.recognition import onnx_packages, picture_stream, run_export
from ctcbench.recognition.run_export import export_run
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
pytest.importorskip("onnxruntime", reason="the package onnxruntime is not installed")
pytest.importorskip("onnxscript", reason="the package onnxscript is not installed")
pytestmark = pytest.mark.skipif(not hasattr(torch.onnx, "ops"), reason="exporting needs torch 2.8")


@pytest.fixture(scope="module")
def exported(finished, tmp_path_factory):
    notices = []
    path = tmp_path_factory.mktemp("exported") / "model.onnx"
    report = export_run(finished.folder, path, notice=notices.append)
    assert notices == []
    return report


def test_the_report_compares_with_torch_on_the_validation_images(exported):
    document = exported.to_json()
    assert json.loads(json.dumps(document)) == document
    assert document["bytes"] == exported.path.stat().st_size
    assert document["difference"]["images"] == 10 and document["difference"]["of"] == "validation"
    assert document["difference"]["largest_difference"] < 1e-4
    assert document["difference"]["differing_texts"] == 0
    assert document["score"]["split"] == "val" and document["int8_score"] is None
    assert (document["any_width"], document["precision"]) == (True, "float32")


def test_the_file_reads_what_the_run_folder_reads(exported, finished):
    pictures = list(np.random.default_rng(0).integers(0, 256, (5, 24, 60), np.uint8))
    ours, theirs = ctcbench.load(exported.path), ctcbench.load(finished.folder, device="cpu")
    assert ours.sharpness == theirs.sharpness and ours.decoder == theirs.decoder
    # The run folder is read in mixed precision where the CPU has it.
    assert np.abs(ours.log_probs(pictures).values_NTK - theirs.log_probs(pictures).values_NTK).max() < 0.1


def test_the_file_tells_unfamiliar_pictures_as_the_run_folder_does(exported, finished):
    pictures = list(np.random.default_rng(0).integers(0, 256, (5, 24, 60), np.uint8))
    ours, theirs = (ctcbench.load(path).predict(pictures) for path in (exported.path, finished.folder))
    assert [prediction.familiar for prediction in ours] == [False] * 5
    assert [p.distance for p in ours] == pytest.approx([p.distance for p in theirs])


def test_several_threads_read_what_one_reads(exported, monkeypatch):
    pictures = list(np.random.default_rng(0).integers(0, 256, (30, 24, 60), np.uint8))
    recogniser = ctcbench.load(exported.path)
    whole = recogniser.predict(pictures)
    monkeypatch.setattr(picture_stream, "computing_cores", lambda: 3)
    monkeypatch.setattr(picture_stream, "_GROUP_PICTURES", 4)
    again = recogniser.predict(pictures)
    assert [p.text for p in again] == [p.text for p in whole]
    assert [p.confidence for p in again] == pytest.approx([p.confidence for p in whole], abs=1e-5)


def test_the_file_names_no_path_of_this_machine(exported):
    content = exported.path.read_bytes()
    assert b".py" not in content and b"/" + exported.path.parts[1].encode() + b"/" not in content
    model = onnx.load(str(exported.path))
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    assert model.producer_name == "ctcbench"


def test_a_difference_from_torch_leaves_no_file(finished, tmp_path, exported, monkeypatch):
    # Another graph than that of the run: its classifier has other weights.
    model = onnx.load(str(exported.path))
    bias = next(tensor for tensor in model.graph.initializer if "bias" in tensor.name)
    array = onnx.numpy_helper.to_array(bias)
    bias.CopyFrom(onnx.numpy_helper.from_array(array + np.arange(len(array), dtype=np.float32), bias.name))
    document = ctcbench.load(exported.path).reader.document
    monkeypatch.setattr(run_export, "_export", lambda *arguments: (model, document))
    with pytest.raises(CtcbenchError, match=r"not written: .* differs from torch by .* nats"):
        export_run(finished.folder, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_without_the_data_set_noise_is_compared(finished_copy, tmp_path, exported, monkeypatch):
    document = ctcbench.load(exported.path).reader.document
    monkeypatch.setattr(run_export, "_export", lambda *arguments: (onnx.load(str(exported.path)), document))
    folder = RunFolder(finished_copy.folder)
    (folder.path / "manifest.json").unlink()
    folder.write_config(folder.read_config() | {"dataset": "folder:path=/nowhere/at/all"})
    notices = []
    report = export_run(folder.path, tmp_path / "m.onnx", notice=notices.append)
    assert report.score is None and not report.on_validation and report.difference.images == 64
    assert any("compared with torch on noise" in notice for notice in notices)
    with pytest.raises(UsageError, match="--int8 measures the range of activations on validation images"):
        export_run(folder.path, tmp_path / "n.onnx", int8=True, notice=notices.append)
    assert not (tmp_path / "n.onnx").exists()


@pytest.mark.landing
def test_a_head_that_sees_the_whole_image_is_exported_for_one_width(registry, finished_copy, tmp_path):
    head = "slots:count=3,slot_width=4"
    config = tiny(
        epochs=1, backbone="columns:stride=4", head=head, loss="slots", decoder="slots", shortcut="none"
    )
    folder = runner.run(resolve(registry, config), Runtime(finished_copy.folder.parent)).folder
    path = tmp_path / "m.onnx"
    assert not export_run(folder, path, notice=lambda text: None).any_width
    pictures = list(np.random.default_rng(0).integers(0, 256, (5, 24, 60), np.uint8))
    ours, theirs = (ctcbench.load(one, device="cpu").predict(pictures) for one in (path, folder))
    assert [p.text for p in ours] == [p.text for p in theirs]


def test_what_no_reader_would_load_is_not_written(finished, tmp_path, exported, monkeypatch):
    model, document = onnx.load(str(exported.path)), ctcbench.load(exported.path).reader.document
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 7
    monkeypatch.setattr(run_export, "_export", lambda *arguments: (model, document))
    with pytest.raises(UsageError, match="log_probs has another type or shape than the metadata describes"):
        export_run(finished.folder, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_can_be_checked_is_checked_before_the_export(finished_copy, tmp_path, monkeypatch):
    folder = finished_copy.folder
    with pytest.raises(UsageError, match=rf"{tmp_path}: is a folder; name a file"):
        export_run(folder, tmp_path)
    with pytest.raises(UsageError, match=r"no folder .*/none to write it in"):
        export_run(folder, tmp_path / "none" / "m.onnx")
    before = (folder / "weights.safetensors").read_bytes()
    with pytest.raises(UsageError, match=r"weights.safetensors: is a file of a run, which can't be read"):
        export_run(folder, folder / "weights.safetensors")
    assert (folder / "weights.safetensors").read_bytes() == before
    (tmp_path / "a.png").write_bytes(b"a picture")
    with pytest.raises(UsageError, match=r"a.png: an export is an ONNX file; give it the suffix .onnx"):
        export_run(folder, tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    (folder / "weights.safetensors").unlink()
    with pytest.raises(UsageError, match="no trained run there"):
        export_run(folder, tmp_path / "m.onnx")
    with pytest.raises(UsageError, match="no trained run there"):
        export_run(tmp_path / "none", tmp_path / "m.onnx")
    monkeypatch.setattr(onnx_packages, "find_spec", lambda name: None if name == "onnxscript" else 1)
    with pytest.raises(UsageError, match=r"onnxscript, which is not installed: `pip install 'ctcbench\["):
        export_run(folder, tmp_path / "m.onnx")


@pytest.mark.landing
def test_eight_bits_and_an_unfinished_run(finished_copy, tmp_path):
    folder = RunFolder(finished_copy.folder)
    folder.summary_path.unlink()
    (folder.path / "manifest.json").unlink()
    notices = []
    target = tmp_path / "m.onnx"
    target.write_text("an earlier file")
    report = export_run(folder.path, target, int8=True, notice=notices.append)
    assert [notice for notice in notices if "training is not finished" in notice]
    assert report.precision == "int8" and report.int8_score.images == 10
    assert report.size == target.stat().st_size
    recogniser = ctcbench.load(target)
    assert recogniser.reader.document.precision == "int8"
    assert len(recogniser.predict([np.zeros((24, 60), np.uint8)])) == 1
    # Rounded, not merely labelled.
    model = onnx.load(str(target))
    assert any(tensor.data_type == onnx.TensorProto.INT8 for tensor in model.graph.initializer)
    assert dataclasses.asdict(report)["any_width"]


@pytest.mark.parametrize("decoder", ["beam_cpp", "mbr"])
def test_the_file_contains_the_lexicon_of_the_decoder(registry, finished_copy, tmp_path, decoder):
    words = tmp_path / "words.txt"
    words.write_bytes(b"12\n34\n")
    recipe = resolve(registry, tiny(decoder=f"{decoder}:lexicon={words}"))
    folder = runner.run(recipe, Runtime(finished_copy.folder.parent)).folder
    path = tmp_path / "model.onnx"
    words.unlink()
    export_run(folder, path, notice=lambda text: None)
    shutil.rmtree(folder)
    pictures = list(np.random.default_rng(0).integers(0, 256, (5, 24, 60), np.uint8))
    predictions = ctcbench.load(path).predict(pictures, n_best=3)
    assert {one.text for p in predictions for one in (p, *p.alternatives)} <= {"12", "34"}


@pytest.mark.landing
def test_a_recogniser_of_colour_pictures_with_right_to_left_text(registry, own_cache, tmp_path):
    """Its images are of their own width, cropped, and read from the right; their colours count."""
    random, lines = np.random.default_rng(0), ["file,label"]
    for i in range(40):
        pixels = random.integers(0, 256, (24, 60 + i, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
        lines.append(f"{i}.png,{'אבג'[i % 3]}ב {10 + i}")
    (tmp_path / "labels.csv").write_text("\n".join(lines), encoding="utf-8")
    options = "height=24,width=150,fit=keep,channels=3,direction=rtl,crop=0.1,ground=auto"
    config = tiny(dataset=f"csv:path={tmp_path / 'labels.csv'},{options}")
    run = runner.run(resolve(registry, config), Runtime(tmp_path / "runs")).folder
    report = export_run(run, tmp_path / "m.onnx")
    assert report.to_json()["difference"]["largest_difference"] < 1e-4
    ours, theirs = ctcbench.load(tmp_path / "m.onnx"), ctcbench.load(run, device="cpu")
    image = ours.reader.image
    assert (image.channels, image.variable, ours.reader.alphabet.direction) == (3, True, "rtl")
    assert image == theirs.reader.image
    assert (image.crop, image.ground) == (0.1, "auto")
    pictures = [random.integers(0, 256, (24, width, 3), np.uint8) for width in (70, 120, 33)]

    def probabilities(recogniser, images):
        return np.exp(recogniser.log_probs(images).values_NTK)

    found_NTK = probabilities(ours, pictures)
    # The run folder is read in mixed precision where the CPU has it.
    assert np.abs(found_NTK - probabilities(theirs, pictures)).max() < 0.05
    for change in (lambda image: image[..., :1].repeat(3, -1), lambda image: image[:, ::-1].copy()):
        changed_NTK = probabilities(ours, list(map(change, pictures)))
        assert np.abs(changed_NTK - found_NTK).max() > 1e-3
    for found, expected in zip(ours.predict(pictures), theirs.predict(pictures), strict=True):
        assert found.text == expected.text
