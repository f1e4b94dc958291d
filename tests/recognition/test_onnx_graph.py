"""An ONNX file from a stranger is refused if it holds more than `ctcbench export` writes."""

import os

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.recognition.onnx_graph import read_graph
from tests.recognition.onnx_cases import DOCUMENT, onnx, small_model, write_model


def refused(path, fault):
    with pytest.raises(UsageError, match=fault) as caught:
        read_graph(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_an_exported_file_is_read(tmp_path):
    data, document = read_graph(write_model(tmp_path / "m.onnx", small_model()))
    assert data == (tmp_path / "m.onnx").read_bytes()
    assert document.decoder == "beam_cpp"


def test_what_is_no_onnx_file_is_refused(tmp_path):
    path, whole = tmp_path / "m.onnx", small_model().SerializeToString()
    for content in (b"", b"text", os.urandom(500), b"\x89PNG\r\n\x1a\n" + bytes(100)):
        refused(write_model(path, content), "not an ONNX file, or damaged or cut off")
    # Cut at a place where a field ends, the file is a message without its last fields.
    for length in range(1, len(whole), 7):
        refused(write_model(path, whole[:length]), "cut off|not one that `ctcbench export` wrote")
    refused(write_model(path, small_model(document=None)), "not one that `ctcbench export` wrote")


def test_text_that_is_not_utf_8_is_refused(tmp_path):
    whole = small_model().SerializeToString()
    # The key and a part of the metadata; the names of an operator, a tensor, an input, an axis and a domain.
    for text in (b"ctcbench", b"alphabet", b"MatMul", b"weights", b"images", b"width", b"network"):
        for place in range(whole.count(text)):
            parts = whole.split(text)
            content = text.join(parts[: place + 1]) + b"\xff" + text[1:] + text.join(parts[place + 1 :])
            refused(write_model(tmp_path / "m.onnx", content), r"damaged \(a name in it is not UTF-8\)")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    refused(tmp_path / "none.onnx", "can't be read")
    refused(tmp_path, "is a folder")
    os.mkfifo(tmp_path / "pipe.onnx")
    refused(tmp_path / "pipe.onnx", "is a pipe")


def external(model):
    weights = model.graph.initializer[2]
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"


def external_constant(model):
    tensor = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(model.graph.initializer[2]), "x")
    tensor.external_data.add().key = "location"
    model.graph.node.append(onnx.helper.make_node("Constant", [], ["unused"], value=tensor))


def custom(model):
    model.graph.node.append(onnx.helper.make_node("Run", ["images"], ["unused"], domain="evil.example"))
    model.opset_import.append(onnx.helper.make_opsetid("evil.example", 1))


def of_onnxruntime(model):
    model.graph.node.append(onnx.helper.make_node("Gelu", ["levels"], ["unused"], domain="com.microsoft"))


def looping(model):
    body = onnx.helper.make_graph([], "body", [], [])
    model.graph.node.append(onnx.helper.make_node("Loop", ["", ""], ["unused"], body=body))


def with_function(model):
    model.functions.append(onnx.helper.make_function("f", "F", [], [], [], []))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (external, "'weights' has its values in another file"),
        (external_constant, "'x' has its values in another file"),
        (custom, "operator 'Run' of the domain 'evil.example'"),
        (of_onnxruntime, "operator 'Gelu' of the domain 'com.microsoft'"),
        (looping, "operator 'Loop' with a graph inside"),
        (with_function, "functions, training steps or sparse weights"),
    ],
)
def test_what_no_export_writes_is_refused(tmp_path, change, fault):
    model = small_model()
    change(model)
    refused(
        write_model(tmp_path / "m.onnx", model), rf"does not write such a file \({fault}\); it is not loaded"
    )


def test_a_graph_that_does_not_match_its_metadata_is_refused(tmp_path):
    path = tmp_path / "m.onnx"
    refused(write_model(path, small_model(classes=12)), "log_probs has another type or shape")
    refused(write_model(path, small_model(height=32)), "images has another type or shape")
    refused(
        write_model(path, small_model(DOCUMENT | {"any_width": False})), "images has another type or shape"
    )
    model = small_model()
    model.graph.input[0].name = "input"
    refused(write_model(path, model), "its inputs are input, widths instead of images, widths")
