"""fit_to_budget(): a recipe with the numbers of images and epochs that a budget chooses on this machine."""

from __future__ import annotations

import dataclasses
import math

from ctcbench.config.budget import Budget, rough_duration
from ctcbench.config.recipe import Recipe
from ctcbench.contract.data import SPLITS
from ctcbench.contract.errors import UsageError
from ctcbench.contract.word_lists import counted
from ctcbench.data.built_dataset import BuiltDataset
from ctcbench.data.materialise import is_cached
from ctcbench.pipeline.decoding_time import measure_decoding
from ctcbench.pipeline.folder_claim import needs_training
from ctcbench.processes.cores import available_cores
from ctcbench.results import provenance
from ctcbench.results.budget_records import BudgetRecord, BudgetRecords
from ctcbench.results.run_folder import RunFolder
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP, ProcessGroup
from ctcbench.training.run_length import LARGEST_DEVIATION, MeasuredRates, RunLength, choose_length
from ctcbench.training.runtime import Runtime


def fit_to_budget(
    recipe: Recipe, runtime: Runtime, dataset: BuiltDataset, group: ProcessGroup = SINGLE_PROCESS_GROUP
) -> Recipe:
    """Return the recipe with the numbers that ``runtime.budget`` chooses.

    The same command finds the numbers that it chose before in the record of ``runtime.out``; with
    ``runtime.fresh`` and without a record, training steps are timed, and the numbers are recorded.

    Raises:
        UsageError: the budget is too short or contradicts a setting, ``runtime.resume`` is set and there is
            no record, or a setting can't work on this machine or with this data.
        CtcbenchError: the record is damaged.
    """
    budget = runtime.budget
    assert budget
    budget.require_fitting(recipe.config)
    digest = budget.digest(recipe.registry, recipe.config)
    records, notice = BudgetRecords(runtime.out), runtime.listener.notice
    # Other machines may not have the folder.
    known = None
    if group.is_main and not runtime.fresh:
        known = records.read(digest)
    if group.broadcast(known is not None):
        if known:
            notice(
                f"budget {budget.text}: the numbers are those of {records.path(digest)}, chosen on "
                f"{known.compute}; --fresh chooses them again"
            )
    else:
        if runtime.resume:
            raise UsageError(_nothing_recorded(budget, runtime))
        rates, length = measure_length(
            recipe, dataset, budget, workers=runtime.workers, group=group, graph=runtime.graph
        )
        if rates.machine_is_busy:
            share = 100 * (rates.cpu_share or 0)
            notice(
                f"other programs use this machine: the training had a CPU core for {share:.0f} % of the time "
                f"in which its steps were timed, and would be faster alone; --fresh chooses again"
            )
        if group.is_main:
            seconds = rates.training_seconds(length, dataset.size("train"))
            known = records.write(_record(digest, budget, rates, length, seconds), replace=runtime.fresh)
    chosen = {name: getattr(known, name) for name in budget.chosen} if known else {}
    fitted = recipe.replace(**group.broadcast(chosen))
    if known and needs_training(RunFolder(runtime.out / fitted.train_key), runtime):
        notice(_announcement(budget, known, fitted, dataset, runtime))
    return fitted


def find_fitted(recipe: Recipe, runtime: Runtime) -> Recipe | None:
    """Return the recipe with the numbers of an earlier choice; None if there is none. Imports no torch.

    Raises:
        CtcbenchError: the record is damaged.
    """
    if not runtime.budget:
        return recipe
    known = BudgetRecords(runtime.out).read(runtime.budget.digest(recipe.registry, recipe.config))
    return recipe.replace(**{name: getattr(known, name) for name in runtime.budget.chosen}) if known else None


def measure_length(
    recipe: Recipe,
    dataset: BuiltDataset,
    budget: Budget,
    *,
    workers: int | None = None,
    group: ProcessGroup = SINGLE_PROCESS_GROUP,
    graph: bool | None = None,
) -> tuple[MeasuredRates, RunLength]:
    """Time training steps, and choose the numbers of images and epochs for a budget; writes nothing.

    Raises:
        UsageError: the budget is too short, or a setting can't work on this machine or with this data.
        PluginError: a component breaks its contract.
    """
    from ctcbench.training.step_timing import measure_rates  # imports torch

    config, source = recipe.config, dataset.source
    size = dataset.size("train")
    images = config.train_samples if budget.fixed == "train_samples" else config.batch_size
    workers = workers or available_cores()
    rates = measure_rates(
        recipe,
        dataset,
        budget.seconds,
        images=min(images, size or images),
        workers=workers,
        group=group,
        graph=graph,
    )
    # The processes measure times of their own, which lead to other numbers.
    rates = MeasuredRates(**group.broadcast(dataclasses.asdict(rates)))
    image_bytes = source.image.channels * source.image.height * source.image.width
    return rates, choose_length(budget, config, rates, size=size, image_bytes=image_bytes)


def report_deviation(folder: RunFolder, recipe: Recipe, runtime: Runtime) -> None:
    """Send a notice if the training that is finished took much longer or shorter than the budget."""
    budget = runtime.budget
    assert budget
    summary = folder.read_summary()
    seconds = float(summary["train_seconds"])
    record = BudgetRecords(runtime.out).read(budget.digest(recipe.registry, recipe.config))
    # Of a training that --patience ended, a notice has said so.
    if record is None or summary["training"]["stopped_early"] or not _differs(seconds, budget.seconds):
        return
    share = seconds / budget.seconds
    change = f"{100 * abs(share - 1):.0f} % {'longer' if share > 1 else 'shorter'} than"
    if share > 2:
        change = f"{share:.1f} times as long as"
    cause = _cause_of_deviation(seconds, summary["training"]["steps"], record, recipe, budget)
    runtime.listener.notice(f"training took {seconds:.1f} s, {change} --budget {budget.text}: {cause}")


def _cause_of_deviation(
    seconds: float, steps: int, record: BudgetRecord, recipe: Recipe, budget: Budget
) -> str:
    """Return the likely cause why a training of `steps` steps took `seconds` and not its budget."""
    ratio, chosen = seconds / record.training_seconds, record.training_seconds / budget.seconds
    # The larger of the two parts of the deviation.
    if abs(math.log(ratio)) <= abs(math.log(chosen)):
        if budget.fixed == "epochs":
            return f"the data set has no more images for --epochs {recipe.config.epochs}"
        return "that many epochs of whole images come nearest to it"
    # Steps of fewer images count by their images, but can take as long as the others.
    smaller = steps * record.step_seconds / record.training_seconds
    if ratio > 1 and math.log(smaller) > math.log(ratio) / 2:
        return "the last step of each epoch has fewer images than the others, but takes about as long"
    return (
        f"a step took {ratio:.2f} times as long as when it was timed, most likely because other programs "
        f"used the machine {'during the training' if ratio > 1 else 'then'}"
    )


def _announcement(
    budget: Budget, known: BudgetRecord, fitted: Recipe, dataset: BuiltDataset, runtime: Runtime
) -> str:
    """Return what the budget chose, and the expected times of the parts of the run."""
    config = fitted.config
    length = RunLength(config.train_samples, config.epochs)
    wanted = {split: getattr(config, f"{split}_samples") for split in SPLITS}
    # Of a set of pictures there are often fewer than a preset asks for.
    images = {split: min(count, dataset.size(split) or count) for split, count in wanted.items()}
    image_seconds = known.training_seconds / (images["train"] * config.epochs)
    # A forward pass takes about a third of a step: the backward pass computes two products for each of its.
    read = (images["val"] * config.epochs + images["test"]) * image_seconds / 3
    to_draw = sum(
        dataset.distinct(split, images[split])
        for split in SPLITS
        if not is_cached(dataset, split, wanted[split])
    )
    decoding = images["test"] * measure_decoding(fitted, dataset)
    drawing = (
        f"drawing {counted(to_draw, 'image')} about {rough_duration(to_draw * known.draw_seconds)}; "
        if to_draw
        else ""
    )
    return (
        f"budget {budget.text}: {counted(config.train_samples, 'image')}, "
        f"{counted(config.epochs, 'epoch')} ({known.compute}): training about "
        f"{rough_duration(known.training_seconds)}; {drawing}validation and test about "
        f"{rough_duration(read)}; decoding {_about(decoding)}; {length.flags()} in place of --budget repeats "
        f"it exactly"
    )


def _about(seconds: float) -> str:
    return f"about {rough_duration(seconds)}" if seconds >= 1 else "less than 1 s"


def _differs(seconds: float, expected: float) -> bool:
    return abs(seconds / expected - 1) > LARGEST_DEVIATION


def _record(
    digest: str, budget: Budget, rates: MeasuredRates, length: RunLength, training_seconds: float
) -> BudgetRecord:
    return BudgetRecord(
        digest=digest,
        budget_seconds=budget.seconds,
        train_samples=length.train_samples,
        epochs=length.epochs,
        training_seconds=training_seconds,
        step_seconds=rates.step_seconds,
        draw_seconds=rates.draw_seconds,
        compute=rates.compute,
        created=provenance.now(),
    )


def _nothing_recorded(budget: Budget, runtime: Runtime) -> str:
    return (
        f"--resume --budget {budget.text}: {runtime.out} has no record of numbers that this command chose; "
        f"leave --resume out to start it, or resume a run that was started with --train-samples and --epochs "
        f"by the same flags, without --budget"
    )
