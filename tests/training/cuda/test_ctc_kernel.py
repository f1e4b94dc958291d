"""The CTC kernel in Triton's interpreter, against the plain recursion in float64 and against torch."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from packaging.version import Version
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
from tests.training.cuda.interpreted_kernel import ROOT, run_interpreted

pytestmark = [
    pytest.mark.landing,
    pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed"),
]

CASES = {**named_cases(), **random_cases(20, seed=1)}
EXTREME = extreme_cases()


def require_interpreter():
    """Skip a test where Triton's interpreter fails for any loop over a tensor's value."""
    import triton

    if Version(triton.__version__) < Version("3.7") and Version(np.__version__) >= Version("2.4"):
        pytest.skip(f"triton {triton.__version__} can't interpret kernels with numpy {np.__version__}")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """The kernel's losses and gradient of every case of this module."""
    require_interpreter()
    again = CASES["doubled letters"]
    cases = {**CASES, **EXTREME, "invalid": invalid_case(), "doubled letters, again": again}
    return run_interpreted(cases, tmp_path_factory.mktemp("kernel"))


def require_the_oracle(case, result):
    losses_N, gradient_TNK = result
    right_N, right_TNK = plain_losses(case)
    torch.testing.assert_close(losses_N.double().cpu(), right_N, rtol=2e-6, atol=2e-6)
    torch.testing.assert_close(gradient_TNK.double().cpu(), right_TNK, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", CASES)
def test_losses_and_gradient_are_those_of_the_plain_recursion(name, results):
    require_the_oracle(CASES[name], results[name])


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.log_probs_TNK.numel()])
def test_the_gradient_in_the_logits_is_that_of_torchs_own_loss(name, results):
    case, (losses_N, gradient_TNK) = CASES[name], results[name]
    log_probs_TNK = case.log_probs_TNK.double().requires_grad_()
    theirs_N = F.ctc_loss(
        log_probs_TNK, case.targets_NL.clamp(min=1), case.lengths_N, case.target_lengths_N, reduction="none"
    )
    torch.testing.assert_close(losses_N.double(), theirs_N.detach(), rtol=2e-6, atol=2e-6)
    finite_N = theirs_N.isfinite()
    theirs_N[finite_N].backward(case.weights_N[finite_N].double())
    for n in finite_N.nonzero().flatten().tolist():
        frames = int(case.lengths_N[n])
        ours_TK, theirs_TK = gradient_TNK[:frames, n].double(), log_probs_TNK.grad[:frames, n]
        probs_TK = log_probs_TNK.detach()[:frames, n].exp()
        into_logits_TK = ours_TK - ours_TK.sum(-1, keepdim=True) * probs_TK
        # Probabilities of a frame that do not sum to 1 have no logits. Torch's gradient has NaN at −inf.
        counted_TK = ((probs_TK.sum(-1, keepdim=True) - 1).abs() < 1e-4) & ~theirs_TK.isnan()
        torch.testing.assert_close(into_logits_TK[counted_TK], theirs_TK[counted_TK], rtol=2e-5, atol=5e-6)


def test_frames_that_do_not_count_have_no_gradient(results):
    case, (_, gradient_TNK) = CASES["unequal lengths"], results["unequal lengths"]
    for n, frames in enumerate(case.lengths_N.tolist()):
        assert (gradient_TNK[frames:, n] == 0).all()
        assert (gradient_TNK[:frames, n] != 0).any()


def test_what_cannot_be_aligned_has_an_infinite_loss_and_no_gradient(results):
    losses_N, gradient_TNK = results["too few frames"]
    assert losses_N.isinf().tolist() == [True, True, True, False, False]
    assert (gradient_TNK[:, :3] == 0).all()
    assert (gradient_TNK[:, 4] != 0).any()


@pytest.mark.parametrize("name", EXTREME)
def test_extreme_inputs_never_have_a_gradient_that_is_not_a_number(name, results):
    losses_N, gradient_TNK = results[name]
    assert not losses_N.isnan().any()
    assert gradient_TNK.isfinite().all()


def test_the_lowest_finite_numbers_have_a_loss_of_their_magnitude(results):
    losses_N, gradient_TNK = results["lowest finite numbers"]
    assert losses_N[2:].tolist() == pytest.approx([-torch.finfo(torch.float32).min, 4e30], rel=1e-5)
    # Every alignment of the empty text is all blank.
    assert (gradient_TNK[:, 3, 0] == -EXTREME["lowest finite numbers"].weights_N[3]).all()


def test_an_invalid_length_or_target_has_a_loss_that_is_not_a_number(results):
    losses_N, gradient_TNK = results["invalid"]
    assert losses_N.isnan().tolist() == [False] + [True] * 8
    assert (gradient_TNK[:, 1:] == 0).all()
    assert (gradient_TNK[:, 0] != 0).any()


def test_a_second_call_returns_the_same_bits(results):
    for one, other in zip(results["doubled letters"], results["doubled letters, again"], strict=True):
        assert torch.equal(one, other)


def test_the_type_of_the_integers_does_not_change_a_bit(results):
    for one, other in zip(results["unequal lengths"], results["int32"], strict=True):
        assert torch.equal(one, other)


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from ctcbench.training.cuda.ctc_kernel import _ctc_kernel

types = {"following": "*i32", "BLOCK": "constexpr"} | dict.fromkeys("TNKL", "i32")
types |= dict.fromkeys(("lengths", "targets", "target_lengths"), "*i64")
signature = {name: types.get(name, "*fp32") for name in _ctc_kernel.arg_names}
for block, num_warps, capability in ((16, 1, 75), (1024, 8, 90)):
    source = ASTSource(_ctc_kernel, signature, {"BLOCK": block})
    options = {"num_warps": num_warps, "num_stages": 1}
    compiled = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    assert compiled.asm["cubin"]
    assert "bar.sync" in compiled.asm["ptx"]
print("compiled")
"""


@pytest.mark.landing
def test_the_kernel_compiles_for_gpus(tmp_path):
    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path)}
    environment.pop("TRITON_INTERPRET", None)
    command = [sys.executable, "-W", "ignore", "-c", COMPILE]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "compiled\n", done.stderr


@pytest.mark.landing
def test_the_kernel_is_launched_again_and_compiled_once_for_each_block_size(tmp_path):
    from tests.training.cuda.stub_launch import SHAPES, STREAM

    environment = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path)}
    environment.pop("TRITON_INTERPRET", None)
    command = [sys.executable, "-W", "ignore", "-m", "tests.training.cuda.stub_launch"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # On the current stream of the device, one program for each image.
    assert found["launches"] == [[images, 1, 1, STREAM] for _, images, _, _ in SHAPES] * 2
    # A label of 1 character takes a block of 4, labels of 5 to 7 take one of 16.
    assert found["compiled"] == [1, *[2] * 9]


def refused(**changes):
    """Return the error of the arguments of a valid batch with `changes`."""
    from ctcbench.training.cuda.ctc_kernel import ctc_losses

    case = batch([[1, 2], [3]], [4, 4])
    names = ("log_probs_TNK", "lengths_N", "targets_NL", "target_lengths_N")
    arguments = dict(zip(names, case.arguments, strict=True)) | changes
    with pytest.raises((TypeError, ValueError)) as caught:
        ctc_losses(**arguments)
    return str(caught.value)


def test_arguments_that_do_not_fit_are_errors_before_the_kernel_runs():
    assert "torch.float64; it must be torch.float32" in refused(log_probs_TNK=torch.zeros(4, 2, 5).double())
    assert "lengths_N is torch.float32" in refused(lengths_N=torch.ones(2))
    assert "(T, N, K), (N,), (N, L), (N,), not (4, 2, 5), (3,)" in refused(lengths_N=torch.tensor([4, 4, 4]))
    assert "(2,)" in refused(targets_NL=torch.tensor([1, 2]))
    assert "(8, 5)" in refused(log_probs_TNK=torch.zeros(8, 5))
    assert "targets_NL is on meta" in refused(targets_NL=torch.zeros(2, 2, dtype=torch.long, device="meta"))
    assert "600 columns; at most 511" in refused(targets_NL=torch.ones(2, 600, dtype=torch.long))


def test_a_second_derivative_is_an_error(results):
    assert results["second derivative"] == (
        "ctc_losses cannot be differentiated twice; use torch's own ctc_loss for that"
    )


@pytest.mark.slow
def test_a_thousand_random_cases_agree_with_the_plain_recursion(tmp_path):
    require_interpreter()
    cases = random_cases(1000, seed=100, most_frames=12, most_letters=6)
    results = run_interpreted(cases, tmp_path)
    for name, case in cases.items():
        require_the_oracle(case, results[name])


@pytest.mark.slow
def test_labels_of_256_letters_agree_with_the_plain_recursion(tmp_path):
    require_interpreter()
    case = long_case()
    losses_N, gradient_TNK = run_interpreted({"long": case}, tmp_path)["long"]
    right_N, right_TNK = plain_losses(case)
    torch.testing.assert_close(losses_N.double(), right_N, rtol=1e-5, atol=0)
    torch.testing.assert_close(gradient_TNK.double(), right_TNK, rtol=1e-3, atol=1e-4)
