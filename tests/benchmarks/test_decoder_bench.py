"""`ctcbench bench decoders`: the workloads, and the figures of the comparison."""

import io
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from ctcbench import Hypothesis, UsageError
from ctcbench.__main__ import main
from ctcbench.benchmarks import decoder_core, guide_cost
from ctcbench.benchmarks.decoder_comparison import DecoderComparison, DecoderSpeed, Quartiles, compare
from ctcbench.benchmarks.decoder_core import core_rates
from ctcbench.benchmarks.guide_cost import guide_costs
from ctcbench.benchmarks.workloads import WORKLOADS, find_workload
from ctcbench.cli.commands.bench_decoders import _core_table, _installed, _table
from ctcbench.config.run_config import RunConfig
from ctcbench.contract.components import Component
from ctcbench.contract.errors import PluginError
from ctcbench.decoding import _core
from ctcbench.registry.component_registry import Registry
from ctcbench.registry.plugin import Plugin
from ctcbench.results.run_folder import RunFolder

TOP = {"captcha-confident": 0.99, "captcha-noisy": 0.64, "captcha-flat": 0.03, "captcha75-noisy": 0.64,
       "line-confident": 0.99, "speech-noisy": 0.64, "large-alphabet": 0.64,
       "many-classes": 0.64}  # fmt: skip


def small(name, images=8):
    return replace(find_workload(name), images=images)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_workload_has_normalised_log_probs_of_its_clarity(name):
    log_probs = small(name).draw()
    probabilities_NTK = np.exp(log_probs.values_NTK.astype(np.float64))
    assert log_probs.values_NTK.dtype == np.float32
    assert probabilities_NTK.sum(-1) == pytest.approx(1, abs=1e-3)
    assert probabilities_NTK.max(-1).mean() == pytest.approx(TOP[name], abs=0.03)
    assert log_probs.alphabet.num_classes == log_probs.values_NTK.shape[2] == find_workload(name).classes
    assert all(len(text) == find_workload(name).characters for text in log_probs.texts)


def test_a_workload_depends_only_on_its_seed():
    one, other, third = (small("captcha-noisy").draw(seed).values_NTK for seed in (0, 0, 1))
    assert np.array_equal(one, other) and not np.array_equal(one, third)


def test_an_unknown_workload_is_an_error():
    with pytest.raises(UsageError, match=r"no workload 'captcha-nosy'; did you mean 'captcha-noisy'\?"):
        find_workload("captcha-nosy")


def with_decoders(**builders):
    components = []
    for name, builder in builders.items():
        builder.__name__ = name
        components.append(Component("decoder", builder))
    return Registry((Plugin("fake", "fake", "0", "fake", components=tuple(components)),))


class Clock:
    """A clock that only the decoders of these tests advance."""

    def __init__(self):
        self.wall = self.cpu = 0.0

    def perf_counter(self):
        return self.wall

    def process_time(self):
        return self.cpu


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("ctcbench.benchmarks.decoder_comparison.time", clock)
    return clock


def decoder_for(labels, clock=None, milliseconds=0.0, cores=1.0):
    """Return a builder whose decoder finds `labels`, (1,) in every fourth image, and advances the clock."""

    def build(alphabet):
        def decode(read):
            if clock is not None:
                clock.wall += milliseconds / 1000 * len(read)
                clock.cpu += cores * milliseconds / 1000 * len(read)
            return [Hypothesis(labels if n % 4 else (1,), 0.0, ()) for n in range(len(read))]

        return decode

    return build


def failing(alphabet):
    raise UsageError("pip install it")


def breaking(alphabet):
    return lambda read: 1 / 0


def test_speed_ratio_and_agreement_are_measured_on_the_same_images(clock):
    registry = with_decoders(
        quick=decoder_for((1,), clock, milliseconds=0.5),
        slow=decoder_for((2,), clock, milliseconds=5, cores=2),
        absent=failing,
        broken=breaking,
    )
    found = compare(
        registry, "w", small("captcha-noisy", 40).draw(), ["quick", "slow", "absent", "broken"],
        reference="slow", yardstick="quick", rounds=3, seconds=0.1,
    )  # fmt: skip
    assert found.left_out == {
        "absent": "decoder absent: pip install it",
        "broken": "ZeroDivisionError: division by zero",
    }
    quick, slow = found.speeds
    assert (quick.decoder, slow.decoder) == ("quick", "slow")
    assert (quick.images, slow.images) == (40, 8)  # 1, 8, … until a call takes a quarter of 0.1 s
    assert quick.per_second.median == pytest.approx(2000) and slow.per_second.median == pytest.approx(200)
    assert slow.ratio.median == 1.0 and quick.ratio.median == pytest.approx(10)
    assert (quick.same, slow.same) == (1.0, 0.25)
    assert (quick.changed, slow.changed) == (0, 6)
    assert (quick.cores, slow.cores) == pytest.approx((1.0, 2.0))


def test_the_table_fits_into_80_columns_with_the_names_broken_between_options():
    rate = Quartiles(0.000771, 0.000735, 0.000807)
    long = "pyctcdecode:width=100,threshold=0.006737947,margin=10"
    speeds = [DecoderSpeed(long, 512, Quartiles(99_999, 1, 1), rate, 0.5, 256, 1.0),
              DecoderSpeed("mbr", 5, rate, rate, 0.5, 2, 3.0)]  # fmt: skip
    table = _table(DecoderComparison("w", 512, 18, 63, 0.6, tuple(speeds), {"absent": "pip install it"}))
    lines = {width: printed(table, width).splitlines() for width in (80, 150)}
    assert max(map(len, lines[80])) <= 80
    words = [line.split()[0] for line in lines[80][2:5]]
    assert words == ["pyctcdecode:width=100,", "threshold=0.006737947,", "margin=10"]
    assert lines[80][2].endswith(" 99,999  0.00077 (0.00073–0.00081)  256 (50 %)")
    assert any(line.startswith("mbr (3.0 cores) ") for line in lines[80])
    assert any(line.startswith(f"{long} ") for line in lines[150])


def printed(table, width):
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    return console.file.getvalue()


def test_the_search_alone_is_measured_on_the_chosen_code_path(monkeypatch):
    searched = []
    for module in (decoder_core, guide_cost):
        monkeypatch.setattr(module, "_core", Recorder(searched))
    monkeypatch.setattr(guide_cost, "_WORDS", 50)
    log_probs = small("captcha-noisy", 2).draw()
    for chosen, used in (("portable", "portable"), ("automatic", _core.paths()[0])):
        monkeypatch.setattr("ctcbench.decoding.beam.PATH", chosen)
        rates = core_rates(log_probs, rounds=1, seconds=0.001)
        assert rates.path == used and rates.paths[used] == 1.0 and "exact" in rates.paths
        searched.clear()
        costs = guide_costs(log_probs, rounds=1, seconds=0.001)
        assert set(searched) == {chosen}
        assert f"code path {used}" in printed(_core_table(rates, costs), 80)
    monkeypatch.setattr("ctcbench.decoding.beam.PATH", "fastest")
    with pytest.raises(UsageError, match="CTCBENCH_DECODER_PATH is 'fastest'"):
        core_rates(log_probs, rounds=1, seconds=0.001)


class Recorder:
    """The extension, which appends the code path of each search to a list."""

    def __init__(self, searched):
        self.searched, self.paths, self.Guide = searched, _core.paths, _core.Guide

    def search_alone(self, *arguments, path, **others):
        self.searched.append(path)
        _core.search_alone(*arguments, path=path, **others)


def test_plugins_add_decoders_with_other_options():
    registry = with_decoders(quick=decoder_for((1,)))
    [plugin] = registry.plugins
    plugin.compared_decoders = ("quick:width=3",)
    assert _installed(registry) == ["quick", "quick:width=3"]
    plugin.disable(ValueError("it broke"))
    assert _installed(registry) == []


def test_a_decoder_that_yields_its_hypotheses_is_timed_until_the_last(clock):
    def yielding(alphabet):
        def decode(read):
            yield from decoder_for((1,), clock, milliseconds=5)(alphabet)(read)

        return decode

    registry = with_decoders(quick=decoder_for((1,), clock, milliseconds=5), lazy=yielding)
    found = compare(
        registry, "w", small("captcha-noisy", 40).draw(), ["quick", "lazy"],
        reference="quick", yardstick="quick", rounds=1, seconds=0.1,
    )  # fmt: skip
    assert [speed.per_second.median for speed in found.speeds] == pytest.approx([200, 200])


@pytest.mark.parametrize("role", ["reference", "yardstick"])
def test_a_reference_or_yardstick_that_breaks_is_an_error_with_the_reason(role):
    roles = {"reference": "quick", "yardstick": "quick", role: "broken"}
    registry = with_decoders(quick=decoder_for((1,)), broken=breaking)
    with pytest.raises(PluginError, match="decoder broken: ZeroDivisionError: division by zero"):
        compare(
            registry, "w", small("captcha-noisy").draw(), ["quick", "broken"], rounds=1, seconds=0.1, **roles
        )


@pytest.mark.parametrize("role", ["reference", "yardstick"])
def test_a_reference_or_yardstick_that_cannot_be_built_is_an_error(role):
    roles = {"reference": "quick", "yardstick": "quick", role: "absent"}
    registry = with_decoders(quick=decoder_for((1,)), absent=failing)
    with pytest.raises(UsageError, match="pip install it"):
        compare(
            registry, "w", small("captcha-noisy").draw(), ["quick", "absent"], rounds=1, seconds=0.1, **roles
        )


def test_no_images_is_an_error():
    with pytest.raises(UsageError, match="no images"):
        compare(
            with_decoders(), "w", small("captcha-noisy", 0).draw(), [],
            reference="", yardstick="", rounds=1, seconds=1,
        )  # fmt: skip


def bench(*arguments):
    code = (
        "import sys; from ctcbench.__main__ import main; code = main(sys.argv[1:]);"
        "assert 'torch' not in sys.modules; sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "bench", "decoders", "--rounds", "1", "--seconds", "0.01"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)


def test_the_command_prints_only_json_and_needs_no_torch():
    done = bench("--workload", "captcha-noisy", "--decoder", "greedy", "--reference", "greedy", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    [workload] = document["workloads"]
    assert document["reference"] == "greedy" and document["yardstick"] == "beam_cpp"
    speeds = {speed["decoder"]: speed for speed in workload["speeds"]}
    assert set(speeds) == {"greedy", "beam_cpp"}
    # A loaded machine decodes few images in the time given, and greedy may be right on all of them.
    assert speeds["beam_cpp"]["same"] == 1.0 and 0.5 < speeds["greedy"]["same"] <= 1.0


def test_the_command_decodes_the_log_probs_of_a_run(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_config(RunConfig().model_dump())
    (tmp_path / "log_probs").mkdir()
    folder.write_log_probs("test", small("captcha-confident").draw())
    done = bench("--run", str(tmp_path), "--decoder", "greedy", "--decoder", "beam_cpp:width=3")
    assert done.returncode == 0, done.stderr
    assert "beam_cpp:width=3" in done.stdout and "8 images, 18 frames" in " ".join(done.stdout.split())


@pytest.mark.landing
def test_the_rates_of_the_search_alone():
    done = bench("--workload", "captcha-noisy", "--decoder", "beam_cpp", "--core", "--json")
    assert done.returncode == 0, done.stderr
    rates = json.loads(done.stdout)["core"]["captcha-noisy"]
    # Which one is faster is not tested: that depends on the load of the machine.
    assert rates["path"] in rates["paths"]
    assert rates["alone"] > 0 and {"exact", "portable"} <= rates["paths"].keys()
    assert min(rates["paths"].values()) > 0
    assert min(rates["objects"], rates["arrays"], rates["two_threads"]) > 0
    assert (
        "C++ search alone" in bench("--workload", "captcha-noisy", "--decoder", "beam_cpp", "--core").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--run", "nowhere"), "nowhere"),
        (("--run", ".", "--workload", "captcha-noisy"), "--run and --workload"),
        (("--decoder", "gredy"), "did you mean 'greedy'"),
        (("--workload", "captcha"), "no workload 'captcha'"),
        (("--rounds", "0"), "--rounds"),
    ],
)
def test_mistakes_are_one_line(arguments, says, capsys):
    assert main(["bench", "decoders", "--rounds", "1", "--seconds", "0.01", *arguments]) == 2
    printed = capsys.readouterr().err
    assert says in printed and printed.count("\n") == 1
