"""require_devices(): checks once, before the trials of a study, that there is a GPU if they need one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ctcbench.contract.errors import UsageError
from ctcbench.registry.component_registry import Registry
from ctcbench.results.run_folder import RunFolder
from ctcbench.study.budget_fitting import fit_entry
from ctcbench.study.grid import Grid
from ctcbench.study.study_folder import StudyFolder


def require_devices(
    registry: Registry,
    grid: Grid,
    folder: StudyFolder,
    resources: Mapping[str, Any],
    *,
    graph: bool | None,
) -> None:
    """Check that the trainings of a study that are left have a GPU if they need one, as far as is known here.

    Args:
        registry: the components.
        grid: the configurations.
        folder: folder of the study.
        resources: the executor's description of itself; ``gpus`` is used.
        graph: whether the trainings have to capture their step as a CUDA graph.

    Raises:
        UsageError: there is none.
        CtcbenchError: the plan in the folder is damaged.
    """
    choices = folder.read_choices()
    entries = (fit_entry(registry, entry, choices) for entry in grid.entries)
    # What is trained already can be decoded anywhere.
    left = [entry.config for entry in entries if not RunFolder(folder.out / entry.train_key).is_finished]
    require_gpu({config.device for config in left}, resources, graph=graph)


def require_gpu(devices: Collection[str], resources: Mapping[str, Any], *, graph: bool | None) -> None:
    """Check that trainings with these values of the setting ``device`` have a GPU if they need one.

    Raises:
        UsageError: there is none.
    """
    on_gpu = sorted(device for device in devices if device.startswith("cuda"))
    words = "--graph: the training step can be captured on a CUDA device only, and "
    if graph and "cpu" in devices:
        raise UsageError(f"{words}this study trains on a CPU (--device cpu); leave out --graph")
    # Workers on other machines may have GPUs that this one has not, and then the executor counts them. None
    # were found here by nvidia-smi, which is not installed everywhere, so torch is asked as well.
    if not (on_gpu or (graph and devices)) or resources.get("gpus") != 0 or _has_cuda():
        return
    if graph:
        raise UsageError(f"{words}the workers of this study have none; leave out --graph")
    raise UsageError(
        f"--device {on_gpu[0]}: the workers of this study have no CUDA device; use --device auto or cpu"
    )


def _has_cuda() -> bool:
    import torch  # takes seconds

    return torch.cuda.is_available()
