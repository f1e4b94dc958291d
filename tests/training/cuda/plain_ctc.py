"""CTC in operators of torch that read no value on the host: what the kernel is on a GPU."""

import torch

_NEVER = -1e30


def plain_ctc_losses(log_probs_TNK, lengths_N, targets_NL, target_lengths_N):
    """Return losses_N by the forward recursion over states blank, character, blank, …"""
    T, N, _ = log_probs_TNK.shape
    L = targets_NL.shape[1]
    state_S = torch.arange(2 * L + 1, device=targets_NL.device)
    labels_NS = torch.where(
        state_S % 2 == 1, targets_NL[:, (state_S - 1).clamp(min=0) // 2], torch.zeros_like(state_S)
    )
    skips_NS = torch.cat(
        [torch.zeros_like(labels_NS[:, :2]), (labels_NS[:, 2:] != labels_NS[:, :-2]).long()], 1
    ) * (state_S % 2)
    emissions_TNS = log_probs_TNK.gather(2, labels_NS.expand(T, N, 2 * L + 1))
    alpha_NS = torch.where(state_S < 2, emissions_TNS[0], torch.full_like(emissions_TNS[0], _NEVER))
    for t in range(1, T):
        before = torch.nn.functional.pad(alpha_NS, (1, 0), value=_NEVER)[:, :-1]
        skipped = torch.nn.functional.pad(alpha_NS, (2, 0), value=_NEVER)[:, :-2]
        skipped = torch.where(skips_NS == 1, skipped, torch.full_like(skipped, _NEVER))
        moved = torch.stack([alpha_NS, before, skipped]).logsumexp(0) + emissions_TNS[t]
        alpha_NS = torch.where(t < lengths_N[:, None], moved, alpha_NS)
    is_end_NS = (state_S == 2 * target_lengths_N[:, None]) | (state_S == 2 * target_lengths_N[:, None] - 1)
    return -torch.where(is_end_NS, alpha_NS, torch.full_like(alpha_NS, _NEVER)).logsumexp(1)
