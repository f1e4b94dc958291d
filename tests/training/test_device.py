"""The default precision of a device, and the limits on oneDNN that it depends on."""

import pytest
import torch

from ctcbench.training import device


@pytest.fixture
def capable(monkeypatch):
    """Pretend that the CPU has AVX-512 BF16, and that nothing limits oneDNN."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: True)
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.delenv("DNNL_MAX_CPU_ISA", raising=False)


def cpu_dtype():
    return device.default_autocast_dtype(torch.device("cpu"))


@pytest.mark.parametrize("name", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
@pytest.mark.parametrize(
    ("isa", "dtype"),
    [
        ("SSE41", None),
        ("AVX2", None),
        ("avx2", None),
        ("AVX2_VNNI_2", None),
        ("AVX512_CORE", None),
        ("AVX512_CORE_VNNI", None),
        ("AVX512_CORE_BF16", torch.bfloat16),
        ("AVX512_CORE_FP16", torch.bfloat16),
        ("AVX512_CORE_AMX", torch.bfloat16),
        ("DEFAULT", torch.bfloat16),
        ("ALL", torch.bfloat16),
        ("unknown to oneDNN", torch.bfloat16),
        ("", torch.bfloat16),
    ],
)
def test_cpu_precision_respects_the_limit_on_onednn(capable, monkeypatch, name, isa, dtype):
    monkeypatch.setenv(name, isa)
    assert cpu_dtype() is dtype


def test_the_newer_variable_takes_precedence(capable, monkeypatch):
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")
    monkeypatch.setenv("DNNL_MAX_CPU_ISA", "AVX2")
    assert cpu_dtype() is torch.bfloat16


@pytest.mark.parametrize("owner", ["cpu", "mkldnn"])
def test_no_bfloat16_without_the_instructions_or_without_onednn(capable, monkeypatch, owner):
    if owner == "cpu":
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False, raising=False)
    else:
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: False)
    assert cpu_dtype() is None
