"""The compiled CTC kernel on a CUDA device; `make test-gpu` runs these, and `-s` shows the times."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from tests.training.cuda.ctc_cases import (
    batch,
    extreme_cases,
    invalid_case,
    long_case,
    named_cases,
    random_cases,
)
from tests.training.cuda.ctc_oracle import plain_losses
from tests.training.cuda.interpreted_kernel import differentiate

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]


def on_cuda(case):
    """Return losses_N and the gradient of their weighted sum, from the GPU."""
    case = case.to("cuda")
    return differentiate(case.arguments, case.weights_N)


def require_the_oracle(case, *, loss=5e-6, gradient=5e-5):
    losses_N, gradient_TNK = on_cuda(case)
    right_N, right_TNK = plain_losses(case)
    torch.testing.assert_close(losses_N.cpu().double(), right_N, rtol=loss, atol=loss)
    torch.testing.assert_close(gradient_TNK.cpu().double(), right_TNK, rtol=gradient, atol=gradient)


@pytest.mark.parametrize("name", named_cases())
def test_a_named_case_agrees_with_the_plain_recursion(name):
    require_the_oracle(named_cases()[name])


@pytest.mark.parametrize("seed", range(2))
def test_random_cases_agree_with_the_plain_recursion(seed):
    for case in random_cases(1000, seed=1000 * seed, most_frames=20, most_letters=9).values():
        require_the_oracle(case)


@pytest.mark.parametrize("letters", [7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 511])
def test_labels_of_every_block_size_agree_with_the_plain_recursion(letters):
    chance = torch.Generator().manual_seed(letters)
    texts = [
        torch.randint(1, 30, (length,), generator=chance).tolist() for length in (letters, letters // 2 + 1)
    ]
    frames = [letters + letters // 3 + 20] * 2
    require_the_oracle(batch(texts, frames, classes=30), loss=1e-5, gradient=1e-3)


def test_a_long_label_agrees_with_the_plain_recursion():
    require_the_oracle(long_case(), loss=1e-5, gradient=1e-3)


@pytest.mark.parametrize("name", extreme_cases())
def test_extreme_inputs_never_have_a_gradient_that_is_not_a_number(name):
    losses_N, gradient_TNK = on_cuda(extreme_cases()[name])
    assert not losses_N.isnan().any()
    assert gradient_TNK.isfinite().all()


def test_an_invalid_length_or_target_has_a_loss_that_is_not_a_number():
    losses_N, gradient_TNK = on_cuda(invalid_case())
    assert losses_N.isnan().tolist() == [False] + [True] * 8
    assert (gradient_TNK[:, 1:] == 0).all()


def large_batch(images=512, frames=40, letters=6, classes=63, *, seed=0):
    """Return a batch on the device without padding, whose texts repeat letters."""
    chance = torch.Generator("cuda").manual_seed(seed)
    log_probs_TNK = torch.randn(frames, images, classes, generator=chance, device="cuda").log_softmax(-1)
    targets_NL = torch.randint(1, min(classes, 12), (images, letters), generator=chance, device="cuda")
    return (
        log_probs_TNK,
        torch.full((images,), frames, device="cuda"),
        targets_NL,
        torch.randint(0, letters + 1, (images,), generator=chance, device="cuda"),
    )


SHAPES = [
    {},
    {"images": 64, "frames": 150, "letters": 40, "classes": 4000},
    {"images": 32, "frames": 600, "letters": 256, "classes": 100},
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_call_returns_the_same_bits(shape):
    arguments = large_batch(**shape)
    weights_N = torch.ones(arguments[0].shape[1], device="cuda")
    first = differentiate(arguments, weights_N)
    for _ in range(20):
        again = differentiate(arguments, weights_N)
        assert torch.equal(first[0], again[0])
        assert torch.equal(first[1], again[1])


def test_it_runs_where_only_deterministic_kernels_are_allowed():
    arguments = large_batch()
    weights_N = torch.ones(512, device="cuda")
    before = differentiate(arguments, weights_N)
    torch.use_deterministic_algorithms(True)
    try:
        after = differentiate(arguments, weights_N)
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(before[1], after[1])


def test_a_cuda_graph_captures_the_loss_and_its_gradient():
    from ctcbench.training.cuda.ctc_kernel import ctc_losses

    batches = [large_batch(seed=seed) for seed in range(4)]
    fixed = [tensor.clone() for tensor in batches[0]]
    fixed[0].requires_grad_()

    def step():
        losses_N = ctc_losses(*fixed)
        (gradient_TNK,) = torch.autograd.grad(losses_N.mean(), fixed[0])
        return losses_N.detach(), gradient_TNK

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = step()
    for arguments in batches:
        with torch.no_grad():
            for place, tensor in zip(fixed, arguments, strict=True):
                place.copy_(tensor)
        graph.replay()
        replayed = [tensor.clone() for tensor in captured]
        for one, other in zip(replayed, step(), strict=True):
            assert torch.equal(one, other)


def test_the_host_does_not_wait_for_the_device():
    arguments = large_batch()
    weights_N = torch.ones(512, device="cuda")
    differentiate(arguments, weights_N)
    torch.cuda.set_sync_debug_mode("error")
    try:
        differentiate(arguments, weights_N)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def milliseconds(compute, times=30):
    """Return the median time of a call on the device, in ms."""
    pairs = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(times + 5)]
    for start, end in pairs:
        start.record()
        compute()
        end.record()
    torch.cuda.synchronize()
    return sorted(start.elapsed_time(end) for start, end in pairs[5:])[times // 2]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_its_time_and_torchs_are_printed(shape):
    from ctcbench.training.cuda.ctc_kernel import ctc_losses

    log_probs_TNK, lengths_N, targets_NL, target_lengths_N = large_batch(**shape)
    log_probs_TNK.requires_grad_()
    host = lengths_N.cpu(), target_lengths_N.cpu()

    def ours():
        return ctc_losses(log_probs_TNK, lengths_N, targets_NL, target_lengths_N)

    def theirs():
        return F.ctc_loss(log_probs_TNK, targets_NL, host[0], host[1], reduction="none")

    torch.testing.assert_close(ours(), theirs(), rtol=1e-4, atol=1e-4)
    for name, losses in (("ctc_losses", ours), ("torch", theirs)):
        forward = milliseconds(losses)
        both = milliseconds(lambda losses=losses: torch.autograd.grad(losses().sum(), log_probs_TNK))
        print(
            f"\n{name}, {shape or SHAPES[0]}: {forward:.3f} ms, with the backward pass {both:.3f} ms", end=""
        )


def test_other_integer_types_and_strides_do_not_change_a_bit():
    arguments = log_probs_TNK, *integers = large_batch()
    strided_TNK = log_probs_TNK.transpose(0, 1).contiguous().transpose(0, 1)
    weights_N = torch.ones(512, device="cuda")
    expected = differentiate(arguments, weights_N)
    for others in ((log_probs_TNK, *(tensor.int() for tensor in integers)), (strided_TNK, *integers)):
        for one, other in zip(differentiate(others, weights_N), expected, strict=True):
            assert torch.equal(one, other)


def test_a_tensor_on_the_host_is_an_error():
    case = replace(batch([[1, 2]], [4]).to("cuda"), lengths_N=torch.tensor([4]))
    with pytest.raises(ValueError, match="lengths_N is on cpu, log_probs_TNK on cuda"):
        on_cuda(case)
