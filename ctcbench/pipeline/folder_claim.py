"""Claiming a run folder: whether a run may begin or go on there, and nobody else meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ctcbench.config.run_config import RunConfig
from ctcbench.config.train_key import differences
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.results.run_folder import RunFolder, create, find_runs
from ctcbench.results.stored_config import stored_config
from ctcbench.training.runtime import Runtime


@contextlib.contextmanager
def claim_folder(folder: RunFolder, config: RunConfig, runtime: Runtime) -> Iterator[None]:
    """Make the run folder if need be, and be the only one that writes there.

    A run that fails before it has anything to keep leaves no folder behind.

    Raises:
        UsageError: there is no run to resume where that was asked for, or an unfinished one where it
            was not; another process writes there; the folder can't be written.
    """
    _require_right_start(folder, config, runtime)
    existed, out_existed = folder.config_path.exists(), runtime.out.exists()
    create(runtime.out, folder.path.name)
    with folder.lock():
        if runtime.fresh:
            folder.clear()
        # Written anew each time: what comes after training, the decoder say, may be another by now.
        folder.write_config(config.model_dump())
        try:
            yield
        except BaseException:
            if not existed:
                folder.remove_if_bare()
                if not out_existed:
                    with contextlib.suppress(OSError):  # somebody else's run is in it by now
                        runtime.out.rmdir()
            raise


def _require_right_start(folder: RunFolder, config: RunConfig, runtime: Runtime) -> None:
    """Check that there is a run to resume where that was asked for, and none in the way where not.

    Raises:
        UsageError: says which settings differ from those of an unfinished run that is there.
    """
    if runtime.resume and runtime.fresh:
        raise UsageError(
            "--resume and --fresh: give one of them; --resume continues the run, --fresh deletes it"
        )
    if folder.config_path.exists():
        unfinished = not folder.is_finished
        if unfinished and folder.checkpoint_path.exists() and not (runtime.resume or runtime.fresh):
            raise UsageError(
                f"{folder.path}: an unfinished run with these settings; --resume goes on with it, "
                f"--fresh begins again"
            )
        return
    if runtime.resume:
        raise UsageError(_nothing_to_resume(folder, config, runtime))


def _nothing_to_resume(folder: RunFolder, config: RunConfig, runtime: Runtime) -> str:
    message = f"--resume: {runtime.out} has no run with these settings"
    unfinished = []
    if runtime.out.is_dir():
        for other in find_runs(runtime.out):
            if not other.is_finished:
                with contextlib.suppress(CtcbenchError):
                    unfinished.append((differences(config, stored_config(other)), other.path))
    if not unfinished:
        return f"{message}, and no unfinished one; leave --resume out to begin"
    nearest, path = min(unfinished, key=lambda entry: len(entry[0]))
    if nearest:
        return f"{message}; the unfinished {path} differs in {'; '.join(nearest)}"
    if config.init_from:
        return f"{message}; the unfinished {path} differs in the weights that --init-from names: they changed"
    return f"{message}; the unfinished {path} has them, but was started by another version of ctcbench"
