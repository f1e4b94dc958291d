"""Summary of a finished training: its cost and course, as the run folder stores them."""

from __future__ import annotations

from typing import Any

from ctcbench.training.loop import Trainer

_CUDA_CTC = "cuda (torch's own kernel, not deterministic)"


def summarise_training(trainer: Trainer) -> dict[str, Any]:
    """Return the summary as JSON: time in seconds, parameters, best epoch, plateaus, device and kernels."""
    history, monitor, state = trainer.history, trainer.monitor.state, trainer.state
    images = state.steps * len(trainer.train) / trainer.steps_per_epoch
    # --deterministic computes the loss on the CPU, whatever the device of the network.
    on_cpu = trainer.config.deterministic or state.compute.device.type == "cpu"
    backend, alignment = ("cpu" if on_cpu else _CUDA_CTC), state.model.alignment
    return {
        "started": history.started,
        "parameters": sum(p.numel() for p in state.model.parameters()),
        "train_seconds": history.seconds,
        "images_per_second": images / history.seconds if history.seconds else None,
        "training": {
            "steps": state.steps,
            "best_epoch": history.best_epoch,
            "best_val_exact": history.best_exact,
            "final_loss": monitor.loss,
            "left_plateau_step": monitor.plateau.left_step or None,
            "longest_plateau_steps": monitor.plateau.longest,
            "plateau_steps_at_end": monitor.plateau.steps,
            "blank_steps_at_end": monitor.plateau.blank_steps,
            "validation_seconds": history.validation_seconds,
            "device": str(state.compute.device),
            "precision": state.compute.precision,
            "processes": state.group.world_size,
            "backend": state.group.backend,
            "alignment": alignment,
            "ctc_backend": backend if alignment == "ctc" else None,
        },
    }
