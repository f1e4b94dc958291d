"""The CTC loss as one Triton kernel: deterministic, lengths on the device, usable in a CUDA graph.

Shape letters: N batch, T frames, K classes with the blank, L label length, S CTC states (2L + 1). State 2i is
the blank before character i, state 2i + 1 is character i.
"""

# Without `from __future__ import annotations`: Triton's interpreter does not recognise constexpr in a string.

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import FunctionCtx

MAX_LABEL_LENGTH = 511  # 1,023 states: a block of Triton has a power of two of elements
_NEVER: tl.constexpr = tl.constexpr(float("-inf"))


def ctc_losses(
    log_probs_TNK: Tensor, lengths_N: Tensor, targets_NL: Tensor, target_lengths_N: Tensor
) -> Tensor:
    """Return −log p(labelling) of each image in nats, shape (N,), float32 (Graves et al. 2006, eqs. 6 to 15).

    All tensors are on one CUDA device, and the host reads none of them. A CUDA graph can therefore capture
    the call and its backward pass, after a first call that compiles the kernel. The blank is class 0. Every
    call with the same arguments returns the same bits, in the gradient too.

    The loss is infinite where no alignment has a positive probability: too few frames, or −inf on every path.
    The gradient of such an image is 0, where torch's own loss has NaN unless ``zero_infinity`` is set. The
    loss is NaN and the gradient 0 where a length exceeds its tensor, or a target is not in 1 … K − 1.

    The gradient is the derivative in the log-probabilities: minus the posterior of each class. Torch's own
    loss returns the derivative in the logits instead; after log-softmax both are the same.

    Args:
        log_probs_TNK: log-probabilities, float32; −inf is allowed.
        lengths_N: number of frames of each image that count, int32 or int64.
        targets_NL: classes of the characters, int32 or int64, padded to at most 511 characters.
        target_lengths_N: number of characters of each text, int32 or int64.

    Raises:
        TypeError: a tensor has another type of elements.
        ValueError: shapes or devices do not fit together, or the targets are too wide.
    """
    _check_arguments(log_probs_TNK, lengths_N, targets_NL, target_lengths_N)
    losses_N: Tensor = _CTC.apply(log_probs_TNK, lengths_N, targets_NL, target_lengths_N)
    return losses_N


def _check_arguments(
    log_probs_TNK: Tensor, lengths_N: Tensor, targets_NL: Tensor, target_lengths_N: Tensor
) -> None:
    if log_probs_TNK.dtype != torch.float32:
        raise TypeError(f"log_probs_TNK is {log_probs_TNK.dtype}; it must be torch.float32")
    integers = {"lengths_N": lengths_N, "targets_NL": targets_NL, "target_lengths_N": target_lengths_N}
    for name, tensor in integers.items():
        if tensor.dtype not in (torch.int32, torch.int64):
            raise TypeError(f"{name} is {tensor.dtype}; it must be torch.int32 or torch.int64")
        if tensor.device != log_probs_TNK.device:
            raise ValueError(f"{name} is on {tensor.device}, log_probs_TNK on {log_probs_TNK.device}")
    shapes = [tuple(tensor.shape) for tensor in (log_probs_TNK, lengths_N, targets_NL, target_lengths_N)]
    N = log_probs_TNK.shape[1] if log_probs_TNK.ndim == 3 else -1
    if N < 0 or targets_NL.ndim != 2 or shapes[1:] != [(N,), (N, targets_NL.shape[1]), (N,)]:
        raise ValueError(f"the shapes must be (T, N, K), (N,), (N, L), (N,), not {str(shapes)[1:-1]}")
    if targets_NL.shape[1] > MAX_LABEL_LENGTH:
        raise ValueError(
            f"targets_NL has {targets_NL.shape[1]} columns; at most {MAX_LABEL_LENGTH} are possible"
        )


class _CTC(torch.autograd.Function):
    """The losses, with a gradient that the forward pass has computed already."""

    @staticmethod
    def forward(
        ctx: FunctionCtx,
        log_probs_TNK: Tensor,
        lengths_N: Tensor,
        targets_NL: Tensor,
        target_lengths_N: Tensor,
    ) -> Tensor:
        T, N, K = log_probs_TNK.shape
        L = targets_NL.shape[1]
        losses_N = log_probs_TNK.new_empty(N)
        # The kernel writes only the classes that occur in the labelling.
        gradient_TNK = torch.zeros_like(log_probs_TNK, memory_format=torch.contiguous_format)
        alphas_NTS = log_probs_TNK.new_empty(N, T, 2 * L + 1)
        exchange_NS = log_probs_TNK.new_empty(N, 4, 2 * L + 1)
        following_NS = targets_NL.new_empty(N, 2 * L + 1, dtype=torch.int32)
        block = triton.next_power_of_2(2 * L + 1)
        with torch.cuda.device_of(log_probs_TNK):
            _ctc_kernel[(N,)](
                log_probs_TNK.contiguous(), lengths_N.contiguous(), targets_NL.contiguous(),
                target_lengths_N.contiguous(), losses_N, gradient_TNK, alphas_NTS, exchange_NS, following_NS,
                T, N, K, L, block,
                # Few warps, because two barriers of each frame wait for all of them.
                num_warps=min(8, max(1, block // 64)),
                # No loads in advance of the loop's own stores.
                num_stages=1,
            )  # fmt: skip
        ctx.save_for_backward(log_probs_TNK, gradient_TNK, losses_N)
        return losses_N

    @staticmethod
    def backward(ctx: FunctionCtx, gradient_N: Tensor) -> tuple[Tensor, None, None, None]:
        log_probs_TNK, gradient_TNK, losses_N = ctx.saved_tensors  # type: ignore[attr-defined]
        # What follows an infinite loss may have an infinite derivative, and infinity times 0 is NaN.
        scale_N = gradient_N.masked_fill(losses_N.isinf(), 0.0)
        return _ScaledGradient.apply(log_probs_TNK, gradient_TNK, scale_N), None, None, None


class _ScaledGradient(torch.autograd.Function):
    """gradient_TNK · scale_N, a function of the log-probabilities whose derivative is not implemented."""

    # Without it, autograd would take gradient_TNK for a constant, and a second derivative would be wrong.

    @staticmethod
    def forward(ctx: FunctionCtx, log_probs_TNK: Tensor, gradient_TNK: Tensor, scale_N: Tensor) -> Tensor:
        return gradient_TNK * scale_N[:, None]

    @staticmethod
    def backward(ctx: FunctionCtx, gradient_TNK: Tensor) -> None:
        raise NotImplementedError(
            "ctc_losses cannot be differentiated twice; use torch's own ctc_loss for that"
        )


@triton.jit
def _log_sum_exp(a, b, c):  # noqa: ANN001
    """Return log(eᵃ + eᵇ + eᶜ); −inf where all three are −inf."""
    top = tl.maximum(tl.maximum(a, b), c)
    shift = tl.where(top == _NEVER, 0.0, top)
    return shift + tl.log(tl.exp(a - shift) + tl.exp(b - shift) + tl.exp(c - shift))


# Not specialised: a batch of another shape must not compile the kernel anew.
@triton.jit(do_not_specialize=["T", "N", "K", "L"])
def _ctc_kernel(
    log_probs, lengths, targets, target_lengths, losses, gradient, alphas, exchange, following,  # noqa: ANN001
    T, N, K, L,  # noqa: ANN001
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Compute loss and gradient of image `program_id(0)`; each element of a block is a CTC state.

    A state reads its neighbours' values from global memory. A barrier is between each store and the loads of
    other states' values; each memory row is written again only after another barrier.
    """
    n = tl.program_id(0).to(tl.int64)  # offsets in (T, N, K) can exceed 32 bits
    s = tl.arange(0, BLOCK)
    frames = tl.load(lengths + n)
    length = tl.load(target_lengths + n)
    legal = (frames >= 0) & (frames <= T) & (length >= 0) & (length <= L)
    length = tl.where(legal, length, 0).to(tl.int32)
    targets += n * L
    place = s >> 1
    is_label = ((s & 1) == 1) & (place < length)
    target = tl.load(targets + place, mask=is_label, other=1)
    legal = legal & (tl.min(((target > 0) & (target < K)).to(tl.int32), 0) == 1)
    frames = tl.where(legal, frames, 0).to(tl.int32)
    label = tl.where(is_label, target, 0).to(tl.int32)
    states = tl.where(frames > 0, 2 * length + 1, 0)
    valid = s < states
    has_before = is_label & (place > 0)
    has_after = is_label & (place + 1 < length)
    # A path may leave out the blank between different characters.
    enters_by_skip = has_before & (tl.load(targets + place - 1, mask=has_before, other=0) != target)
    leaves_by_skip = has_after & (tl.load(targets + place + 1, mask=has_after, other=0) != target)

    # The characters of one class form a list, in the order of the text; the first one sums their posteriors.
    is_first = is_label & valid
    successor = tl.full((BLOCK,), -1, tl.int32)
    equal = tl.zeros((BLOCK,), tl.int32)
    for other in range(length):
        letter = tl.load(targets + other)
        is_first = is_first & ((place <= other) | (letter != target))
        same = is_label & (letter == target)
        successor = tl.where(same & (place < other) & (successor < 0), 2 * other + 1, successor)
        equal += same.to(tl.int32)
    most_equal = tl.max(equal, 0)
    width = 2 * L + 1
    following += n * width
    tl.store(following + s, successor, mask=valid)

    row = n * K  # offset of the frame in log_probs and gradient
    alphas += n * T * width
    alpha = tl.load(log_probs + row + label, mask=valid & (s < 2), other=_NEVER)
    tl.store(alphas + s, alpha, mask=valid)
    for _ in range(1, frames):
        row += N * K
        emission = tl.load(log_probs + row + label, mask=valid, other=_NEVER)
        tl.debug_barrier()
        previous = tl.load(alphas + s - 1, mask=valid & (s > 0), other=_NEVER)
        skipped = tl.load(alphas + s - 2, mask=valid & enters_by_skip, other=_NEVER)
        alpha = _log_sum_exp(alpha, previous, skipped) + emission
        alphas += width
        tl.store(alphas + s, alpha, mask=valid)
    tl.debug_barrier()

    is_end = valid & (s >= states - 2)
    ends = tl.where(is_end, alpha, _NEVER)
    top = tl.max(ends, 0)
    shift = tl.where(top == _NEVER, 0.0, top)
    log_likelihood = shift + tl.log(tl.sum(tl.exp(ends - shift), 0))
    loss = tl.where((frames == 0) & (length == 0), 0.0, -log_likelihood)
    # NaN as a literal: Triton compares the constants of a module at each launch, and NaN differs from itself.
    tl.store(losses + n, tl.where(legal, loss, float("nan")))

    # beta: log-probability of the frames after this one.
    beta = tl.where(is_end, 0.0, _NEVER)
    exchange += n * 4 * width
    for i in range(tl.where(log_likelihood > _NEVER, frames, 0)):
        joint = tl.load(alphas + s, mask=valid, other=_NEVER) + beta
        emission = tl.load(log_probs + row + label, mask=valid, other=_NEVER)
        # Normalised in each frame, which removes the rounding errors that all states share.
        weight = tl.where(joint > _NEVER, tl.exp(joint - tl.max(joint, 0)), 0.0)
        # The sum is at least 1, unless the joint probabilities of all states have overflowed.
        posterior = weight / tl.maximum(tl.sum(weight, 0), 1.0)
        beta += emission
        # Two pairs of rows in turn, so that one barrier a frame is enough.
        betas = exchange + (i & 1) * 2 * width
        posteriors = betas + width
        tl.store(betas + s, beta, mask=valid)
        tl.store(posteriors + s, posterior, mask=valid)
        tl.debug_barrier()
        next_beta = tl.load(betas + s + 1, mask=valid & (s + 1 < states), other=_NEVER)
        skipped = tl.load(betas + s + 2, mask=valid & leaves_by_skip, other=_NEVER)
        beta = _log_sum_exp(beta, next_beta, skipped)
        # No atomics, whose order varies: each class is summed by one state, in the order of the text.
        total = posterior
        state = successor
        for _ in range(1, most_equal):
            linked = is_first & (state >= 0)
            total += tl.load(posteriors + state, mask=linked, other=0.0)
            state = tl.load(following + state, mask=linked, other=-1)
        tl.store(gradient + row + label, -total, mask=is_first)
        tl.store(gradient + row, -tl.sum(tl.where((s & 1) == 0, posterior, 0.0), 0))
        row -= N * K
        alphas -= width
