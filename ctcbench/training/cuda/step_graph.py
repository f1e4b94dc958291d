"""StepGraph: the whole training step as one CUDA graph, which the host launches at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from ctcbench.config.run_config import RunConfig
from ctcbench.contract.word_lists import join_words
from ctcbench.processes.out_of_memory import is_out_of_memory
from ctcbench.training.cuda.capture import CudaCapture
from ctcbench.training.cuda.host_reads import HostReadSearch, find_obstacles
from ctcbench.training.cuda.resident_split import ResidentSplit
from ctcbench.training.cuda.state_snapshot import StateSnapshot
from ctcbench.training.device import copy_to_device
from ctcbench.training.recognizer.compiled_network import CompiledNetwork
from ctcbench.training.split import Split, batch_at, full_batches, plan_at, steps_per_epoch
from ctcbench.training.step import TrainState, augments_at, compute_step, prepare_step
from ctcbench.training.step_metrics import StepMetrics
from ctcbench.training.width_buckets import MOST_BUCKETS

Capture = Callable[[Callable[[], object]], Callable[[], None]]


class StepGraph:
    """The training step as CUDA graphs: one with augmentation, one without; for each width of a batch.

    The first step of a training and an epoch's smaller last batches are computed without a graph, after they
    have been tried once without a trace. Everything is computed without a graph if a part of the step can't
    be captured; `notice` is then called once with the reason.

    Attributes:
        obstacle: why no graph is used; empty where one is, or will be.
    """

    def __init__(
        self,
        state: TrainState,
        split: Split,
        config: RunConfig,
        notice: Callable[[str], None],
        capture: Capture | None = None,
        search: HostReadSearch | None = None,
    ) -> None:
        """Prepare for captures, which happen in `step` when a graph is first needed.

        Args:
            state: the state that the graph trains; from now on its rates and its penalty are tensors.
            split: the training images, on the device.
            config: the settings of the run.
            notice: receives a sentence for the user.
            capture: captures a function; None: a `CudaCapture`.
            search: searches the step for host reads; one that equal trainings share does so once.
        """
        self.obstacle = ""
        self._state, self._split, self._config, self._notice = state, split, config, notice
        # By the width of a batch, and whether its images are augmented.
        self._replays: dict[tuple[int, bool], Callable[[], None]] = {}
        # Number and width of the images of the batches that were tried.
        self._tried: set[tuple[int, int]] = set()
        self._epoch = -1  # whose order `_order_N` is
        sizes = full_batches(split, config)
        obstacles = find_obstacles(state)
        if len(sizes) > MOST_BUCKETS:
            unmasked = join_words(map(state.recipe.describe_owner, state.model.unmasked))
            obstacles.append(
                f"{unmasked} needs batches of equal width, and the images have {len(sizes)} widths"
            )
        if obstacles:
            self._refuse("; ".join(obstacles))
            return
        device = state.compute.device
        self._capture_body = capture or CudaCapture()
        self._search = search or HostReadSearch()
        self._data = ResidentSplit(split)
        # A graph reads and writes at these addresses.
        self._indices = {
            width: torch.zeros(size, dtype=torch.long, device=device) for width, size in sizes.items()
        }
        self._metrics_3 = torch.zeros(3, device=device)
        self._set_tensors()

    def step(self) -> StepMetrics | None:
        """Carry out the next step of the training, and return its metrics; None: it has to be computed."""
        self.prepare()
        replay = self._replays.get((self._width(self._state.step), augments_at(self._state, self._config)))
        if replay is None or not self._covers(self._state.step):
            return None
        self._set_inputs()
        replay()
        self._state.step += 1
        # The next replay overwrites the metrics.
        return StepMetrics(*self._metrics_3.clone().unbind())

    def describe_suffix(self) -> str:
        """Return the text to append to a device's description: empty if no graph is used."""
        return "" if self.obstacle else ", the step as a CUDA graph"

    def prepare(self, before: Callable[[], object] = lambda: None) -> float:
        """Get ready for the next step, and return the seconds that this took: 0 for most steps.

        A step is captured if it can be and no graph has it yet. One that is computed without a graph is tried
        once for each size of a batch: the first time, libraries are loaded, kernels compiled, and algorithms
        chosen for the size. The state is the same afterwards.

        Args:
            before: called before anything is done that counts; it should wait for the steps so far.
        """
        state, augments = self._state, augments_at(self._state, self._config)
        if self.obstacle or state.step >= state.steps:
            return 0.0
        plan, number = plan_at(self._split, state.step, self._config)
        width, size = plan.width(number), len(plan.batch(number))
        # The first step creates the state of the optimizer, of the gradient scaler and of the average.
        captures = state.step > 0 and self._covers(state.step)
        if (width, augments) in self._replays if captures else (size, width) in self._tried:
            return 0.0
        before()
        if state.scaler.is_enabled():
            # Its state exists from the first call, which a resumed training has not made yet.
            state.scaler.scale(self._metrics_3)
        started, snapshot = time.perf_counter(), StateSnapshot(state)
        if captures:
            self._capture(snapshot, width, augments)
        else:
            self._tried.add((size, width))
            self._try_step(snapshot, augments)
        return time.perf_counter() - started

    def _capture(self, snapshot: StateSnapshot, width: int, augments: bool) -> None:
        state = self._state
        try:
            self._set_inputs()
            if reads := self._search.find(
                state, lambda watched: self._compute(watched, width, augments), key=(width, augments)
            ):
                self._refuse("; ".join(reads))
            else:
                self._replays[width, augments] = self._capture_body(
                    lambda: self._compute(state, width, augments)
                )
                if augments and self._augments_nothing(width):
                    self._replays[width, False] = self._replays[width, True]
        except Exception as error:  # of many classes; the step without the graph raises it again if it must
            self._refuse(self._explain(error))
        finally:
            snapshot.restore()

    def _try_step(self, snapshot: StateSnapshot, augments: bool) -> None:
        state, config = self._state, self._config
        try:
            prepare_step(state, config)
            compute_step(state, batch_at(self._split, state.step, config), config, augments=augments)
            state.compute.synchronise()
        except Exception:  # of many classes; the step itself raises it again
            pass
        finally:
            snapshot.restore()
            snapshot.remove_new_states()

    def _covers(self, step: int) -> bool:
        """Return whether the batch of `step` has the size of the captured ones."""
        plan, number = plan_at(self._split, step, self._config)
        return len(plan.batch(number)) == len(self._indices[plan.width(number)])

    def _width(self, step: int) -> int:
        """Return the width of the images in the batch of `step`; 0: that of all images."""
        plan, number = plan_at(self._split, step, self._config)
        return plan.width(number)

    def _compute(self, state: TrainState, width: int, augments: bool) -> None:
        """Compute the step of the current inputs: what a graph contains."""
        batch = self._data.batch(self._indices[width], width)
        metrics = compute_step(state, batch, self._config, augments=augments)
        values = (metrics.loss, metrics.all_blank.float(), metrics.grad_norm.float())
        self._metrics_3.copy_(torch.stack(values))

    def _set_inputs(self) -> None:
        """Write the inputs of the next step to where a graph reads them."""
        state, config = self._state, self._config
        # A replay reads seed and offset of the generator when it starts.
        prepare_step(state, config)
        epoch = state.step // steps_per_epoch(self._split, config)
        plan, number = plan_at(self._split, state.step, self._config)
        indices_N = self._indices[plan.width(number)]
        if self._epoch != epoch:
            # The order of a whole epoch at once: a copy within the GPU is then enough for each step.
            self._epoch, self._order_N = epoch, copy_to_device(plan.order_N, indices_N.device)
        start = int(plan.starts_B[number])
        indices_N.copy_(self._order_N[start : start + len(indices_N)])

    def _augments_nothing(self, width: int) -> bool:
        batch = self._data.batch(self._indices[width], width)
        return self._state.augment(batch.images_NCHW, batch.widths_N) is batch.images_NCHW

    def _set_tensors(self) -> None:
        """Make the state's rates and penalty tensors, and its optimizer capturable."""
        state = self._state
        device = state.compute.device
        state.group_rates = [torch.zeros((), device=device) for _ in state.optimizer.param_groups]
        for group, rate in zip(state.optimizer.param_groups, state.group_rates, strict=True):
            group.update(lr=rate, capturable=True)
        # torch warns of capturable optimizers that do a step without a capture, as the last of an epoch is.
        # Muon has another one inside.
        for optimizer in (state.optimizer, *vars(state.optimizer).values()):
            if isinstance(optimizer, torch.optim.Optimizer):
                optimizer._warned_capturable_if_run_uncaptured = True
        state.blank_penalty = torch.zeros((), device=device) if self._config.blank_penalty else 0.0
        state.branches = False
        if isinstance(state.network, CompiledNetwork):
            state.network.compile_for_graph(True)

    def _set_numbers(self) -> None:
        """Undo `_set_tensors`."""
        state = self._state
        for group in state.optimizer.param_groups:
            group.update(lr=state.learning_rate * group["scale"], capturable=False)
        state.group_rates, state.blank_penalty = (), 0.0
        state.branches = state.compute.device.type == "cpu"
        if isinstance(state.network, CompiledNetwork):
            state.network.compile_for_graph(False)

    def _refuse(self, reason: str) -> None:
        self.obstacle = reason
        self._replays.clear()
        if self._state.group_rates:
            self._set_numbers()
        self._notice(f"the training step is not captured as a CUDA graph, and takes longer: {reason}")

    def _explain(self, error: Exception) -> str:
        # The end of a capture that has failed raises again: "operation failed due to a previous error".
        if "previous error" in str(error) and isinstance(error.__context__, Exception):
            error = error.__context__
        if is_out_of_memory(error):
            return (
                f"out of GPU memory with --batch-size {self._config.batch_size}; a smaller --batch-size "
                f"leaves room for a graph, and --no-graph does without one"
            )
        first = next(iter(str(error).strip().splitlines()), "")
        return f"the capture failed: {type(error).__name__}: {first[:200]}"
