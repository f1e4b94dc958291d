"""What a decoder returns: the number of images, the types, and labels that are classes."""

import numpy as np
import pytest

from ctcbench import Alphabet
from ctcbench.contract.data import LogProbs
from ctcbench.contract.errors import PluginError
from ctcbench.decoding import BestLabelling
from ctcbench.decoding.hypothesis import Hypothesis
from ctcbench.registry.hypothesis_checks import require_hypotheses, require_n_best, require_proofs

READ = LogProbs(np.zeros((2, 3, 3), np.float32), np.array([3, 3]), ("", ""), Alphabet("ab"))
GOOD = Hypothesis((1, 2), -1.0, ())


def test_what_may_be_returned():
    require_hypotheses("p", [GOOD, Hypothesis((), -np.inf, ())], READ)
    require_hypotheses(
        "p", [Hypothesis(np.array([1]), np.float32(0), ()), Hypothesis((1,), np.nan, ())], READ
    )
    require_n_best("p", [[GOOD, GOOD], []], READ)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([GOOD], "p: 1 hypotheses for 2 images"),
        ([GOOD, (1, 2)], "for image 1 it returned tuple, not a ctcbench.Hypothesis"),
        ([Hypothesis((0,), 0.0, ()), GOOD], "label 0 for image 0"),
        ([GOOD, Hypothesis((3,), 0.0, ())], "label 3 for image 1"),
        ([GOOD, Hypothesis((1.0,), 0.0, ())], "label 1.0 for image 1"),
        ([GOOD, Hypothesis(None, 0.0, ())], "labels=None for image 1 is no sequence"),
        ([GOOD, Hypothesis((1,), None, ())], "log_prob=None for image 1 is not a number; math.nan says"),
        ([Hypothesis((1,), "x", ()), GOOD], "log_prob='x' for image 0 is not a number"),
    ],
)
def test_what_may_not_be_returned(found, message):
    with pytest.raises(PluginError, match=message):
        require_hypotheses("p", found, READ)
    lists = [[one] for one in found]
    with pytest.raises(PluginError, match=message.replace("hypotheses for", "lists of hypotheses for")):
        require_n_best("p", lists, READ)


def best(labels=(1,), optimal=True, gap=0.0):
    return BestLabelling(labels, -1.0, optimal, gap, "beam" if optimal else "none")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([best()], "p: 1 labellings with proofs for 2 images"),
        (
            [best(), GOOD],
            "1 with_proofs returned Hypothesis, not a ctcbench.decoding.BestLabelling",
        ),
        ([best(), best((0,))], "label 0 for image 1"),
        ([best(gap=0.5), best()], "for image 0 optimal=True and gap=0.5; a gap is 0 or more"),
        ([best(), best(optimal=False, gap=-1.0)], "for image 1 optimal=False and gap=-1.0"),
        ([best(), best(optimal=False, gap=np.nan)], "gap=nan"),
        ([best(), best(optimal=False, gap=None)], "gap=None for image 1 is not a number"),
    ],
)
def test_proofs_that_contradict_themselves(found, message):
    require_proofs("p", [best(), best(optimal=False, gap=np.inf)], READ)
    with pytest.raises(PluginError, match=message):
        require_proofs("p", found, READ)
