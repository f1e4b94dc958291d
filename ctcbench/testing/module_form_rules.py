"""Rules for backbones and heads: mixed precision, memory formats, state dict, pickling, other devices."""

from __future__ import annotations

import copy

import torch

from ctcbench.testing.case import Case, Rule
from ctcbench.testing.meta_device import META, require_one_device
from ctcbench.testing.module_calls import call, close, distance, inputs_for, new_module, output_of
from ctcbench.training.device import default_autocast_dtype

# Several images: batch normalisation can't train on one value for each channel.
_BATCH = 3


def is_finite_in_mixed_precision(case: Case) -> None:
    """Under autocast to bfloat16 outputs and gradients stay finite, on a CPU that trains in bfloat16.

    A CPU without bfloat16 instructions trains in float32, and oneDNN has no bfloat16 LSTM for it: such a
    machine skips this rule.
    """
    dtype = default_autocast_dtype(torch.device("cpu"))
    if dtype is None:
        return
    module, inputs = new_module(case).train(), inputs_for(case, _BATCH)
    with torch.autocast("cpu", dtype=dtype):
        output = output_of(case, module, inputs, "run under autocast to bfloat16")
    if output.requires_grad:
        # The core computes losses in float32, outside of autocast.
        case.attempt("be differentiated under autocast", lambda: output.float().mean().backward())
    gradients = [p.grad for p in module.parameters() if p.grad is not None]
    # bfloat16 has the range of float32, so an infinity comes from the module, not from the type.
    finite = all(bool(tensor.isfinite().all()) for tensor in [output, *gradients])
    remedy = "compute exponentials, sums and norms in float32"
    case.require(
        finite, "outputs and gradients under bfloat16 autocast must be finite", "NaN or infinity", remedy
    )


def takes_channels_last(case: Case) -> None:
    """The core may store images and weights with the channels last (--channels-last)."""
    module, inputs = new_module(case).eval(), inputs_for(case, _BATCH)
    expected = call(case, module, inputs)
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    got = call(case, module, inputs.to(memory_format=torch.channels_last))
    case.require(
        close(expected, got),
        "memory order must not change the output",
        f"outputs that differ by up to {distance(expected, got):.3g}",
        "use reshape or flatten rather than view",
    )


def is_restored_from_its_state_dict(case: Case) -> None:
    """The state dict holds everything that is learnt: a run folder stores nothing else."""
    # Two seeds: what the state dict lacks then differs between the modules.
    module, other, inputs = (
        new_module(case, seed=1).eval(),
        new_module(case, seed=2).eval(),
        inputs_for(case, _BATCH),
    )
    case.attempt("load its own state dict", lambda: other.load_state_dict(module.state_dict()))
    expected, got = call(case, module, inputs), call(case, other, inputs)
    case.require(
        close(expected, got),
        "a module that loads another's state dict must return the same output",
        f"outputs that differ by up to {distance(expected, got):.3g}",
        "register what belongs to it as a parameter or buffer",
    )


def can_be_copied(case: Case) -> None:
    """The module can be copied, for --ema and for processes that train together."""
    module, inputs = new_module(case).eval(), inputs_for(case, _BATCH)
    copied = case.attempt("be copied by copy.deepcopy", lambda: copy.deepcopy(module))
    expected, got = call(case, module, inputs), call(case, copied, inputs)
    remedy = "keep all state in the module, and no file, lock or thread"
    # Bit for bit: the copy has the same weights and does the same operations.
    case.require(torch.equal(expected, got), "a copy must return the same output", "another", remedy)


def stays_on_the_device_of_its_input(case: Case) -> None:
    """Tensors that forward creates are on the input's device; tested on torch's ``meta`` device."""
    module, inputs = new_module(case).eval().to(META), inputs_for(case, _BATCH).to(META)
    with torch.no_grad():
        require_one_device(case, lambda: module(inputs), "create tensors with device=x.device, or as buffers")


RULES: tuple[Rule, ...] = (
    is_finite_in_mixed_precision,
    is_restored_from_its_state_dict,
    can_be_copied,
    stays_on_the_device_of_its_input,
)
