"""What a run's summary says about the kernels that trained it."""

from types import SimpleNamespace

import pytest
import torch

from ctcbench.training.objective import Objective
from ctcbench.training.training_summary import _ctc_backend

pytest.importorskip("triton")

KERNEL, TORCH = "cuda (Triton kernel, deterministic)", "cuda (torch's own kernel, not deterministic)"


@pytest.mark.parametrize(
    "device, objective, length, expected",
    [
        ("cpu", {}, 5, "cpu"),
        ("cuda", {"ctc_losses": print}, 5, KERNEL),
        ("cuda", {"ctc_losses": print}, 511, KERNEL),
        ("cuda", {"ctc_losses": print}, 512, TORCH),
        ("cuda", {"ctc_losses": print, "deterministic": True}, 512, "cpu"),
        ("cuda", {"obstacle": "no Triton"}, 5, TORCH),
        ("cuda", {"obstacle": "no Triton", "deterministic": True}, 5, "cpu"),
    ],
)
def test_the_summary_names_the_implementation_of_ctc(device, objective, length, expected):
    state = SimpleNamespace(
        objective=Objective(print, "test", **objective),
        compute=SimpleNamespace(device=torch.device(device)),
    )
    train = SimpleNamespace(targets_NL=torch.zeros(1, length))
    assert _ctc_backend(SimpleNamespace(state=state, train=train)) == expected
