"""The example plugins: each installs, passes its own tests, and is found by ctcbench."""

import importlib.util
import json
import os

import pytest

NEEDS = {f"ctcbench-{name}": name for name in ("tensorboard", "mlflow", "trackio")}
NEEDS |= {"ctcbench-digits": "sklearn", "ctcbench-kornia": "kornia"}
# Decoders, and the modules that they wrap, of the same names.
PEERS = ("fast_ctc_decode", "pyctcdecode", "ctc_beam_decoder", "flashlight", "torchaudio")


@pytest.mark.landing
@pytest.mark.parametrize(
    "plugin",
    [
        "ctcbench-dwsep", "ctcbench-transformer", "ctcbench-peers", "ctcbench-tensorboard", "ctcbench-mlflow",
        "ctcbench-trackio", "ctcbench-digits", "ctcbench-kornia",
    ],
)  # fmt: skip
def test_a_plugin_passes_its_own_tests(installed, plugin):
    if plugin in NEEDS:
        pytest.importorskip(NEEDS[plugin])
    tested = installed("pytest", "-q", "-rs", "-p", "no:cacheprovider", plugin)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    absent = [name for name in PEERS if importlib.util.find_spec(name) is None]
    if plugin == "ctcbench-peers" and absent:
        assert all(f"decoder {name}: " in tested.stdout for name in absent)
        if len(absent) == len(PEERS):
            pytest.skip(f"passed but for what needs {', '.join(absent)}, which are not installed")


@pytest.mark.parametrize(
    "which",
    [
        pytest.param("not slow", marks=pytest.mark.landing),
        pytest.param("slow", marks=pytest.mark.slow),
    ],
)
def test_the_executor_for_ray_passes_its_own_tests(installed, which):
    # Ray starts threads at its import, which no fork would have.
    tested = installed.in_new_interpreter(
        "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-m", which, "ctcbench-ray"
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    if importlib.util.find_spec("ray") is None:
        assert "ray is not installed" in tested.stdout
        pytest.skip("passed but for what needs ray, which is not installed")


@pytest.mark.parametrize(
    "which",
    [
        pytest.param("not slow", marks=pytest.mark.landing),
        pytest.param("slow", marks=pytest.mark.slow),
    ],
)
def test_the_executor_for_slurm_passes_its_own_tests(installed, which):
    tested = installed.in_new_interpreter(
        "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-m", which, "ctcbench-slurm"
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    if importlib.util.find_spec("submitit") is None:
        assert "submitit is not installed" in tested.stdout
        pytest.skip("passed but for what needs submitit, which is not installed")


def test_every_plugin_is_found(installed):
    listed = installed("ctcbench", "plugins", "--json")
    assert listed.returncode == 0, listed.stderr
    document = json.loads(listed.stdout)
    assert document["conflicts"] == []
    found = {plugin["distribution"]: plugin for plugin in document["plugins"]}
    assert {name for name in found if name != "ctcbench"} >= {
        "ctcbench-digits", "ctcbench-dwsep", "ctcbench-kornia", "ctcbench-mlflow", "ctcbench-peers",
        "ctcbench-ray", "ctcbench-slurm", "ctcbench-tensorboard", "ctcbench-trackio", "ctcbench-transformer",
    }  # fmt: skip
    assert not any(plugin["error"] for plugin in found.values())
    assert {c["name"] for c in found["ctcbench-peers"]["components"]} == set(PEERS)


def test_components_show_in_the_help_with_their_owner(installed):
    shown = installed("ctcbench", "run", "--help").stdout
    for name in ("dwsep", "transformer", *PEERS):
        assert f"│ {name} " in shown
    assert "[ctcbench-dwsep]" in shown


def test_help_imports_neither_torch_nor_the_peers(installed):
    code = (
        "import sys; from ctcbench.registry.discovery import load_registry; found = load_registry();"
        "[c.options for kind in ('backbone', 'head', 'decoder') for c in found.components(kind).values()];"
        "print([m for m in ('torch', 'numpy', 'fast_ctc_decode', 'pyctcdecode') if m in sys.modules])"
    )
    printed = installed.in_new_interpreter("timeit", "-n1", "-r1", "-s", code, "pass").stdout
    assert printed.startswith("[]")


def test_a_plugin_s_backbone_and_head_are_trained_by_name(installed, tmp_path):
    trained = installed(
        "ctcbench", "run", "--backbone", "dwsep:width=8,depth=1",
        "--head", "transformer:width=16,layers=1,ff=16",
        "--dataset", "captcha:width=64,height=24,length=2,alphabet=digits", "--decoder", "greedy",
        "--train-samples", "16", "--val-samples", "4", "--test-samples", "4", "--max-steps", "2",
        "--workers", "1", "--out", str(tmp_path), "--json", CTCBENCH_TENSORBOARD="off", CTCBENCH_MLFLOW="off",
        CTCBENCH_TRACKIO="off",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    document = json.loads(trained.stdout)
    assert document["config"]["backbone"] == "dwsep:width=8,depth=1"
    assert document["provenance"]["plugins"]["ctcbench-dwsep"] == "0.1"


def test_peers_that_are_not_installed_are_one_line_each_and_left_out_of_the_bench(installed, tmp_path):
    for module in PEERS:  # hide those that are installed
        (tmp_path / f"{module}.py").write_text(f'raise ModuleNotFoundError("No module named {module}")\n')
    decoders = [argument for decoder in PEERS for argument in ("--decoder", decoder)]
    benched = installed(
        "ctcbench", "bench", "decoders", "--workload", "captcha-noisy", *decoders,
        "--decoder", "greedy", "--rounds", "1", "--seconds", "0.01", "--json",
        PYTHONPATH=os.pathsep.join([str(tmp_path), str(installed.site)]),
    )  # fmt: skip
    assert benched.returncode == 0, benched.stderr
    [workload] = json.loads(benched.stdout)["workloads"]
    assert {decoder for decoder, reason in workload["left_out"].items() if "pip install" in reason} >= {
        *PEERS
    }
    assert "greedy" in {speed["decoder"] for speed in workload["speeds"]}
