"""The CTC loss and its gradient by the plain forward recursion, in float64."""

import torch


def plain_losses(case):
    """Return losses_N and the gradient of their weighted sum, float64; 0 for an infinite loss."""
    losses, gradient_TNK = [], torch.zeros(case.log_probs_TNK.shape, dtype=torch.float64)
    for n in range(case.log_probs_TNK.shape[1]):
        frames, length = int(case.lengths_N[n]), int(case.target_lengths_N[n])
        log_probs_TK = case.log_probs_TNK[:frames, n].detach().cpu().double().requires_grad_()
        loss = _plain_loss(log_probs_TK, case.targets_NL[n, :length].tolist())
        losses.append(loss.detach())
        if loss.isfinite() and loss.requires_grad:
            (gradient_TNK[:frames, n],) = torch.autograd.grad(
                loss * case.weights_N[n].double().cpu(), log_probs_TK
            )
    return torch.stack(losses) if losses else torch.zeros(0).double(), gradient_TNK


def _plain_loss(log_probs_TK, labels):
    # Probabilities, not their logarithms, so that autograd meets no −inf. Each frame is divided by its sum.
    states = [0] + [state for label in labels for state in (label, 0)]
    skips_S = torch.tensor(
        [s > 1 and states[s] != 0 and states[s] != states[s - 2] for s in range(len(states))]
    ).double()
    alpha_S = torch.zeros(len(states)).double()
    alpha_S[0] = 1.0  # before the first frame
    log_likelihood = torch.zeros(()).double()
    for t, log_probs_K in enumerate(log_probs_TK):
        entering_S = alpha_S + _shifted(alpha_S, 1)
        # Before the first frame there is no blank to skip.
        entering_S = entering_S + (skips_S * _shifted(alpha_S, 2) if t else 0)
        alpha_S = entering_S * log_probs_K[states].exp()
        total = alpha_S.sum()
        if total == 0:
            return torch.tensor(torch.inf).double()
        alpha_S, log_likelihood = alpha_S / total, log_likelihood + total.log()
    end = alpha_S[-2:].sum()
    return -(log_likelihood + end.log())


def _shifted(alpha_S, by):
    return torch.cat([alpha_S.new_zeros(by), alpha_S])[: len(alpha_S)]
