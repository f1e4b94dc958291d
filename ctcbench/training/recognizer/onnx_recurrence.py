"""OnnxRecurrence: an LSTM or GRU as operators of ONNX, whose number of frames is not fixed."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

# Rows of torch's weights in the order of ONNX: torch has input, forget, cell, output gate and ONNX input,
# output, forget, cell; torch has reset, update, new gate and ONNX update, reset, new.
_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
_VERSION = 14  # of both operators


class NotExportable(Exception):
    """A module uses something that has no counterpart in ONNX; the message is the reason."""


class OnnxRecurrence(nn.Module):
    """Stands in for an ``nn.LSTM`` or ``nn.GRU`` while a network is exported; it computes nothing itself.

    torch translates these modules by unrolling them for the number of frames of the example
    (pytorch/pytorch #191855). Each layer is one operator here, and ONNX Runtime has a kernel for it.
    """

    takes_lengths = True

    def __init__(self, rnn: nn.RNNBase) -> None:
        """Take the weights of `rnn`.

        Raises:
            NotExportable: it has projections, which the operator of ONNX has not.
        """
        super().__init__()
        if rnn.mode not in _GATES:
            raise NotExportable(f"a recurrent layer of kind {rnn.mode}")
        if getattr(rnn, "proj_size", 0):
            raise NotExportable("an LSTM with projections (proj_size)")
        self.mode, self.hidden_size, self.num_layers = rnn.mode, rnn.hidden_size, rnn.num_layers
        self.bidirectional, self.batch_first = rnn.bidirectional, rnn.batch_first
        for layer in range(rnn.num_layers):
            for name, weights in zip("wrb", self._onnx_weights(rnn, layer), strict=True):
                self.register_buffer(f"{name}{layer}", weights)

    def _onnx_weights(self, rnn: nn.RNNBase, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return a layer's weights of the input, of the state, and its biases; axis 0 is the direction."""
        suffixes = ("", "_reverse") if rnn.bidirectional else ("",)
        inputs, states, biases = [], [], []
        for suffix in suffixes:
            inputs.append(self._in_order(getattr(rnn, f"weight_ih_l{layer}{suffix}")))
            states.append(self._in_order(getattr(rnn, f"weight_hh_l{layer}{suffix}")))
            both = [f"bias_ih_l{layer}{suffix}", f"bias_hh_l{layer}{suffix}"]
            zeros = torch.zeros(states[-1].shape[0])
            biases.append(
                torch.cat([self._in_order(getattr(rnn, name)) if rnn.bias else zeros for name in both])
            )
        return torch.stack(inputs), torch.stack(states), torch.stack(biases)

    def _in_order(self, weights: Tensor) -> Tensor:
        gates = weights.detach().float().chunk(len(_GATES[self.mode]))
        return torch.cat([gates[index] for index in _GATES[self.mode]])

    def forward(
        self, feats_TNF: Tensor, states: object = None, lengths_N: Tensor | None = None
    ) -> tuple[Tensor, Tensor | tuple[Tensor, ...]]:
        """Return feats_TND and the last states, as the module that this one stands in for.

        Args:
            feats_TNF: the features.
            states: the initial states.
            lengths_N: number of valid frames of each image, int64; None: all. The backward direction begins
                at the last of them.

        Raises:
            NotExportable: the input is packed or has no batch, or initial states are given.
        """
        if isinstance(feats_TNF, PackedSequence):
            raise NotExportable("a packed sequence as the input of a recurrent layer")
        if states is not None:
            raise NotExportable("initial states of a recurrent layer")
        if feats_TNF.dim() != 3:
            raise NotExportable("a recurrent layer without a batch")
        if self.batch_first:
            feats_TNF = feats_TNF.transpose(0, 1)
        last: list[list[Tensor]] = []
        for layer in range(self.num_layers):
            feats_TNF, *states_DNH = self._layer(feats_TNF, lengths_N, layer)
            last.append(states_DNH)
        joined = tuple(torch.cat(kind) for kind in zip(*last, strict=True))
        if self.batch_first:
            feats_TNF = feats_TNF.transpose(0, 1)
        return feats_TNF, joined if self.mode == "LSTM" else joined[0]

    def _layer(self, feats_TNF: Tensor, lengths_N: Tensor | None, layer: int) -> list[Tensor]:
        """Return the outputs of a layer for each frame, and its last states by direction."""
        frames, batch = feats_TNF.shape[:2]
        directions = 2 if self.bidirectional else 1
        attributes: dict[str, Any] = {
            "hidden_size": self.hidden_size,
            "direction": "bidirectional" if self.bidirectional else "forward",
        }
        if self.mode == "GRU":
            attributes["linear_before_reset"] = 1  # the reset gate is applied after the product, as in torch
        state = (directions, batch, self.hidden_size)
        shapes = [(frames, *state), *[state] * (2 if self.mode == "LSTM" else 1)]
        weights = [getattr(self, f"{name}{layer}") for name in "wrb"]
        outputs_TDNH, *states_DNH = torch.onnx.ops.symbolic_multi_out(
            self.mode,
            [feats_TNF, *weights, None if lengths_N is None else lengths_N.int()],
            attributes,
            dtypes=[torch.float32] * len(shapes),
            shapes=shapes,
            version=_VERSION,
        )
        return [outputs_TDNH.transpose(1, 2).flatten(2), *states_DNH]


def with_onnx_recurrence(module: nn.Module) -> nn.Module:
    """Return a copy of a module in which an `OnnxRecurrence` stands in for each LSTM and GRU.

    Raises:
        NotExportable: one of them has no counterpart in ONNX.
    """
    if isinstance(module, nn.LSTM | nn.GRU):
        return OnnxRecurrence(module)
    copied = copy.deepcopy(module)
    for name, inner in list(copied.named_modules()):
        if isinstance(inner, nn.LSTM | nn.GRU):
            copied.set_submodule(name, OnnxRecurrence(inner))
    return copied
