"""Modules of the built-in components that need a class; imported only when a model is built."""

from __future__ import annotations

from torch import Tensor, nn


class Recurrent(nn.Module):
    """A recurrent network that gives its outputs alone: feats_TNF -> feats_TND."""

    def __init__(
        self, cell: str, features: int, width: int, layers: int, bidirectional: bool, dropout: float
    ) -> None:
        super().__init__()
        self.drop = nn.Dropout(dropout)
        between = (
            dropout if layers > 1 else 0.0
        )  # torch drops between layers only, and warns if there is no between
        self.rnn = getattr(nn, cell)(features, width, layers, bidirectional=bidirectional, dropout=between)

    def forward(self, feats_TNF: Tensor) -> Tensor:
        """Return the outputs of the last layer for every frame."""
        feats_TND: Tensor = self.rnn(self.drop(feats_TNF))[0]
        return feats_TND
