"""The frames of long sequences: those of a plain Viterbi on every path, in memory linear in the length."""

import subprocess
import sys

import numpy as np
import pytest

from ctcbench.decoding import Hypothesis, _core
from ctcbench.decoding.reference import peak_frames
from tests.decoding.decoding_cases import log_probs_of, random_case


def plain_peak_frames(values_TK, labels, blank=0):
    """Return what the reference's `peak_frames` does, over all states of a frame at once and so faster."""
    states = np.full(2 * len(labels) + 1, blank)
    states[1::2] = labels
    may_skip = np.zeros(len(states), bool)
    may_skip[3::2] = states[3::2] != states[1:-2:2]
    values_TS = np.where(values_TK < -1e9, -np.inf, values_TK.astype(np.float64))[:, states]
    best = np.where(np.arange(len(states)) < 2, values_TS[0], -np.inf)
    steps_TS = np.zeros(values_TS.shape, np.int8)
    for frame in range(1, len(values_TS)):
        by_one = np.concatenate([[-np.inf], best[:-1]])
        by_two = np.where(may_skip, np.concatenate([[-np.inf, -np.inf], best[:-2]]), -np.inf)
        sources = np.stack([best, by_one, by_two])
        steps_TS[frame] = sources.argmax(axis=0)  # the first of equals
        best = sources.max(axis=0) + values_TS[frame]
    state = len(states) - 2 if best[-2] > best[-1] else len(states) - 1
    peaks = {}
    for frame in range(len(values_TS) - 1, -1, -1):
        here = (-values_TS[frame, state], frame)
        peaks[state] = min(here, peaks.get(state, here))
        state -= int(steps_TS[frame, state])
    return tuple(peaks[state][1] for state in range(1, len(states), 2))


def decode(values_TK, path, **options):
    options = {"beam_width": 3, "blank": 0, "n_best": 1, "threads": 1, "hypothesis": Hypothesis} | options
    return _core.beam_search(values_TK[None], np.array([len(values_TK)]), path=path, **options)[0]


def test_the_plain_viterbi_agrees_with_the_reference():
    for seed in range(400):
        case = random_case(seed)
        values_TK = case.log_probs_TK.astype(np.float64)
        for found in decode(case.log_probs_TK, "exact", blank=case.blank, n_best=3):
            if found.labels:
                expected = peak_frames(values_TK, found.labels, case.blank)
                assert plain_peak_frames(values_TK, found.labels, case.blank) == expected, seed


@pytest.mark.parametrize(
    "kind", ["peaky", "noisy", "flat", "nearly flat", "ties", "minus infinity", "underflow"]
)
def test_every_path_has_the_frames_of_the_plain_viterbi(kind):
    # 3,000 frames with some 1,000 labels or more: too many steps to store at once.
    values_TK = log_probs_of(kind, np.random.default_rng(5), 3000, 7).astype(np.float32)
    found = {path: decode(values_TK, path, n_best=2) for path in _core.paths()}
    for hypothesis in found["exact"]:
        assert len(hypothesis.labels) > 700
        assert hypothesis.frames == plain_peak_frames(values_TK, hypothesis.labels)
    for path in _core.paths():
        assert [h[::2] for h in found[path]] == [h[::2] for h in found["exact"]], path


# A table of all steps would have taken at least frames * labels * 3 / 8 bytes.
MEMORY = """
import resource, sys
import numpy as np
from ctcbench.decoding import Hypothesis, _core
path, kind, num_frames, megabytes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rng = np.random.default_rng(0)
# "alike": all alignments are about equally probable, so that none can be dropped.
logits_TK = rng.standard_normal((num_frames, 20), np.float32) * (0.05 if kind == "alike" else 1.0)
logits_TK[np.arange(num_frames), rng.integers(20, size=num_frames)] += 0.15 if kind == "alike" else 9.0
values_TK = logits_TK - np.log(np.exp(logits_TK).sum(axis=1, keepdims=True))
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + megabytes * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
options = {"beam_width": 5, "blank": 0, "n_best": 1, "threads": 1, "hypothesis": Hypothesis, "path": path}
[[best]] = _core.beam_search(values_TK[None], np.array([num_frames]), **options)
assert len(best.frames) == len(best.labels) and all(a < b for a, b in zip(best.frames, best.frames[1:]))
print(len(best.labels))
"""


def labels_within(megabytes, path, kind, num_frames):
    """Decode in a process that may allocate `megabytes` beyond the input; return the number of labels."""
    if not sys.platform.startswith("linux"):
        pytest.skip("limits memory as Linux does")
    command = [sys.executable, "-c", MEMORY, path, kind, str(num_frames), str(megabytes)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


@pytest.mark.parametrize("path", _core.paths())
def test_sixty_thousand_frames_in_little_memory(path):
    # The labels are 54,000: a table of all steps would have taken 1.2 GB, on the path `exact` 6.5 GB.
    assert labels_within(40, path, "confident", 60_000) > 50_000


def test_memory_is_linear_where_all_alignments_are_alike():
    assert labels_within(24, "automatic", "alike", 24_000) > 8_000


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "num_frames"), [("alike", 120_000), ("confident", 1_000_000)])
def test_a_million_frames(kind, num_frames):
    assert labels_within(320, "automatic", kind, num_frames) > 40_000
