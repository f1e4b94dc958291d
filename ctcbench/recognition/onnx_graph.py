"""read_graph(): an ONNX file, checked before a runtime loads it, since it may come from a stranger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ctcbench.contract.errors import UsageError
from ctcbench.files.plain_files import read_named_file
from ctcbench.recognition.onnx_document import OnnxDocument, parse_document
from ctcbench.recognition.onnx_packages import require_onnx

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from onnx import ModelProto, TensorProto, ValueInfoProto

_MOST_BYTES = 2**31 - 1  # the limit of protobuf, the format below ONNX
_SHOWN = 60  # characters of a name in the file
# Operators of onnxruntime that the standard lacks; its quantisation writes this one.
_EXTENSIONS = {("com.microsoft", "DynamicQuantizeLSTM")}
_Shape = tuple[int | None, ...]  # None: a size that varies
_ANY = -1  # a size that varies or not


def read_graph(path: Path) -> tuple[bytes, OnnxDocument]:
    """Return the content of an ONNX file that ``ctcbench export`` wrote, and its document.

    Raises:
        UsageError: the file can't be read, is no ONNX file, is damaged or comes from elsewhere, or holds what
            ``ctcbench export`` does not write, such as data in other files; or a package is missing.
    """
    require_onnx("onnx", "onnxruntime")
    data = read_named_file(path, _MOST_BYTES)
    return data, check_graph(data, path)


def check_graph(data: bytes, path: Path) -> OnnxDocument:
    """Return the document in the content of the ONNX file `path`.

    Raises:
        UsageError: as `read_graph`.
    """
    model = _parse(data, path)
    document = parse_document({entry.key: entry.value for entry in model.metadata_props}, path)
    for fault in chain(_foreign_parts(model), _interface_faults(model, document)):
        raise UsageError(f"{path}: `ctcbench export` does not write such a file ({fault}); it is not loaded")
    return document


def _parse(data: bytes, path: Path) -> ModelProto:
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        model: ModelProto = ModelProto.FromString(data)
    except DecodeError:
        raise UsageError(f"{path}: not an ONNX file, or damaged or cut off") from None
    # protobuf can read the bytes of many other files, and an empty file, as a message without operators.
    if not model.graph.node or not model.opset_import:
        raise UsageError(f"{path}: not an ONNX file, or damaged or cut off (it has no operators)")
    if not _is_text_valid(model):
        raise UsageError(f"{path}: damaged (a name in it is not UTF-8)")
    return model


def _is_text_valid(message: Message) -> bool:
    """Return whether all texts of a message are UTF-8; protobuf returns the bytes of one that is not."""
    for field, value in message.ListFields():
        values = value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else (value,)
        if field.type == field.TYPE_STRING and any(isinstance(text, bytes) for text in values):
            return False
        if field.type == field.TYPE_MESSAGE and not all(map(_is_text_valid, values)):
            return False
    return True


def _foreign_parts(model: ModelProto) -> Iterator[str]:
    """Yield what a graph holds that no exported one does."""
    from onnx import TensorProto

    if model.functions or model.training_info or model.graph.sparse_initializer:
        yield "functions, training steps or sparse weights"
    for node in model.graph.node:
        name = node.op_type[:_SHOWN]
        if node.domain not in ("", "ai.onnx") and (node.domain, node.op_type) not in _EXTENSIONS:
            yield f"operator {name!r} of the domain {node.domain[:_SHOWN]!r}"
        # A loop need not end, and the body of a condition could hide the other parts.
        if any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute):
            yield f"operator {name!r} with a graph inside"
    for tensor in _tensors(model):
        # The name of the other file may lead anywhere on the disk.
        if tensor.external_data or tensor.data_location == TensorProto.EXTERNAL:
            yield f"{tensor.name[:_SHOWN]!r} has its values in another file"


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            yield attribute.t
            yield from attribute.tensors
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)


def _interface_faults(model: ModelProto, document: OnnxDocument) -> Iterator[str]:
    """Yield how inputs and outputs differ from those that the document describes."""
    from onnx import TensorProto

    spec, width = document.image, None if document.any_width else document.image.width
    inputs: dict[str, tuple[int, _Shape]] = {
        "images": (TensorProto.UINT8, (None, spec.channels, spec.height, width)),
        "widths": (TensorProto.INT64, (None,)),
    }
    outputs: dict[str, tuple[int, _Shape]] = {
        # Of images of one width the number of frames is a constant.
        "log_probs": (
            TensorProto.FLOAT,
            (None, None if document.any_width else _ANY, document.description().alphabet.num_classes),
        ),
        "lengths": (TensorProto.INT64, (None,)),
    }
    yield from _value_faults("inputs", model.graph.input, inputs)
    yield from _value_faults("outputs", model.graph.output, outputs)


def _value_faults(
    kind: str, found: Iterable[ValueInfoProto], wanted: Mapping[str, tuple[int, _Shape]]
) -> Iterator[str]:
    names = [value.name for value in found]
    if names != list(wanted):
        yield f"its {kind} are {', '.join(names)[:_SHOWN] or 'none'} instead of {', '.join(wanted)}"
        return
    for value in found:
        element, shape = wanted[value.name]
        tensor = value.type.tensor_type
        # A size that varies has a name instead of a value, which then is 0.
        sizes = [size.dim_value for size in tensor.shape.dim]
        fits = len(sizes) == len(shape) and all(
            expected == _ANY or size == (expected or 0) for size, expected in zip(sizes, shape, strict=True)
        )
        if tensor.elem_type != element or not fits:
            yield f"{value.name} has another type or shape than the metadata describes"
