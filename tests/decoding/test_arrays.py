"""Arrays and tensors that the decoders accept, and which of them are copied."""

import numpy as np
import pytest

from ctcbench.decoding import beam_search
from ctcbench.decoding.arrays import as_array
from tests.decoding.decoding_cases import log_probs_of


@pytest.fixture
def log_probs_NTK():
    rng = np.random.default_rng(0)
    return np.stack([log_probs_of("noisy", rng, 20, 9) for _ in range(30)])


def unaligned(x):
    raw = np.zeros(x.nbytes + 1, dtype=np.uint8)
    view = raw[1:].view(x.dtype).reshape(x.shape)
    view[...] = x
    assert not view.flags.aligned
    return view


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "fortran": np.asfortranarray,
    "time first": lambda x: np.ascontiguousarray(x.transpose(1, 0, 2)).transpose(1, 0, 2),
    "classes first": lambda x: np.ascontiguousarray(x.transpose(2, 0, 1)).transpose(1, 2, 0),
    "every other": lambda x: np.repeat(x, 2, axis=2)[:, :, ::2],
    "backwards": lambda x: np.ascontiguousarray(x[::-1, ::-1, ::-1])[::-1, ::-1, ::-1],
    "read-only": read_only,
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "unaligned": unaligned,
    "nested lists": lambda x: x.tolist(),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_layout_has_the_same_result(log_probs_NTK, layout, dtype):
    values = log_probs_NTK.astype(dtype)
    assert beam_search(LAYOUTS[layout](values), n_best=3) == beam_search(values, n_best=3)


@pytest.mark.parametrize("layout", ["fortran", "time first", "every other", "backwards", "read-only"])
def test_layouts_that_are_not_copied(log_probs_NTK, layout):
    values = LAYOUTS[layout](log_probs_NTK)
    assert np.shares_memory(as_array(values), values)


def test_float16_is_converted(log_probs_NTK):
    half = log_probs_NTK.astype(np.float16)
    assert beam_search(half) == beam_search(half.astype(np.float32))


def test_torch_tensors(log_probs_NTK):
    torch = pytest.importorskip("torch")
    for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
        tensor = torch.tensor(log_probs_NTK).to(dtype)
        lengths = torch.arange(30) % 21
        assert beam_search(tensor, lengths) == beam_search(tensor.double().numpy(), lengths.numpy())
    tensor = torch.tensor(log_probs_NTK)
    assert np.shares_memory(as_array(tensor), tensor.numpy())
    assert beam_search(tensor.permute(2, 0, 1).contiguous().permute(1, 2, 0)) == beam_search(log_probs_NTK)


def test_arrays_that_support_only_dlpack(log_probs_NTK):
    class Foreign:
        def __dlpack__(self, **options):
            return log_probs_NTK.__dlpack__(**options)

        def __dlpack_device__(self):
            return log_probs_NTK.__dlpack_device__()

    assert beam_search(Foreign()) == beam_search(log_probs_NTK)
