"""claim_folder(): checks that a run may start or resume in its folder, and locks it for the run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ctcbench.config.run_config import RunConfig
from ctcbench.config.train_key import differences
from ctcbench.contract.errors import CtcbenchError, UsageError
from ctcbench.results.out_folder import create_run_folder, find_runs
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.training.runtime import Runtime


@contextlib.contextmanager
def claim_folder(folder: RunFolder, config: RunConfig, runtime: Runtime) -> Iterator[None]:
    """Create the run folder if it does not exist, and hold its lock.

    A run that fails before it has written metrics, a checkpoint or weights leaves no folder behind.

    Raises:
        Busy: another process writes in the folder.
        UsageError: with ``runtime.resume`` there is no run to resume; without it, there is an unfinished
            one; the folder can't be written.
    """
    # Before the folder is created, so that a start that is refused leaves nothing behind.
    _require_right_start(folder, config, runtime)
    existed, out_existed = _exists(folder), runtime.out.exists()
    create_run_folder(runtime.out, folder.path.name)
    with folder.lock():
        # The settings too: a signal can arrive while they are written.
        try:
            if runtime.fresh:
                folder.clear()
            if not folder.is_finished:
                folder.files.unseal()  # of a run that was killed just before it was finished
            # Written at every start: settings that take effect after training, as the decoder, may differ.
            folder.write_config(config.model_dump())
            yield
        except BaseException:
            if not existed:
                folder.remove_if_bare()
                if not out_existed:
                    with contextlib.suppress(OSError):  # another run is in it by now
                        runtime.out.rmdir()
            raise


def needs_training(folder: RunFolder, runtime: Runtime) -> bool:
    """Return whether a run that claims `folder` trains: it is not finished, or ``runtime.fresh`` clears it.

    The answer holds before and after the claim.
    """
    return runtime.fresh or not folder.is_finished


def require_one_of_resume_and_fresh(runtime: Runtime) -> None:
    """Check that ``resume`` and ``fresh`` are not both set.

    Raises:
        UsageError: they are.
    """
    if runtime.resume and runtime.fresh:
        raise UsageError(
            "--resume and --fresh: give one of them; --resume continues the run, --fresh deletes it"
        )


def _require_right_start(folder: RunFolder, config: RunConfig, runtime: Runtime) -> None:
    """Check ``resume`` and ``fresh`` against what the folder holds.

    Raises:
        UsageError: they contradict it; the message says how to proceed.
    """
    if _exists(folder):
        unfinished = not folder.is_finished
        if unfinished and folder.has(folder.checkpoint_path) and not (runtime.resume or runtime.fresh):
            raise UsageError(
                f"{folder.path}: an unfinished run with these settings; --resume continues it, "
                f"--fresh deletes it and starts again"
            )
        return
    if runtime.resume:
        raise UsageError(_nothing_to_resume(folder, config, runtime))


def _exists(folder: RunFolder) -> bool:
    return folder.path.exists() and folder.has(folder.config_path)


def _nothing_to_resume(folder: RunFolder, config: RunConfig, runtime: Runtime) -> str:
    message = f"--resume: {runtime.out} has no run with these settings"
    unfinished = []
    if runtime.out.is_dir():
        for other in find_runs(runtime.out):
            with contextlib.suppress(CtcbenchError):
                if not other.is_finished:
                    unfinished.append((differences(config, stored_config(other)), other.path))
    if not unfinished:
        return f"{message}, and no unfinished one; leave --resume out to start it"
    # The run that differs in the fewest settings is most likely the one that was meant.
    nearest, path = min(unfinished, key=lambda entry: len(entry[0]))
    if nearest:
        return f"{message}; the unfinished {path} differs in {'; '.join(nearest)}"
    if config.init_from:
        return f"{message}; the unfinished {path} differs in the weights that --init-from names: they changed"
    return f"{message}; the unfinished {path} has them, but was started by another version of ctcbench"
