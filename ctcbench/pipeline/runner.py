"""run(): a recipe to its result: draw, train, read, decode, score, store."""

from __future__ import annotations

from ctcbench.config.recipe import Recipe
from ctcbench.pipeline.budget_stage import report_deviation
from ctcbench.pipeline.decoding_stage import decode_run
from ctcbench.pipeline.familiarity_stage import store_familiarity
from ctcbench.pipeline.reading_stage import read_splits
from ctcbench.pipeline.run_context import RunContext, open_run
from ctcbench.pipeline.training_stage import train
from ctcbench.results.decoder_key import decoder_key
from ctcbench.results.recognizer_description import require_same_description
from ctcbench.results.result import Result
from ctcbench.results.summary_file import read_trained
from ctcbench.training.runtime import Runtime


def run(recipe: Recipe, runtime: Runtime | None = None) -> Result:
    """Draw, train, read, decode, score and store; stages whose output exists already are skipped.

    With a budget, the numbers of images and epochs are chosen before the run folder is opened.
    Under torchrun every process calls this, and all return the same result.

    Raises:
        UsageError: a setting can't work on this machine or with this data.
        Interrupted: the user stopped the run; its state is saved.
        CtcbenchError: the loss became NaN, or a file of the run is damaged.
    """
    with open_run(recipe, runtime or Runtime()) as context:
        # The main process decides for all: where one trains while another does not, both wait for ever.
        finished = context.group.broadcast(context.folder.is_finished)
        if finished:
            context.on_main_process(lambda: _check_finished(context))
        else:
            train(context)
            if context.runtime.budget and context.group.is_main:
                report_deviation(context.folder, context.recipe, context.runtime)
        # As JSON, because that is what the other processes can receive.
        document = context.on_main_process(lambda: _evaluate(context, announce=finished).to_json())
    result = Result.from_json(document, context.folder.result_path(decoder_key(context.config.decoder)))
    # The hook is called after the folder is released, because a tracker may decode or report from it.
    if context.group.is_main:
        notice = context.runtime.listener.notice
        recipe.registry.call_hooks(
            "ctcbench_run_finished", notice, run=context.info(), result=result.to_json()
        )
    return result


def _check_finished(context: RunContext) -> None:
    folder = context.folder
    folder.require_same_images(read_trained(folder)["data"], context.training_samples)
    require_same_description(folder, context.description)
    context.runtime.listener.notice(f"{folder.path}: trained already; --fresh trains it again")


def _evaluate(context: RunContext, *, announce: bool) -> Result:
    # Training has reported the test images that can't be read; a run that was finished has not.
    read_splits(context, announce=announce)
    store_familiarity(context)
    return decode_run(context.recipe, context.folder)
