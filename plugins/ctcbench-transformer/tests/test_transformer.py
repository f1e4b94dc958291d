"""The head passes the conformance kit; its positional encodings and the limits of its options."""

import pytest
import torch
from ctcbench_transformer import transformer
from ctcbench_transformer.encoder import sinusoids

from ctcbench import SequenceSpec, UsageError
from ctcbench.testing import conformance_tests

SMALL = {"layers": 1, "heads": 2, "width": 8, "ff": 16}
SEQUENCE = SequenceSpec(frames=18, features=12)

test_conformance = conformance_tests(transformer, sequence=SEQUENCE, **SMALL)
test_conformance_of_learned_positions = conformance_tests(
    transformer, sequence=SEQUENCE, positions="learned", **SMALL
)


@pytest.mark.parametrize("frames", [1, 5, 700])
def test_it_accepts_any_number_of_frames(frames):
    assert transformer(SEQUENCE, **SMALL)(torch.zeros(frames, 2, 12)).shape == (frames, 2, 8)


def test_more_frames_than_learned_positions_are_an_error():
    module = transformer(SEQUENCE, positions="learned", **SMALL)
    with pytest.raises(UsageError, match=r"513 frames.*512.*positions=sinusoidal"):
        module(torch.zeros(513, 1, 12))


@pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
def test_the_output_depends_on_the_position(positions):
    module = transformer(SEQUENCE, positions=positions, **SMALL).eval()
    feats_TND = module(torch.ones(4, 1, 12))
    assert not torch.allclose(feats_TND[0], feats_TND[3], atol=1e-4)


def test_layers_have_weights_of_their_own():
    module = transformer(SEQUENCE, **{**SMALL, "layers": 2})
    first, second = (layer.linear1.weight for layer in module.encoder.layers)
    assert not torch.equal(first, second)


def test_positions_are_those_of_the_paper():
    positions_TD = sinusoids(3, 4)
    assert torch.allclose(positions_TD[0], torch.tensor([0.0, 1.0, 0.0, 1.0]))
    assert torch.allclose(
        positions_TD[2, :2],
        torch.tensor([2.0]).sin().repeat(2).index_copy(0, torch.tensor([1]), torch.tensor([2.0]).cos()),
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 10, "heads": 4}, r"width=10 .*heads=4.*heads=2, or width=12"),
        ({"width": 9, "heads": 3}, r"even width, not width=9.*width=10"),
        ({"dropout": 1.0}, r"dropout=1.0"),
        ({"positions": "none"}, r"positions=none"),
    ],
    ids=str,
)
def test_invalid_options(options, message):
    with pytest.raises(UsageError, match=message):
        transformer(SEQUENCE, **options)
