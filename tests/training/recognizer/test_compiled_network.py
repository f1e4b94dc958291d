import os

import pytest
import torch
from torch._dynamo.exc import TorchDynamoException

import ctcbench
from ctcbench.contract.errors import CtcbenchError
from ctcbench.results.run_folder import RunFolder
from ctcbench.training import device, monitor
from ctcbench.training.recognizer import compiled_network
from ctcbench.training.recognizer.compiled_network import CompiledNetwork
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny
from tests.training.step_cases import some_state

# Of torch's own code, which torch.compile imports.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")


class Counting(torch.nn.Module):
    """Doubles, and keeps the sizes of the batches that Python saw."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x_ND):
        self.seen.append(len(x_ND))
        return 2 * x_ND


def compiled(batch_size=4):
    network = Counting()
    return network, CompiledNetwork(network, device.choose_compute(tiny(device="cpu")), batch_size)


def test_a_batch_of_another_size_is_computed_by_the_network_itself(monkeypatch):
    calls = []
    monkeypatch.setattr(
        torch, "compile", lambda network, **how: lambda x_ND: calls.append(len(x_ND)) or 3 * x_ND
    )
    network, both = compiled(batch_size=4)
    assert both(torch.ones(3, 1)).tolist() == [[2.0]] * 3
    assert both(torch.ones(4, 1)).tolist() == [[3.0]] * 4
    assert (network.seen, calls) == ([3], [4])


def test_it_is_compiled_for_one_type_of_number(monkeypatch):
    types = []
    monkeypatch.setattr(torch, "compile", lambda network, **how: lambda x_ND: types.append(x_ND.dtype))
    _, both = compiled(batch_size=2)
    for augmented in (torch.ones(2, 1), torch.ones(2, 1, dtype=torch.uint8)):
        both(augmented)
    assert types == [torch.float32, torch.float32]


@pytest.mark.parametrize("parts", [1, 2])
def test_cuda_graphs_of_its_own_are_not_used_in_a_graph_and_not_for_gradients_in_parts(monkeypatch, parts):
    """The next replay would write into the memory of the gradients that the parts before it left."""
    modes, marks = [], []
    monkeypatch.setattr(torch, "compile", lambda network, mode, dynamic: modes.append(mode) or network)
    monkeypatch.setattr(torch.compiler, "cudagraph_mark_step_begin", lambda: marks.append(len(modes)))
    on_gpu = device.Compute(torch.device("cuda"), None)
    both = CompiledNetwork(Counting(), on_gpu, 4, parts)
    both(torch.ones(4, 1))
    both.compile_for_graph(True)
    both(torch.ones(4, 1))
    both.compile_for_graph(False)
    both(torch.ones(4, 1))
    assert modes == (["reduce-overhead", "default", "reduce-overhead"] if parts == 1 else ["default"] * 3)
    assert marks == ([1, 3] if parts == 1 else [])


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_training_in_parts_compiles_for_parts(monkeypatch, registry, accumulate):
    built = []
    monkeypatch.setattr(
        compiled_network, "CompiledNetwork", lambda network, compute, *given: built.append(given)
    )
    some_state(registry, device="cpu", batch_size=16, compile=True, accumulate=accumulate)
    assert built == [(-(-16 // accumulate), accumulate)]


class Missing(TorchDynamoException):
    """As torch says that Triton is missing: not as what its backend raised."""


@pytest.mark.parametrize("error", [RuntimeError, Missing])
def test_a_network_that_torch_cannot_compile_is_an_error_with_the_remedy(monkeypatch, error):
    def broken(graph, inputs):
        raise error("no compiler here\nand a page of explanations")

    real = torch.compile
    monkeypatch.setattr(torch, "compile", lambda network, **how: real(lambda x_ND: 2 * x_ND, backend=broken))
    _, both = compiled(batch_size=2)
    with pytest.raises(CtcbenchError, match=r"^--compile: .*no compiler here; use --no-compile$"):
        both(torch.ones(2, 1))


def test_the_compiler_writes_into_the_cache_folder_of_the_user(tmp_path, monkeypatch):
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setenv("CTCBENCH_CACHE", str(tmp_path))
    compiled()
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "compiled")


@pytest.mark.landing
def test_a_compiled_training_learns_what_the_plain_one_learns(tmp_path, monkeypatch):
    monkeypatch.setattr(monitor, "RECORD_EVERY", 1)
    real, batches = torch.compile, []

    def counted(network, **how):
        compiled_network = real(network, **how)
        return lambda images_NCHW: batches.append(len(images_NCHW)) or compiled_network(images_NCHW)

    monkeypatch.setattr(torch, "compile", counted)
    # Small and without dropout, whose random numbers the compiler draws in another order.
    settings = {
        "backbone": "columns:stride=4",
        "head": "none",
        "amp": False,
        "optimizer": "adamw",
        "max_steps": 6,
    }
    losses = []
    for how in (False, True):
        out = tmp_path / str(how)
        ctcbench.run(tiny(**settings, compile=how), Runtime(out))
        (folder,) = [RunFolder(path) for path in out.iterdir()]
        losses.append([row["loss"] for row in folder.read_metrics() if row["kind"] == "steps"])
    plain, fast = losses
    assert len(plain) == 6  # the fifth is of a smaller batch
    assert fast == pytest.approx(plain, rel=1e-3)
    # Not that the losses differ: on some instruction sets both add in the same order.
    assert len(batches) == 5
