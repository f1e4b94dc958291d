"""The encoder as a module. Shapes: T frames, N batch, F input features, D width of all layers."""

import math

import torch
from torch import Tensor, nn

from ctcbench import UsageError


class Encoder(nn.Module):
    """Projection, positional encoding, encoder layers and a final normalisation: feats_TNF -> feats_TND."""

    def __init__(
        self,
        features: int,
        layers: int,
        heads: int,
        width: int,
        ff: int,
        dropout: float,
        positions: str,
        longest: int,
    ) -> None:
        super().__init__()
        self.project = nn.Linear(features, width)
        self.drop = nn.Dropout(dropout)
        self.positions_TD = (
            nn.Parameter(torch.randn(longest, width) * 0.02) if positions == "learned" else None
        )
        # norm_first: pre-norm encoders train without a long warm-up (Xiong et al. 2020).
        layer = nn.TransformerEncoderLayer(width, heads, ff, dropout, activation="gelu", norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        # nn.TransformerEncoder copies one layer, weights included, so each layer is initialised again.
        for parameter in self.encoder.parameters():
            # Biases and norms keep torch's initial values.
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, feats_TNF: Tensor) -> Tensor:
        """Return the last layer's output for every frame.

        Raises:
            UsageError: there are more frames than learned positions.
        """
        feats_TND = self.project(feats_TNF)
        # [:, None] is the batch: every image has the same positions.
        feats_TND = self.drop(feats_TND + self._positions(feats_TND)[:, None])
        encoded_TND: Tensor = self.encoder(feats_TND)
        return encoded_TND

    def _positions(self, feats_TND: Tensor) -> Tensor:
        frames, _, width = feats_TND.shape
        if self.positions_TD is None:
            return sinusoids(frames, width).to(feats_TND)
        if frames > len(self.positions_TD):
            raise UsageError(
                f"head transformer: {frames} frames, but positions=learned has "
                f"{len(self.positions_TD)} positions; use positions=sinusoidal"
            )
        return self.positions_TD[:frames]


def sinusoids(frames: int, width: int) -> Tensor:
    """Return positions_TD: sines and cosines, wavelengths from 2π to 20,000π (Vaswani et al. 2017, 3.5)."""
    rates_D2 = torch.exp(torch.arange(0, width, 2) * (-math.log(10_000.0) / width))
    angles_TD2 = torch.arange(frames)[:, None] * rates_D2
    # Sine and cosine of a wavelength side by side, as in the paper's equation.
    return torch.stack((angles_TD2.sin(), angles_TD2.cos()), dim=-1).flatten(1)
