"""A trial of a study: what trackers receive."""

from ctcbench.contract.errors import UsageError
from ctcbench.results.run_folder import RunFolder
from ctcbench.results.stored_config import stored_config
from ctcbench.study.trial import _decode, explain_failure
from ctcbench.training.runtime import Runtime


def test_trackers_receive_the_results_of_the_other_decoders(finished_copy, registry, monkeypatch):
    calls, locked = [], []
    folder = RunFolder(finished_copy.folder)

    def call_hooks(self, hook, notice, **arguments):
        with folder.lock():  # a tracker may decode from the folder
            locked.append(True)
        calls.append((hook, arguments["result"]["config"]["decoder"], arguments["run"].config["decoder"]))

    monkeypatch.setattr(type(registry), "call_hooks", call_hooks)
    config = stored_config(folder).replace(decoder="beam_cpp:width=5")
    _decode(registry, folder, config, Runtime(finished_copy.folder.parent))
    assert calls == [("ctcbench_run_finished", "beam_cpp:width=5", "greedy")] and locked


def test_the_lines_of_an_error_are_joined_as_on_the_command_line():
    assert explain_failure(UsageError("text too long\n--skip-bad leaves it out")) == (
        "text too long; --skip-bad leaves it out"
    )
