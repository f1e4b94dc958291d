"""What is counted on a GPU, from events as torch's profiler has them; on a GPU: tests/gpu."""

from types import SimpleNamespace

from torch.autograd import DeviceType

from ctcbench.benchmarks.gpu_step import busy_microseconds, count_launches


def event(name, start=0, end=0, *, device=DeviceType.CUDA, annotation=False):
    return SimpleNamespace(
        name=name,
        device_type=device,
        time_range=SimpleNamespace(start=start, end=end),
        is_user_annotation=annotation,
    )


def test_time_in_which_kernels_overlap_counts_once():
    events = [
        event("gemm", 30, 40), event("conv", 0, 10), event("copy", 5, 12), event("inner", 6, 8),
        event("host", 12, 30, device=DeviceType.CPU), event("range", 0, 100, annotation=True),
        event("Optimizer.step#Muon.step", 0, 100),
    ]  # fmt: skip
    assert busy_microseconds(events) == 12 + 10
    assert busy_microseconds([]) == 0


def test_a_graph_is_one_launch():
    names = ["cudaLaunchKernel", "cudaLaunchKernel", "cudaGraphLaunch", "cudaMemcpyAsync"]
    names += [
        "cuLaunchKernelEx",
        "cudaLaunchKernelExC_v11060",
        "cudaMemset2DAsync",
        "cuLaunchCooperativeKernel",
    ]
    others = ["aten::add", "cudaStreamSynchronize", "cudaGraphInstantiate", "Memcpy HtoD", "cudaMemcpy"]
    assert count_launches([event(name, device=DeviceType.CPU) for name in names + others]) == len(names)
