"""Modules of the built-in components that need a class; imported only when a model is built."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ctcbench.masking.masked_sequential import MaskedSequential
from ctcbench.masking.valid_columns import clear_padding


class Recurrent(nn.Module):
    """A recurrent network that returns its outputs without its states: feats_TNF -> feats_TND."""

    takes_widths = True
    not_compiled = ("run_by_layer", "run_by_direction")  # methods that torch.compile leaves as they are

    def __init__(
        self, cell: str, features: int, width: int, layers: int, bidirectional: bool, dropout: float
    ) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        # torch applies dropout between layers only, and warns if there is one layer.
        between = dropout if layers > 1 else 0.0
        self.rnn = getattr(nn, cell)(features, width, layers, bidirectional=bidirectional, dropout=between)

    def forward(self, feats_TNF: Tensor, lengths_N: Tensor | None = None) -> Tensor:
        """Return the outputs of the last layer for every frame.

        Args:
            feats_TNF: the features.
            lengths_N: number of valid frames of each image, int64, on the device of the features; None: all.
                The backward direction of a bidirectional layer begins at the last of them.
        """
        feats_TNF = self.drop(feats_TNF)
        # A layer that runs forward reaches the padding last.
        if lengths_N is not None and self.rnn.bidirectional:
            # The operator that stands in for the layers in an exported network takes lengths itself.
            if getattr(self.rnn, "takes_lengths", False):
                masked_TND: Tensor = self.rnn(feats_TNF, lengths_N=lengths_N)[0]
                return masked_TND
            return self.run_by_direction(feats_TNF, lengths_N)
        if feats_TNF.is_cuda and self.training and self.rnn.dropout:
            return self.run_by_layer(feats_TNF)
        feats_TND: Tensor = self.rnn(feats_TNF)[0]
        return feats_TND

    def run_by_layer(self, feats_TND: Tensor) -> Tensor:
        """Return the same as the network of all layers, with dropout between them by torch's generator."""
        # cuDNN keeps a generator of its own on the device: its dropout would depend on the steps since the
        # last seeding, seeding it waits for the GPU, and a CUDA graph would use memory that it has freed.
        for layer in range(self.rnn.num_layers):
            if layer:
                feats_TND = self.drop(feats_TND)
            feats_TND = self._run_weights(feats_TND, self._weights_of(layer), self.rnn.bidirectional)
        return feats_TND

    def run_by_direction(self, feats_TND: Tensor, lengths_N: Tensor) -> Tensor:
        """Return the outputs of a bidirectional network whose directions cover the valid frames alone."""
        # Not by torch's packed sequences, which need the lengths on the host.
        for layer in range(self.rnn.num_layers):
            if layer:
                feats_TND = self.drop(feats_TND)
            weights = self._weights_of(layer)
            half = len(weights) // 2
            reversed_TND = _ReverseFrames.apply(feats_TND, lengths_N)  # type: ignore[no-untyped-call]
            ahead_TND = self._run_weights(feats_TND, weights[:half], False)
            behind_TND = self._run_weights(reversed_TND, weights[half:], False)
            feats_TND = torch.cat([ahead_TND, _ReverseFrames.apply(behind_TND, lengths_N)], -1)  # type: ignore[no-untyped-call]
        return feats_TND

    def _weights_of(self, layer: int) -> list[Tensor]:
        """Return the weights of a layer: those of the forward direction, then those of the other."""
        weights: list[Tensor] = self.rnn._flat_weights
        count = len(weights) // self.rnn.num_layers
        return weights[layer * count : (layer + 1) * count]

    def _run_weights(self, feats_TND: Tensor, weights: list[Tensor], bidirectional: bool) -> Tensor:
        """Return the outputs of one layer with these weights."""
        rnn, run = self.rnn, getattr(torch._VF, self.rnn.mode.lower())
        start = feats_TND.new_zeros(1 + bidirectional, feats_TND.shape[1], rnn.hidden_size)
        with warnings.catch_warnings():
            # They are a part of the block in which cuDNN expects the weights of all layers.
            warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous")
            made_TND: Tensor = run(
                feats_TND, (start, start) if rnn.mode == "LSTM" else start, weights,
                rnn.bias, 1, 0.0, self.training, bidirectional, rnn.batch_first,
            )[0]  # fmt: skip
        return made_TND


class _ReverseFrames(torch.autograd.Function):
    """Frames of each image in reverse order; the padding after them stays."""

    # The gradient of gather() is a sum, in an order that varies on a GPU. This permutation is its own
    # inverse.

    @staticmethod
    def forward(ctx: Any, feats_TNF: Tensor, lengths_N: Tensor) -> Tensor:
        frame_T1 = torch.arange(len(feats_TNF), device=feats_TNF.device)[:, None]
        source_TN = torch.where(frame_T1 < lengths_N, lengths_N - 1 - frame_T1, frame_T1)
        ctx.save_for_backward(source_TN)
        return feats_TNF.gather(0, source_TN[:, :, None].expand_as(feats_TNF))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (source_TN,) = ctx.saved_tensors
        return gradients[0].gather(0, source_TN[:, :, None].expand_as(gradients[0])), None


class Residual(nn.Module):
    """Adds the output of a module to its input: feats_NFHW -> feats_NFHW (He 2016)."""

    takes_widths = True

    def __init__(self, body: MaskedSequential) -> None:
        super().__init__()
        self.body = body

    def forward(self, feats_NFHW: Tensor, widths_N: Tensor | None = None) -> Tensor:
        """Return the sum; the activation after it is a separate module."""
        widths = () if widths_N is None else (widths_N,)
        summed_NFHW: Tensor = feats_NFHW + self.body(feats_NFHW, *widths)
        return summed_NFHW

    def frames(self, widths_N: Tensor) -> Tensor:
        """Return the numbers of columns, which the body does not change."""
        return widths_N


class Columns(nn.Module):
    """Groups of `stride` columns of pixels: images_NCHW -> feats_NFHW, padded with paper on the right."""

    takes_widths = True

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, images_NCHW: Tensor, widths_N: Tensor | None = None) -> Tensor:
        """Return the pixels with `stride` columns side by side as channels; ink is 1, paper 0."""
        if widths_N is not None:
            images_NCHW = clear_padding(images_NCHW, widths_N)
        # The number of columns to the next multiple of the stride: Python's % is never negative.
        missing = -images_NCHW.shape[3] % self.stride
        padded_NCHW = F.pad(images_NCHW, (0, missing))
        feats_NCHWS = padded_NCHW.unflatten(3, (padded_NCHW.shape[3] // self.stride, self.stride))
        feats_NFHW: Tensor = feats_NCHWS.permute(0, 1, 4, 2, 3).flatten(1, 2)
        return feats_NFHW

    def frames(self, widths_N: Tensor) -> Tensor:
        """Return the number of groups of columns, int64; the last of an image may have fewer columns."""
        return torch.div(widths_N + self.stride - 1, self.stride, rounding_mode="floor")


class Slots(nn.Module):
    """A hidden layer for each of `count` slots, computed from all frames: feats_TNF -> feats_SND."""

    whole_image = True

    def __init__(self, before: nn.Module, frames: int, features: int, count: int, width: int) -> None:
        super().__init__()
        self.before = before
        self.count = count
        # The thousands of positive features of a backbone saturate the hidden layer in its first large
        # steps: without the norm, at a rate of 3e-3, one training did not learn in 200 steps, and finally
        # every unit of a ReLU was 0. The outputs of a recurrent network are within ±1; there the norm
        # delayed learning (one seed each).
        plain = isinstance(before, nn.Identity)
        self.norm = nn.LayerNorm(frames * features) if plain else nn.Identity()
        self.hidden = nn.Linear(frames * features, count * width)

    def forward(self, feats_TNF: Tensor) -> Tensor:
        """Return feats_SND: one frame for each slot, computed from the whole image."""
        feats_NTD = self.before(feats_TNF).transpose(0, 1)
        hidden_NX = F.leaky_relu(self.hidden(self.norm(feats_NTD.flatten(1))), 0.1)
        hidden_NSD = hidden_NX.unflatten(1, (self.count, hidden_NX.shape[1] // self.count))
        hidden_SND: Tensor = hidden_NSD.transpose(0, 1)
        return hidden_SND
