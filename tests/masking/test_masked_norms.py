"""Masked batch norm: precision of its statistics, dtypes, and processes that train together."""

import pytest
import torch
from torch import nn

from ctcbench.masking import masked_norms
from ctcbench.masking.masked_norms import masked_batch_norm
from ctcbench.training.distributed.sync_batch_norm import synchronise

WIDTHS_N = torch.tensor([40, 10, 25, 31, 18, 40])


def features(dtype, offset=0.0):
    """Return feats_NCHW of these means over standard deviation, and the valid values of each channel."""
    chance = torch.Generator().manual_seed(4)
    feats_NCHW = (torch.randn(len(WIDTHS_N), 4, 8, 40, generator=chance) + offset).to(dtype)
    valid_CX = torch.cat([x[:, :, :w].flatten(1) for x, w in zip(feats_NCHW, WIDTHS_N, strict=True)], 1)
    return feats_NCHW, valid_CX


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("offset", [3.0, 10.0])
def test_statistics_of_short_floats_have_the_precision_of_float32(dtype, memory_format, offset):
    """Torch's kernel on a CPU returns 8 bits of them for bfloat16, unless it has parameters in float32."""
    norm = nn.BatchNorm2d(4, momentum=1.0)
    feats_NCHW, valid_CX = features(dtype, offset)
    made_NCHW = masked_batch_norm(norm, feats_NCHW.contiguous(memory_format=memory_format), WIDTHS_N)
    assert made_NCHW.dtype == dtype
    var_C, mean_C = torch.var_mean(valid_CX.double(), 1)
    torch.testing.assert_close(norm.running_mean.double(), mean_C, rtol=1e-5, atol=0)
    torch.testing.assert_close(norm.running_var.double(), var_C, rtol=1e-3, atol=0)


def test_gradients_of_float64_are_those_of_finite_differences():
    norm = nn.BatchNorm2d(4).double()
    nn.init.uniform_(norm.weight, 0.5, 2)
    feats_NCHW = features(torch.float64)[0][:3, :, :2, :5].clone().requires_grad_()

    def normalised(feats_NCHW):
        made_NCHW = masked_batch_norm(norm, feats_NCHW, torch.tensor([5, 2, 4]))
        return made_NCHW[1, :, :, :2], made_NCHW[2, :, :, :4], made_NCHW[0]

    assert torch.autograd.gradcheck(normalised, feats_NCHW)
    assert norm.running_var.dtype == torch.float64


@pytest.mark.parametrize("convert", [synchronise, nn.SyncBatchNorm.convert_sync_batchnorm])
def test_in_evaluation_the_processes_do_not_communicate(convert, monkeypatch):
    """A norm without running statistics has those of its batch, which another process may not have."""
    summed = []
    monkeypatch.setattr(masked_norms.distributed, "all_reduce", summed.append)
    norm, feats_NCHW = convert(nn.BatchNorm2d(4, track_running_stats=False)), features(torch.float32)[0]
    made_NCHW = masked_batch_norm(norm.eval(), feats_NCHW, WIDTHS_N)
    assert not summed
    plain_NCHW = masked_batch_norm(nn.BatchNorm2d(4, track_running_stats=False), feats_NCHW, WIDTHS_N)
    assert torch.equal(made_NCHW, plain_NCHW)
    masked_batch_norm(norm.train(), feats_NCHW, WIDTHS_N)
    assert len(summed) == 1
