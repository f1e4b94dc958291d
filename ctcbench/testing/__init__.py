"""The conformance kit for plugin authors: checks that a component fulfils the contract.

A plugin's whole test file::

    from ctcbench.testing import conformance_tests
    from ctcbench_dwsep import dwsep

    test_conformance = conformance_tests(dwsep, width=16)

Without pytest, ``check_component(dwsep, width=16)`` does the same. A broken rule raises an
``AssertionError`` whose message has the rule, what was got, and the remedy.
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
