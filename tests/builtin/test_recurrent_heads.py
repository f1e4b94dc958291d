import pytest
import torch

from ctcbench import SequenceSpec


@pytest.mark.parametrize("name", ["lstm1", "bilstm2", "gru2", "bigru2"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_layers_one_at_a_time_compute_what_the_whole_network_computes(registry, name, dropout):
    torch.manual_seed(0)
    head = registry.build("head", f"{name}:width=6,dropout={dropout}", SequenceSpec(5, 8)).train()
    feats_TNF = torch.randn(5, 3, 8)
    outputs, gradients = [], []
    for run in (lambda feats: head.rnn(feats)[0], head.run_by_layer):
        head.zero_grad()
        torch.manual_seed(7)
        outputs.append(run(feats_TNF))
        outputs[-1].sum().backward()
        gradients.append([parameter.grad.clone() for parameter in head.parameters()])
    assert torch.allclose(*outputs, atol=1e-6)
    for one, other in zip(*gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
