"""Errors: one line, before any trial starts."""

import socket
import subprocess
import sys

import pytest
from ctcbench_ray import ray as component
from ctcbench_ray.cluster import Node, TrialResources, capacity, no_room
from ray_cases import ONE

from ctcbench import UsageError
from ctcbench.__main__ import main


@pytest.fixture
def refuses(tmp_path, capsys):
    """Return ``check(options, *words)``: a study fails with one line that holds the words."""

    def check(options, *words):
        out = tmp_path / "runs"
        code = main(["ablate", *ONE, "--out", str(out), "--executor", f"ray:{options}"])
        printed = capsys.readouterr()
        assert code == 2, printed
        [line] = [line for line in printed.err.splitlines() if line.startswith("ctcbench ablate:")]
        assert "Traceback" not in printed.err
        for word in words:
            assert word in line
        assert not list(out.glob("studies/*/trials/*"))

    return check


def test_more_than_any_node_has(cluster, refuses):
    refuses(
        f"address={cluster.address!r},cpus=64,gpus=8",
        "a trial requests 64 CPUs and 8 GPUs, and no node of the cluster can hold that",
        "has 1 CPU and 0 GPUs;",
        "wait= sets how long to wait for one",
    )


def test_no_server_at_the_address(refuses):
    pytest.importorskip("ray", reason="ray is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refuses(f"address='127.0.0.1:{port}'", "no Ray cluster responds at 127.0.0.1", "ray start --head")


@pytest.mark.slow
def test_another_server_at_the_address(refuses):
    pytest.importorskip("ray", reason="ray is not installed")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refuses(f"address='127.0.0.1:{port}'", "something listens", "not the dashboard's")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("address='ray://127.0.0.1:10001'", "run ctcbench on a machine of the cluster"),
        ("address=nowhere", "expected host:port, auto or local"),
        ("gpus=1.5", "a fraction of one GPU, or whole GPUs"),
        ("cpus=0", "cpus=0"),
        ("files=copied", "one of auto, shared, sent"),
    ],
)
def test_wrong_options(refuses, options, words):
    if "address" in options:
        pytest.importorskip("ray", reason="ray is not installed")
    refuses(options, words)


def test_the_error_names_each_node_and_what_it_lacks():
    nodes = [
        Node("a", "here", {"CPU": 4.0, "memory": 8 * 2**30}),
        Node("b", "there", {"CPU": 16.0, "GPU": 1.0}),
    ]
    resources = TrialResources(8, 0.5, 12.0)
    assert str(resources) == "8 CPUs, 0.5 GPUs and 12 GiB of memory"
    said = str(no_room(resources, nodes))
    assert "here has 4 CPUs, 0 GPUs and 8 GiB of memory; there has 16 CPUs, 1 GPU and 0 GiB" in said
    assert "it has no node" in str(no_room(resources, []))


def test_how_many_trials_nodes_hold():
    nodes = [Node("a", "a", {"CPU": 8.0, "GPU": 2.0}), Node("b", "b", {"CPU": 3.0}), Node("c", "c", {})]
    resources = [TrialResources(1), TrialResources(2), TrialResources(2, 0.5), TrialResources(9)]
    assert [capacity(one, nodes) for one in resources] == [11, 5, 4, 0]


def test_the_options_are_known_without_importing_ray():
    code = "import sys, ctcbench_ray; ctcbench_ray.ray.options; print('ray' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"
    assert set(component.options) >= {"address", "workers", "cpus", "gpus", "memory", "retries", "wait"}


def test_the_error_without_ray_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)  # as Python marks what can't be imported
    with pytest.raises(UsageError, match="pip install 'ray"):
        component.builder().describe()


def test_a_part_of_more_than_one_gpu():
    with pytest.raises(UsageError, match=r"gpus=2\.5"):
        component.builder(gpus=2.5)
