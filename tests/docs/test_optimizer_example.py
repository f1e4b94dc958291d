"""The optimizer on docs/plugins.md: it fulfils the contract."""

from ctcbench.testing import check_optimizer
from tests.docs.test_plugins_page import code_of


def test_it_keeps_the_contract():
    sgd = code_of("An optimizer")["sgd"]
    check_optimizer(sgd)
    check_optimizer(sgd, momentum=0)
