"""Nodes that can't run a trial, and trials that fail at once."""

import sys
import types

import pytest

from ctcbench import Listener, Trial, UsageError


@pytest.fixture(scope="module")
def connected(cluster):
    """The cluster, to which this process is connected once for all tests."""
    from ctcbench_ray.cluster import connect, disconnect

    assert connect(cluster.address)
    yield cluster
    disconnect()


@pytest.fixture
def run(connected, tmp_path):
    """Return ``run(**options) -> outcomes`` of one trial, by an executor in this process."""
    from ctcbench_ray.executor import RayExecutor
    from ctcbench_ray.options import RayOptions

    def run(**options):
        (tmp_path / "studies").mkdir(exist_ok=True)
        trial = Trial("key", "label", {"key": "key", "out": str(tmp_path), "configs": []})
        listener = Listener(lambda key, worker, event: None, lambda: False, lambda key: False)
        outcomes = list(RayExecutor(RayOptions(address=connected.address, **options)).run([trial], listener))
        assert not list((tmp_path / "studies").iterdir())
        return outcomes

    return run


def test_a_node_that_can_t_import_this_package(run, monkeypatch):
    from ctcbench_ray import remote_trial

    # A module that exists in the memory of this process only can be imported by no node.
    module = types.ModuleType("only_here")
    exec("class TrialActor:\n    def inspect(self, text): return text", vars(module))
    monkeypatch.setitem(sys.modules, "only_here", module)
    monkeypatch.setattr(remote_trial, "TrialActor", module.TrialActor)
    with pytest.raises(UsageError, match=r"a node can't run trials \(ModuleNotFoundError: .*'only_here'"):
        run()


def test_a_node_with_other_software(run, monkeypatch):
    from ctcbench_ray import session

    ours = session.installed_versions()
    monkeypatch.setattr(session, "installed_versions", lambda: {**ours, "plugins": {"ctcbench-mine": "1.0"}})
    with pytest.raises(UsageError, match=r"has other software: ctcbench-mine missing there, 1\.0 here"):
        run()


def test_a_node_that_can_t_keep_run_folders(run, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"run folders can't be kept there .* scratch="):
        run(files="sent", scratch=str(tmp_path / "file"))


def test_a_folder_that_is_not_shared(run, monkeypatch):
    from ctcbench_ray import session

    monkeypatch.setattr(session, "write_text", lambda path, text: path.write_text("another folder's"))
    with pytest.raises(UsageError, match=r"does not share .* files=auto sends run folders"):
        run(files="shared")


def test_a_trial_that_fails_at_once_is_a_failed_outcome(run):
    [outcome] = run()
    assert outcome.state == "failed"
    assert outcome.error.startswith("IndexError")
