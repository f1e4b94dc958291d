"""Reading with onnxruntime, and graphs that load but compute nonsense."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import ctcbench
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.recognition import onnx_packages, onnx_reader
from ctcbench.recognition.onnx_reader import load_onnx_reader
from tests.recognition.onnx_cases import DOCUMENT, onnx, small_model, write_model

WHITE = np.full((2, 1, 24, 60), 255, np.uint8)


def test_reads_log_probabilities_and_lengths(tmp_path):
    reader = load_onnx_reader(write_model(tmp_path / "m.onnx", small_model()))
    values_NTK, lengths_N = reader.read(WHITE, np.array([60, 30]))
    assert values_NTK.shape == (2, 60, 11) and values_NTK.dtype == np.float32
    assert lengths_N.tolist() == [60, 30]
    assert (reader.image.width, reader.alphabet.characters, reader.alignment) == (60, "0123456789", "ctc")
    assert reader.has_positions


def test_load_takes_a_file(tmp_path):
    path = write_model(tmp_path / "m.onnx", small_model())
    recogniser = ctcbench.load(path)
    assert (recogniser.decoder, recogniser.sharpness, recogniser.fit) == ("beam_cpp", 2.0, "stretch")
    (prediction,) = recogniser.predict([np.full((24, 60), 255, np.uint8)])
    assert 0 <= prediction.confidence <= 1
    with pytest.raises(UsageError, match="device cuda: an ONNX file is computed on the CPU"):
        ctcbench.load(path, device="cuda")


def test_a_graph_that_onnxruntime_refuses_is_an_error(tmp_path):
    model = small_model()
    model.graph.node[3].op_type = "NoSuchOperator"
    with pytest.raises(UsageError, match=r"m\.onnx: onnxruntime can't load it: "):
        load_onnx_reader(write_model(tmp_path / "m.onnx", model))


def test_a_graph_that_computes_no_log_probabilities_is_an_error(tmp_path):
    path = tmp_path / "m.onnx"
    positive = small_model()
    positive.graph.node[4].op_type = "Softmax"
    with pytest.raises(CtcbenchError, match="NaN, or a log-probability above 0"):
        load_onnx_reader(write_model(path, positive)).read(WHITE, np.array([60, 60]))
    with pytest.raises(CtcbenchError, match="lengths beyond 0 to 60 frames"):
        load_onnx_reader(write_model(path, small_model())).read(WHITE, np.array([60, 61]))
    sums = small_model()
    sums.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(np.array([0, 2]), "rows"))
    with pytest.raises(CtcbenchError, match=r"m\.onnx: (onnxruntime failed|the graph returns)"):
        load_onnx_reader(write_model(path, sums)).read(WHITE, np.array([60, 60]))


def test_a_graph_without_frames_is_an_error(tmp_path):
    model = small_model()
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([0]), "none"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), "axis"))
    model.graph.node[4].output[0] = "all"
    model.graph.node.append(onnx.helper.make_node("Slice", ["all", "none", "none", "axis"], ["log_probs"]))
    with pytest.raises(CtcbenchError, match=r"m\.onnx: the graph returns .* of shape \(2, 0, 11\)"):
        load_onnx_reader(write_model(tmp_path / "m.onnx", model)).read(WHITE, np.array([0, 0]))


def test_images_of_different_widths_are_read_one_width_at_a_time_if_padding_is_not_masked(tmp_path):
    image = DOCUMENT["image"] | {"variable": True}
    document = DOCUMENT | {"image": image, "fit": "keep", "masks_padding": False}
    reader = load_onnx_reader(write_model(tmp_path / "m.onnx", small_model(document)))
    assert (reader.image.width, reader.widest) == (60, 240)
    images_NCHW = np.random.default_rng(0).integers(0, 256, (3, 1, 24, 50), np.uint8)
    values_NTK, lengths_N = reader.read(images_NCHW, np.array([50, 20, 50]))
    assert lengths_N.tolist() == [50, 20, 50]
    alone_NTK, _ = reader.read(images_NCHW[1:2, :, :, :20].copy(), np.array([20]))
    assert np.array_equal(values_NTK[1, :20], alone_NTK[0])
    # Certain blanks.
    assert (values_NTK[1, 20:, 0] == 0).all() and np.isneginf(values_NTK[1, 20:, 1:]).all()


# The limit is set once in a process, to half of the machine's memory.
ON_A_SMALL_MACHINE = """
import os, sys
import numpy as np
os.sysconf = {"SC_PHYS_PAGES": 2**19, "SC_PAGE_SIZE": 2**12}.__getitem__
from pathlib import Path
from ctcbench.contract.errors import CtcbenchError
from ctcbench.recognition.onnx_reader import load_onnx_reader
try:
    load_onnx_reader(Path("m.onnx")).read(np.zeros((2, 1, 24, 60), np.uint8), np.array([60, 60]))
except CtcbenchError as error:
    print(error)
"""


def test_a_graph_that_needs_more_memory_than_allowed_is_an_error(tmp_path):
    model = small_model()
    # 2 GiB of zeros, whose sum is added to the lengths.
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([2**29]), "size"))
    value = onnx.helper.make_tensor("value", onnx.TensorProto.FLOAT, [1], [0.0])
    for node in (
        onnx.helper.make_node("Cast", ["total"], ["whole"], to=onnx.TensorProto.INT64),
        onnx.helper.make_node("ReduceSum", ["zeros"], ["total"], keepdims=0),
        onnx.helper.make_node("ConstantOfShape", ["size"], ["zeros"], value=value),
    ):
        model.graph.node.insert(0, node)
    model.graph.node[-1].op_type = "Add"
    model.graph.node[-1].input.append("whole")
    write_model(tmp_path / "m.onnx", model)
    command = [sys.executable, "-c", ON_A_SMALL_MACHINE]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("m.onnx: onnxruntime failed: ") and "memory" in done.stdout


# One operator that computes for days: a matrix of 2²² × 2²² is multiplied without being stored. The other
# graph has many operators, between which it can be stopped.
IN_A_HURRY = """
import sys
import threading
from pathlib import Path
import numpy as np
from ctcbench.contract.errors import CtcbenchError
from ctcbench.recognition import onnx_reader
reader = onnx_reader.load_onnx_reader(Path("m.onnx"))
onnx_reader._MOST_SECONDS = 0.3
for _ in range(2):
    try:
        reader.read(np.zeros((2, 1, 24, 60), np.uint8), np.array([60, 60]))
    except CtcbenchError as error:
        print(error)
if "ends" in sys.argv:
    for thread in threading.enumerate():
        if thread.name == "limited":
            thread.join(30)
            print("ended" if not thread.is_alive() else "computes")
"""


@pytest.mark.parametrize("kind", ["one operator", pytest.param("ends", marks=pytest.mark.landing)])
def test_a_graph_that_computes_for_too_long_is_an_error(tmp_path, kind):
    model, helper = small_model(), onnx.helper
    constants = {"side": np.array([1, 1, 2**22]), "sides": np.array([700, 700])}
    for name, array in constants.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    value = helper.make_tensor("value", onnx.TensorProto.FLOAT, [1], [0.0])
    if kind == "one operator":
        nodes = [
            helper.make_node("ConstantOfShape", ["side"], ["signal"], value=value),
            helper.make_node("Conv", ["signal", "signal"], ["products"], pads=[2**21, 2**21]),
            helper.make_node("ReduceSum", ["products"], ["total"], keepdims=0),
        ]
    else:
        nodes = [helper.make_node("ConstantOfShape", ["sides"], ["product0"], value=value)]
        nodes += [
            helper.make_node("MatMul", [f"product{at}", f"product{at}"], [f"product{at + 1}"])
            for at in range(2_000)
        ]
        nodes.append(helper.make_node("ReduceSum", ["product2000"], ["total"], keepdims=0))
    nodes.append(helper.make_node("Cast", ["total"], ["whole"], to=onnx.TensorProto.INT64))
    for node in reversed(nodes):
        model.graph.node.insert(0, node)
    model.graph.node[-1].op_type = "Add"
    model.graph.node[-1].input.append("whole")
    write_model(tmp_path / "m.onnx", model)
    command = [sys.executable, "-c", IN_A_HURRY, kind]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["m.onnx: the graph was stopped after 0.3 s for 2 images"] * 2
    assert set(lines[2:]) <= {"ended"}


def test_a_graph_that_loads_for_too_long_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_reader, "_MOST_SECONDS", 0.001)
    model = small_model()
    names = ["images", *(f"copy{number}" for number in range(4000))]
    for source, target in itertools.pairwise(names):
        model.graph.node.append(onnx.helper.make_node("Abs", [source], [target]))
    with pytest.raises(UsageError, match=r"m\.onnx: onnxruntime did not load it within 0.001 s"):
        load_onnx_reader(write_model(tmp_path / "m.onnx", model))


def test_a_missing_package_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_packages, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"onnx and onnxruntime, which are not installed: `pip install 'ctc"):
        load_onnx_reader(write_model(tmp_path / "m.onnx", small_model()))


WITHOUT_TORCH = """
import json, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Refuse())
from ctcbench.__main__ import main
print([main(arguments) for arguments in json.loads(sys.argv[1])], file=sys.stderr)
"""


def test_predict_evaluate_decode_and_report_import_no_torch(tmp_path, finished_copy):
    write_model(tmp_path / "m.onnx", small_model(DOCUMENT))
    Image.fromarray(WHITE[0, 0]).save(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text("file,label\na.png,0\n")
    folder = str(finished_copy.folder)
    runs = str(finished_copy.folder.parent)
    commands = [
        ["predict", "m.onnx", "a.png", "--json", "--positions", "--n-best", "2"],
        ["evaluate", "m.onnx", "csv:path=labels.csv,val=0,test=0", "--split", "all"],
        ["evaluate", "m.onnx", "captcha:width=60,height=24,length=2", "--samples", "3", "--json"],
        ["decode", folder, "--decoder", "beam_cpp", "--json"],
        ["report", runs],
        ["report", runs, "-o", "report.html"],
        ["verify", runs],
        ["plugins"],
        # The refusal works: a run folder is read with torch.
        ["predict", folder, "a.png"],
    ]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, json.dumps(commands)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1] == "[0, 0, 0, 0, 0, 0, 0, 0, 1]", done.stderr
    assert "Traceback" not in done.stderr and "No module named 'torch'" in done.stderr
