"""`python -m tests.training.cuda.stub_launch`: launches the CTC kernel by a driver that has no GPU.

Triton binds and specialises the arguments, compiles the kernel for a GPU, and calls the driver's launcher,
which records the call and starts nothing. Neither Triton's interpreter nor its compiler alone does what comes
before and after a compilation. It prints the launches as JSON.
"""

import json

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime.driver import driver

STREAM = 7
# Frames, images, classes and characters; numbers that are 1 or a multiple of 16 could be compiled separately.
SHAPES = [(2, 1, 2, 1), (18, 32, 63, 5), (18, 128, 63, 5), (16, 16, 16, 6), (1, 1, 63, 7)]


class StubDriver:
    """A driver of a GPU of compute capability 9.0, which compiles and starts nothing."""

    def __init__(self):
        self.compiled, self.launches = [], []
        self.utils, self.launcher_cls = self, self.make_launcher

    def get_current_target(self):
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self):
        return 0

    def get_current_stream(self, device):
        return STREAM

    def get_device_properties(self, device):
        return {"max_shared_mem": 232_448}

    def load_binary(self, name, binary, shared, device):
        assert binary[:4] == b"\x7fELF"
        registers, spills, most_threads = 64, 0, 1024
        return object(), object(), registers, spills, most_threads

    def make_launcher(self, source, metadata):
        self.compiled.append(metadata)
        return self.launch

    def launch(self, blocks_x, blocks_y, blocks_z, stream, *_):
        self.launches.append([blocks_x, blocks_y, blocks_z, stream])


def main():
    from ctcbench.training.cuda.ctc_kernel import ctc_losses

    stub = StubDriver()
    driver.set_active(stub)
    counts = []
    for T, N, K, L in SHAPES * 2:
        log_probs_TNK = torch.zeros(T, N, K, requires_grad=True)
        lengths_N, target_lengths_N = torch.full((N,), T), torch.full((N,), L)
        losses_N = ctc_losses(log_probs_TNK, lengths_N, torch.ones(N, L, dtype=torch.long), target_lengths_N)
        losses_N.sum().backward()
        counts.append(len(stub.compiled))
    print(json.dumps({"launches": stub.launches, "compiled": counts}))


if __name__ == "__main__":
    main()
