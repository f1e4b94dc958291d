"""Modules of the built-in components that need a class; imported only when a model is built."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Recurrent(nn.Module):
    """A recurrent network that returns its outputs without its states: feats_TNF -> feats_TND."""

    def __init__(
        self, cell: str, features: int, width: int, layers: int, bidirectional: bool, dropout: float
    ) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        # torch applies dropout between layers only, and warns if there is one layer.
        between = dropout if layers > 1 else 0.0
        self.rnn = getattr(nn, cell)(features, width, layers, bidirectional=bidirectional, dropout=between)

    def forward(self, feats_TNF: Tensor) -> Tensor:
        """Return the outputs of the last layer for every frame."""
        feats_TNF = self.drop(feats_TNF)
        if feats_TNF.is_cuda and self.training and self.rnn.dropout:
            return self.run_by_layer(feats_TNF)
        feats_TND: Tensor = self.rnn(feats_TNF)[0]
        return feats_TND

    def run_by_layer(self, feats_TND: Tensor) -> Tensor:
        """Return the same as the network of all layers, with dropout between them by torch's generator."""
        # cuDNN keeps a generator of its own on the device: its dropout would depend on the steps since the
        # last seeding, seeding it waits for the GPU, and a CUDA graph would use memory that it has freed.
        rnn, directions = self.rnn, 2 if self.rnn.bidirectional else 1
        weights, run = rnn._flat_weights, getattr(torch._VF, rnn.mode.lower())
        count = len(weights) // rnn.num_layers
        for layer in range(rnn.num_layers):
            if layer:
                feats_TND = self.drop(feats_TND)
            start = feats_TND.new_zeros(directions, feats_TND.shape[1], rnn.hidden_size)
            own = weights[layer * count : (layer + 1) * count]
            with warnings.catch_warnings():
                # One layer's weights are a part of the block in which cuDNN expects all of them.
                warnings.filterwarnings("ignore", "RNN module weights are not part of single contiguous")
                feats_TND = run(
                    feats_TND, (start, start) if rnn.mode == "LSTM" else start, own,
                    rnn.bias, 1, 0.0, True, rnn.bidirectional, rnn.batch_first,
                )[0]  # fmt: skip
        return feats_TND


class Residual(nn.Module):
    """Adds the output of a module to its input: feats_NFHW -> feats_NFHW (He 2016)."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, feats_NFHW: Tensor) -> Tensor:
        """Return the sum; the activation after it is a separate module."""
        summed_NFHW: Tensor = feats_NFHW + self.body(feats_NFHW)
        return summed_NFHW


class Columns(nn.Module):
    """Groups of `stride` columns of pixels: images_NCHW -> feats_NFHW, padded with paper on the right."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Return the pixels with `stride` columns side by side as channels; ink is 1, paper 0."""
        # The number of columns to the next multiple of the stride: Python's % is never negative.
        missing = -images_NCHW.shape[3] % self.stride
        padded_NCHW = F.pad(images_NCHW, (0, missing))
        feats_NCHWS = padded_NCHW.unflatten(3, (padded_NCHW.shape[3] // self.stride, self.stride))
        feats_NFHW: Tensor = feats_NCHWS.permute(0, 1, 4, 2, 3).flatten(1, 2)
        return feats_NFHW


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
