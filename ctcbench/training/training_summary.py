"""Summary of a finished training: its cost and course, as the run folder stores them."""

from __future__ import annotations

from typing import Any

from ctcbench.training.loop import Trainer


def summarise_training(trainer: Trainer) -> dict[str, Any]:
    """Return the summary as JSON: time in seconds, parameters, best epoch, plateaus, device and kernels."""
    history, monitor, state = trainer.history, trainer.monitor.state, trainer.state
    images = state.step * len(trainer.train) / trainer.steps_per_epoch
    backend, alignment = _ctc_backend(trainer), state.model.alignment
    return {
        "started": history.started,
        "parameters": sum(p.numel() for p in state.model.parameters()),
        "train_seconds": history.seconds,
        "images_per_second": images / history.seconds if history.seconds else None,
        "training": {
            "steps": state.step,
            "stopped_early": state.step < state.steps,
            "best_epoch": history.best_epoch,
            "best_val_exact": history.best_exact,
            "final_loss": monitor.loss,
            "left_plateau_step": monitor.plateau.left_step or None,
            "longest_plateau_steps": monitor.plateau.longest,
            "plateau_steps_at_end": monitor.plateau.steps,
            "blank_steps_at_end": monitor.plateau.blank_steps,
            "validation_seconds": history.validation_seconds,
            "capture_seconds": history.capture_seconds,
            "step_graph": trainer.graph is not None and not trainer.graph.obstacle,
            "device": str(state.compute.device),
            "precision": state.compute.precision,
            "together": trainer.shared.trainings,
            "processes": state.group.world_size,
            "backend": state.group.backend,
            "alignment": alignment,
            "ctc_backend": backend if alignment == "ctc" else None,
        },
    }


def _ctc_backend(trainer: Trainer) -> str:
    """Return which implementation of CTC computed the loss."""
    objective, on_gpu = trainer.state.objective, trainer.state.compute.device.type == "cuda"
    # A deterministic loss that takes its lengths on the CPU is computed there, whatever the network's device.
    if not on_gpu or (objective.deterministic and objective.obstacle):
        return "cpu"
    if objective.ctc_losses is not None:
        from ctcbench.training.cuda.ctc_kernel import MAX_LABEL_LENGTH  # needs Triton

        if trainer.train.targets_NL.shape[1] <= MAX_LABEL_LENGTH:
            return "cuda (Triton kernel, deterministic)"
        if objective.deterministic:
            return "cpu"
    return "cuda (torch's own kernel, not deterministic)"
