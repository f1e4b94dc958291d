"""Rules for losses: finite, differentiable, independent of padding, lower for the right text."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor

from ctcbench.contract.specs import BLANK, Alignment
from ctcbench.testing.case import Case, Rule
from ctcbench.testing.host_access import require_no_host_reads
from ctcbench.testing.meta_device import META, require_one_device
from ctcbench.testing.synthetic_log_probs import confident_of, texts_for, uncertain

# Enough for every text of `texts_for`, and for one more character, with a blank between any two.
_FRAMES = 12


def is_a_finite_number(case: Case) -> None:
    """The loss of a batch, and of a batch of one, is a finite scalar."""
    for count in (4, 1):
        loss = _loss(case, *_uncertain(case, count))
        case.require(
            loss.is_floating_point() and bool(loss.isfinite()),
            f"the loss of a batch of {count} must be a finite number",
            f"{loss.dtype}: {loss.item()}",
            "look for logs of zero and for divisions by it",
        )


def does_not_modify_its_inputs(case: Case) -> None:
    """Log-probabilities, targets and lengths are not modified: the core uses them after the call."""
    inputs, objective = _uncertain(case, 4), case.build()
    given = [tensor.clone() for tensor in inputs]
    case.attempt("be called", lambda: objective(*given))
    names = ("log_probs_TNK", "lengths_N", "targets_NL", "target_lengths_N")
    changed = [n for n, old, new in zip(names, inputs, given, strict=True) if not torch.equal(old, new)]
    rule = "its arguments must not be changed in place"
    case.require(not changed, rule, f"another {', '.join(changed)} after the call", "work on copies")


def can_be_differentiated(case: Case) -> None:
    """The gradient is finite, not zero, and zero where frames do not count."""
    log_probs_TNK, lengths_N, targets_NL, target_lengths_N = _uncertain(case, 4)
    log_probs_TNK.requires_grad_()
    loss = _loss(case, log_probs_TNK, lengths_N, targets_NL, target_lengths_N)
    rule, remedy = "the loss must have a gradient", "don't detach, and don't leave torch"
    case.require(loss.requires_grad, rule, "none", remedy)
    case.attempt("be differentiated", lambda: loss.backward())
    gradient = log_probs_TNK.grad
    finite = gradient is not None and bool(gradient.isfinite().all()) and bool(gradient.abs().sum() > 0)
    rule, remedy = "its gradient must be finite and not all zero", "look for logs of zero and for detach"
    case.require(finite, rule, "zeros, NaN or infinity", remedy)
    # For mypy: a gradient that is None is not finite.
    assert gradient is not None
    past_TN = torch.arange(len(gradient))[:, None] >= lengths_N
    rule, remedy = "its gradient must be zero at frames past lengths_N", "mask them before sums and means"
    largest = float(gradient[past_TN].abs().max())
    case.require(largest == 0, rule, f"{largest:.3g}", remedy)


def stays_finite_where_all_is_read(case: Case) -> None:
    """Loss and gradient are finite where the right texts have nearly all of the probability."""
    texts = texts_for(case.alphabet)
    read = confident_of(case.alphabet, texts, _FRAMES, case.component.alignment)
    # As late in a training: e^-48 for each other class, so that 1 − p is 0 in float32.
    log_probs_TNK = (4 * torch.from_numpy(read.values_NTK)).log_softmax(-1).transpose(0, 1).contiguous()
    log_probs_TNK.requires_grad_()
    loss = _loss(case, log_probs_TNK, torch.full((len(texts),), _FRAMES), *_targets(case, texts))
    if loss.requires_grad:  # another rule
        loss.backward()
    gradient = log_probs_TNK.grad
    finite = bool(loss.isfinite()) and (gradient is None or bool(gradient.isfinite().all()))
    rule = "loss and gradient must be finite where every text is read with certainty"
    case.require(finite, rule, f"loss {loss.item():.3g}", "look for logs and powers of zero, as of 1 − p")


def ignores_frames_that_do_not_count(case: Case) -> None:
    """Frames past an image's length are padding."""
    log_probs_TNK, lengths_N, targets_NL, target_lengths_N = _uncertain(case, 4)
    other_TNK = log_probs_TNK.clone()
    for n, length in enumerate(lengths_N.tolist()):
        # Normalised: a loss may rely on frames that are log-probabilities. Flatter ones: the frames' entropy
        # differs as well, which a loss with such a term may sum over all frames.
        other_TNK[length:, n] = (other_TNK[length:, n].roll(1, -1) / 3).log_softmax(-1)
    one = _loss(case, log_probs_TNK, lengths_N, targets_NL, target_lengths_N)
    other = _loss(case, other_TNK, lengths_N, targets_NL, target_lengths_N)
    rule, remedy = "frames past lengths_N must not change the loss", "mask them, or pass lengths_N on"
    case.require(bool(torch.isclose(one, other)), rule, f"{one:.6g} and {other:.6g}", remedy)


def ignores_padding_of_targets(case: Case) -> None:
    """Targets are padded to the longest; the padding does not change the loss."""
    log_probs_TNK, lengths_N, targets_NL, target_lengths_N = _uncertain(case, 4)
    others_NL = targets_NL.clone()
    for n, length in enumerate(target_lengths_N.tolist()):
        # A character: the padding must not be read as text.
        others_NL[n, length:] = 1
    one = _loss(case, log_probs_TNK, lengths_N, targets_NL, target_lengths_N)
    other = _loss(case, log_probs_TNK, lengths_N, others_NL, target_lengths_N)
    rule = "padding past target_lengths_N must not change the loss"
    case.require(bool(torch.isclose(one, other)), rule, f"{one:.6g} and {other:.6g}", "use target_lengths_N")


def is_lower_for_the_right_text(case: Case) -> None:
    """Confident predictions of the right texts have a lower loss than confident predictions of wrong ones."""
    texts = texts_for(case.alphabet)
    sure = confident_of(case.alphabet, texts, _FRAMES, case.component.alignment)
    read = torch.from_numpy(sure.values_NTK).transpose(0, 1)
    lengths_N = torch.full((len(texts),), _FRAMES)
    right = _loss(case, read, lengths_N, *_targets(case, texts))
    # Reversed and one character longer: even a palindrome becomes another text.
    wrong = _loss(case, read, lengths_N, *_targets(case, [text[::-1] + text[0] for text in texts]))
    rule = "the loss of the right texts must be lower than that of wrong ones"
    case.require(
        bool(right < wrong), rule, f"{right:.4g} and {wrong:.4g}", "check its sign and its blank (class 0)"
    )


def aligns_frames_as_declared(case: Case) -> None:
    """Frames a, a, then blanks, are ``aa`` where frame i is character i, and ``a`` by CTC.

    By CTC they are ``aa`` with a blank between them. The loss of the right text must be lower.
    """
    alignment, one = case.component.alignment, case.alphabet.characters[0]
    # A loss of fixed alignment is not tried with the path of CTC: to it a blank between characters is an
    # error.
    paths: list[tuple[Alignment, int]] = [("ctc", 2), ("fixed", 1)] if alignment == "ctc" else [("fixed", 2)]
    for path, right in paths:
        sure = confident_of(case.alphabet, [one + one], _FRAMES, path)
        read = torch.from_numpy(sure.values_NTK).transpose(0, 1)
        costs = [_loss(case, read, torch.tensor([_FRAMES]), *_targets(case, [one * n])) for n in (1, 2)]
        wrong = 3 - right
        case.require(
            bool(costs[right - 1] < costs[wrong - 1]),
            f"with alignment={alignment!r} frames {case.alphabet.path(sure.values_NTK[0, :4].argmax(-1))!r} "
            f"must cost less as {one * right!r} than as {one * wrong!r}",
            f"{costs[right - 1]:.4g} and {costs[wrong - 1]:.4g}",
            "declare its alignment: @loss for CTC, @loss(alignment='fixed') where frame i is character i",
        )


def decreases_by_gradient_descent(case: Case) -> None:
    """A few steps of gradient descent on the logits lower the loss."""
    log_probs_TNK, lengths_N, targets_NL, target_lengths_N = _uncertain(case, 4)
    logits_TNK = log_probs_TNK.clone().requires_grad_()
    optimizer = torch.optim.Adam([logits_TNK], lr=0.2)
    losses = []
    for _ in range(25):
        # Normalised in each step, as in training: growing logits alone would lower any loss.
        loss = _loss(case, logits_TNK.log_softmax(-1), lengths_N, targets_NL, target_lengths_N)
        losses.append(loss.item())
        optimizer.zero_grad()
        case.attempt("be differentiated", loss.backward)
        optimizer.step()
    rule = "25 steps down its gradient must lower the loss"
    case.require(
        losses[-1] < losses[0], rule, f"{losses[0]:.4g} before, {losses[-1]:.4g} after", "check its sign"
    )


def is_deterministic(case: Case) -> None:
    """The loss is deterministic, and does not depend on earlier calls."""
    inputs = _uncertain(case, 4)
    # One loss for both calls: state that it keeps would change the second one.
    objective = case.build()
    one, other = (_evaluate(case, objective, *inputs) for _ in range(2))
    rule, remedy = (
        "the same input must have the same loss",
        "use no random numbers, and keep no state between calls",
    )
    case.require(bool(torch.equal(one, other)), rule, f"{one:.8g} and {other:.8g}", remedy)


def stays_on_the_device_of_its_log_probs(case: Case) -> None:
    """Log-probabilities and targets may be on a GPU, lengths are on the CPU; tested on torch's ``meta``.

    That device has no kernel for CTC, so operations after it are not tested.
    """
    log_probs_TNK, lengths_N, targets_NL, target_lengths_N = _uncertain(case, 4)
    objective = case.build()
    # Both lengths stay on the CPU, where the core has them.
    there = (log_probs_TNK.to(META), lengths_N, targets_NL.to(META), target_lengths_N)
    remedy = "create tensors with device=log_probs.device, and compute with lengths_N.to(that)"
    require_one_device(case, lambda: objective(*there), remedy)


def reads_no_value_on_the_host_if_it_says_so(case: Case) -> None:
    """A loss with ``on_device=True`` reads no value of a tensor on the host, in its gradient either."""
    if not case.component.on_device:
        return
    log_probs_TNK, *others = _uncertain(case, 4)
    log_probs_TNK.requires_grad_()
    objective = case.build()
    try:
        takes_losses = "ctc_losses" in inspect.signature(objective).parameters
    except (TypeError, ValueError):  # not callable, or without a signature
        takes_losses = False
    # Torch's own CTC reads lengths; that of a GPU is not here, and any function of all images will do.
    keywords = {"ctc_losses": lambda log_probs, *_: -log_probs.mean((0, 2))} if takes_losses else {}
    require_no_host_reads(case, lambda: objective(log_probs_TNK, *others, **keywords).backward())


def _loss(case: Case, *inputs: Tensor) -> Tensor:
    return _evaluate(case, case.build(), *inputs)


def _evaluate(case: Case, objective: Any, *inputs: Tensor) -> Tensor:
    # Copies: a loss that changes them breaks the rule about that alone.
    loss = case.attempt("be called", lambda: objective(*(tensor.clone() for tensor in inputs)))
    rule, remedy = "the loss must be a tensor", "return the scalar tensor, not its .item()"
    case.require(isinstance(loss, Tensor), rule, type(loss).__name__, remedy)
    tensor: Tensor = loss
    rule, remedy = "the loss must be a scalar", "take the mean over the images"
    case.require(tensor.shape == (), rule, f"{tensor.dtype} of shape {tuple(tensor.shape)}", remedy)
    return tensor


def _uncertain(case: Case, count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return log_probs_TNK, lengths_N (of which some are short), targets_NL, target_lengths_N."""
    read = uncertain(case.alphabet, count, _FRAMES)
    # 12, 11, 10, 12: some images are padded, as in a batch of different widths.
    lengths_N = torch.tensor([_FRAMES - n % 3 for n in range(count)])
    log_probs_TNK = torch.from_numpy(read.values_NTK).transpose(0, 1).contiguous()
    return log_probs_TNK, lengths_N, *_targets(case, texts_for(case.alphabet)[:count])


def _targets(case: Case, texts: list[str] | tuple[str, ...]) -> tuple[Tensor, Tensor]:
    labels = [case.alphabet.encode(text) for text in texts]
    targets_NL = torch.full((len(labels), max(map(len, labels))), BLANK)
    for n, row in enumerate(labels):
        targets_NL[n, : len(row)] = torch.tensor(row)
    return targets_NL, torch.tensor([len(row) for row in labels])


RULES: tuple[Rule, ...] = (
    is_a_finite_number,
    does_not_modify_its_inputs,
    can_be_differentiated,
    stays_finite_where_all_is_read,
    ignores_frames_that_do_not_count,
    ignores_padding_of_targets,
    is_lower_for_the_right_text,
    aligns_frames_as_declared,
    decreases_by_gradient_descent,
    is_deterministic,
    stays_on_the_device_of_its_log_probs,
    reads_no_value_on_the_host_if_it_says_so,
)
