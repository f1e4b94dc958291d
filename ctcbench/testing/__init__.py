"""The conformance kit: checks that a component keeps its side of the contract. Public, for plugin authors.

A plugin's whole test file::

    from ctcbench.testing import conformance_tests
    from ctcbench_dwsep import dwsep

    test_conformance = conformance_tests(dwsep, width=16)

Without pytest, ``check_component(dwsep, width=16)`` does the same. Each rule that is broken is an
``AssertionError`` of one sentence: which rule, what was got, what to do.
"""

from ctcbench.testing.conformance import (
    check_augmentation,
    check_backbone,
    check_component,
    check_dataset,
    check_decoder,
    check_executor,
    check_head,
    check_loss,
    check_optimizer,
    conformance_tests,
    rules_for,
)

__all__ = [
    "check_augmentation",
    "check_backbone",
    "check_component",
    "check_dataset",
    "check_decoder",
    "check_executor",
    "check_head",
    "check_loss",
    "check_optimizer",
    "conformance_tests",
    "rules_for",
]
