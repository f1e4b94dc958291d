"""RecordingCapture: stands in for a CUDA graph on a CPU.

It records the operators of a call with the tensors that they read and wrote, and replays them on these same
tensors, without any Python of the call. What the host had computed in between stays as it was recorded.
"""

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class _Recording(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if not func.is_view and func.overloadpacket.__name__ not in ("detach", "_unsafe_view"):
            self.calls.append((func, args, kwargs or {}, result))
        return result


class RecordingCapture:
    """Captures a function; `operators` is the number of operators of the last capture."""

    def __call__(self, body):
        for _ in range(3):
            body()
        with _Recording() as recording:
            body()
        calls = recording.calls
        self.operators = len(calls)

        def replay():
            # Below autograd, as when they were recorded; mkldnn's recurrent layers look at the gradient mode.
            with torch.enable_grad(), torch._C._AutoDispatchBelowAutograd():
                repeat()

        def repeat():
            for func, args, kwargs, recorded in calls:
                made = func(*args, **kwargs)
                for old, new in zip(tree_leaves(recorded), tree_leaves(made), strict=True):
                    # An operator in place has written where it did at first.
                    if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                        old.copy_(new)

        return replay
