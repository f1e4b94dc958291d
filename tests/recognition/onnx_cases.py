"""A small ONNX file as `ctcbench export` writes it, made without torch, and changes that damage it."""

import json

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed")
pytest.importorskip("onnxruntime", reason="the package onnxruntime is not installed")

DOCUMENT = {
    "format": "ctcbench onnx 1",
    "image": {"height": 24, "width": 60, "channels": 1},
    "alphabet": "0123456789",
    "direction": "ltr",
    "fit": "stretch",
    "alignment": "ctc",
    "decoder": "beam_cpp",
    "sharpness": 2.0,
    "masks_padding": True,
    "has_positions": True,
    "any_width": True,
    "precision": "float32",
    "train_key": "0123456789ab",
    "versions": {"ctcbench": "0.1.0", "captcha": None},
}


def small_model(document=DOCUMENT, *, classes=11, height=24, lengths="widths"):
    """Return a graph with a frame for each column, whose mean level decides between the classes."""
    helper, types = onnx.helper, onnx.TensorProto
    weights = np.linspace(-1, 1, classes, dtype=np.float32)[None]
    nodes = [
        helper.make_node("Cast", ["images"], ["levels"], to=types.FLOAT),
        helper.make_node("ReduceMean", ["levels", "rows"], ["means"], keepdims=0),
        helper.make_node("Unsqueeze", ["means", "last"], ["columns"]),
        helper.make_node("MatMul", ["columns", "weights"], ["logits"]),
        helper.make_node("LogSoftmax", ["logits"], ["log_probs"], axis=-1),
        helper.make_node("Identity", [lengths], ["lengths"]),
    ]
    inputs = [("images", types.UINT8, ["batch", 1, height, "width"]), ("widths", types.INT64, ["batch"])]
    outputs = [("log_probs", types.FLOAT, ["batch", "width", classes]), ("lengths", types.INT64, ["batch"])]
    constants = {"rows": np.array([1, 2]), "last": np.array([2]), "weights": weights}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    if document is not None:
        text = document if isinstance(document, str) else json.dumps(document)
        helper.set_model_props(model, {"ctcbench": text})
    return model


def write_model(path, model):
    """Write a model, or bytes, and return the path."""
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path
