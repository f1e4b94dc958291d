"""quantise(): an ONNX graph with weights and products of 8 bits, by onnxruntime."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctcbench.contract.errors import CtcbenchError

if TYPE_CHECKING:
    from onnx import ModelProto

    from ctcbench.recognition.export_check import Batch

_STATIC, _DYNAMIC = ("Conv", "MatMul", "Gemm"), ("LSTM",)


def quantise(model: ModelProto, batches: Sequence[Batch]) -> ModelProto:
    """Return a graph whose convolutions, matrix products and LSTMs compute in 8 bits; the metadata is lost.

    The ranges of activations of convolutions and products are those of the images in `batches`; an LSTM
    measures its inputs while it runs. onnxruntime has no GRU of 8 bits: its layers remain float32.

    Raises:
        CtcbenchError: onnxruntime can't quantise the graph.
    """
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_dynamic, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    operators = {node.op_type for node in model.graph.node}
    with tempfile.TemporaryDirectory(prefix="ctcbench-int8-") as name, _silence():
        before, after = Path(name, "before.onnx"), Path(name, "after.onnx")
        try:
            # Folds batch norms into the convolutions, which have less to be rounded then.
            onnx.save(model, str(before))
            quant_pre_process(str(before), str(after), skip_symbolic_shape=True)
            if operators.intersection(_STATIC):
                after.replace(before)
                quantize_static(
                    str(before), str(after), _Batches(batches),
                    quant_format=QuantFormat.QDQ, op_types_to_quantize=list(_STATIC), per_channel=True,
                    # Weights of 7 bits: sums of two products of 8 bits overflow on CPUs without VNNI.
                    reduce_range=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
                )  # fmt: skip
            if operators.intersection(_DYNAMIC):
                after.replace(before)
                quantize_dynamic(str(before), str(after), op_types_to_quantize=list(_DYNAMIC))
            return onnx.load(str(after))
        except Exception as error:
            raise CtcbenchError(f"--int8: onnxruntime can't quantise this network: {error}") from error


class _Batches:
    """The batches as onnxruntime's calibration reads them: an input by name, None at the end."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = iter(batches)

    def get_next(self) -> dict[str, Any] | None:
        """Return the inputs of the next batch."""
        batch = next(self._batches, None)
        return None if batch is None else {"images": batch[0], "widths": batch[1]}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Suppress advice about preprocessing, which onnxruntime logs on the root logger."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
