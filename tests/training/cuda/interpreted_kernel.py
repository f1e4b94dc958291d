"""`python -m tests.training.cuda.interpreted_kernel CASES RESULTS`: the CTC kernel in Triton's interpreter.

A process of its own, because Triton reads TRITON_INTERPRET when it is imported, and torch may have done that.
"""

import os
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[3]


def run_interpreted(cases, folder):
    """Return (losses_N, gradient_TNK) of each case of a dictionary, computed in a process of its own."""
    source, target = folder / "cases.pt", folder / "results.pt"
    torch.save({name: (*case.arguments, case.weights_N) for name, case in cases.items()}, source)
    command = [sys.executable, "-m", "tests.training.cuda.interpreted_kernel", str(source), str(target)]
    subprocess.run(command, env={**os.environ, "TRITON_INTERPRET": "1"}, cwd=ROOT, check=True)
    return torch.load(target)


def differentiate(arguments, weights_N):
    """Return the kernel's losses_N, and the gradient of their weighted sum."""
    from ctcbench.training.cuda.ctc_kernel import ctc_losses

    log_probs_TNK, *integers = arguments
    log_probs_TNK = log_probs_TNK.detach().requires_grad_()
    losses_N = ctc_losses(log_probs_TNK, *integers)
    losses_N.backward(weights_N)
    return losses_N.detach(), log_probs_TNK.grad


def second_derivative_error(arguments):
    """Return the message of the error that a second derivative raises."""
    from ctcbench.training.cuda.ctc_kernel import ctc_losses

    log_probs_TNK, *integers = arguments
    log_probs_TNK = log_probs_TNK.detach().requires_grad_()
    total = ctc_losses(log_probs_TNK, *integers).sum()
    (gradient_TNK,) = torch.autograd.grad(total, log_probs_TNK, create_graph=True)
    try:
        # A penalty on the gradient, beside a term that has a second derivative.
        (gradient_TNK.square().sum() + log_probs_TNK.square().sum()).backward()
    except NotImplementedError as error:
        return str(error)
    return "no error"


def main(source, target):
    import numpy as np

    torch.set_num_threads(1)
    # The interpreter computes by numpy, which warns of the logarithm of 0 that stands for −inf.
    np.seterr(divide="ignore", over="ignore")
    results = {}
    for name, (*arguments, weights_N) in torch.load(source).items():
        results[name] = differentiate(arguments, weights_N)
    results["second derivative"] = second_derivative_error(arguments)
    torch.save(results, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
