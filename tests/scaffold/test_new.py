"""`ctcbench new`: the packages install, pass their own tests and ruff, and are listed in the help."""

import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from ctcbench import UsageError
from ctcbench.__main__ import main
from ctcbench.cli.commands.new import new
from ctcbench.registry.component_registry import Registry
from ctcbench.scaffold import TEMPLATES, Package, ScaffoldKind, write
from tests import forked_python
from tests.package_installing import install

ROOT = Path(__file__).parents[2]
KINDS = get_args(ScaffoldKind)
LONGEST = "a_name_of_just_thirty_two_signs1"


def python(*arguments, **options):
    return forked_python.run(*arguments, **options)


@pytest.fixture(scope="session")
def made(tmp_path_factory, registry):
    """Write a package of each kind, install them all, and return a function that runs commands with them."""
    folder, site = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("site")
    by_command_line, *others = KINDS  # one process is enough: the others differ in their templates alone
    done = python("ctcbench", "new", by_command_line, f"my_{by_command_line}", "--into", str(folder))
    assert done.returncode == 0, done.stderr
    assert f"ctcbench-my-{by_command_line}" in done.stdout and "next: pip install" in done.stdout
    for kind in others:
        write(Package(kind, f"my_{kind}"), folder, registry)
    sources = folder.with_name("sources")
    shutil.copytree(folder, sources)
    install(site, *(sources / f"ctcbench-my-{kind}" for kind in KINDS))
    environment = {k: v for k, v in os.environ.items() if k != "CTCBENCH_PLUGINS"}
    environment |= {"PYTHONPATH": f"{site}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1", "COLUMNS": "110"}

    def run(*arguments):
        return python(*arguments, cwd=folder, env=environment)

    run.folder = folder
    return run


def test_the_next_command_is_quoted_for_the_shell(tmp_path):
    folder = tmp_path / "my dir"
    folder.mkdir()
    done = python("ctcbench", "new", "head", "spaced", "--into", str(folder))
    package = str(folder / "ctcbench-spaced")
    words = shlex.split(done.stdout.splitlines()[-1].removeprefix("next: "))
    assert words[:9] == ["pip", "install", "-e", f"{package}[test]", "&&", "python", "-m", "pytest", package]
    assert words[9:14] == ["&&", "ctcbench", "run", "--head", "spaced"]


@pytest.mark.landing
def test_the_packages_pass_their_own_tests(made):
    tests = [f"ctcbench-my-{kind}/tests" for kind in KINDS]
    tested = made("pytest", "-q", "--import-mode=importlib", "-p", "no:cacheprovider", *tests)
    assert tested.returncode == 0, tested.stdout
    assert " passed" in tested.stdout and "skipped" not in tested.stdout


def test_the_packages_are_listed_in_the_help(made):
    shown = made("ctcbench", "run", "--help").stdout
    assert all(f"│ my_{kind} " in shown for kind in KINDS)
    assert all(f"[ctcbench-my-{kind}]" in " ".join(shown.replace("│", " ").split()) for kind in KINDS)


def test_the_command_suggested_next_is_a_short_run(made, tmp_path, capsys):
    typed = {}
    for kind in KINDS:
        new(kind, f"next_{kind}", tmp_path)
        typed[kind] = capsys.readouterr().out.splitlines()[-1].split(" && ")[-1]
    assert typed.pop("dataset") == "ctcbench data preview next_dataset"
    [short] = {text.partition(f"ctcbench run --{kind} next_{kind} ")[2] for kind, text in typed.items()}
    tried = made("ctcbench", "run", "--backbone", "my_backbone", *short.split(), "--out", str(tmp_path))
    assert tried.returncode == 0, tried.stderr
    [result] = tmp_path.glob("*/results/*.json")
    config = json.loads(result.read_text())["config"]
    assert (config["train_samples"], config["max_steps"]) == (64, 3)


def test_the_components_train_together(made, tmp_path):
    trained = made(
        "ctcbench", "run", "--out", str(tmp_path), "--dataset", "my_dataset", "--loss", "my_loss",
        "--backbone", "my_backbone:width=8", "--head", "my_head:width=16", "--decoder", "my_decoder",
        "--augmentation", "my_augmentation", "--optimizer", "my_optimizer:scale=0.2",
        "--train-samples", "16", "--val-samples", "4", "--test-samples", "4", "--max-steps", "2",
        "--workers", "1",
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    [result] = tmp_path.glob("*/results/*.json")
    document = json.loads(result.read_text())
    assert document["config"]["optimizer"] == "my_optimizer:scale=0.2"
    assert document["provenance"]["plugins"]["ctcbench-my-optimizer"] == "0.1"


@pytest.mark.parametrize("name", ["my_part", LONGEST])
@pytest.mark.parametrize("kind", KINDS)
def test_the_files_pass_ruff_and_are_valid_toml(tmp_path, registry, kind, name):
    folder = write(Package(kind, name), tmp_path, registry)
    if importlib.util.find_spec("ruff") is None:
        pytest.skip("ruff is not installed")
    for check in (["check"], ["format", "--check"]):
        checked = subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--no-cache", folder], capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stdout
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == folder.name == f"ctcbench-{name.replace('_', '-')}"
    assert project["entry-points"]["ctcbench"] == {name: f"ctcbench_{name}"}
    assert (folder / "README.md").read_text().startswith(f"# ctcbench-{name.replace('_', '-')}\n")


@pytest.mark.parametrize("kind", KINDS)
def test_every_template_is_used(kind):
    templates = [*(TEMPLATES / "common").rglob("*.j2"), *(TEMPLATES / kind).rglob("*.j2")]
    rendered = Package(kind, "my_part").render()
    assert len(rendered) == len(templates) >= 4
    assert not any("{{" in text or "{%" in text or "NAME" in path for path, text in rendered.items())


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("backbone", "class", "means something in Python; try my_class"),
        ("backbone", "list", "means something in Python"),
        ("backbone", "cnn3", r"'cnn3' exists already, ctcbench \(builtin\) has it"),
        ("decoder", "beam_cpp", "exists already"),
        ("backbone", "nn", "uses it for something else"),
        ("dataset", "random", "uses it for something else"),
        ("head", "My", "lower-case letters"),
        ("head", "my-net", "lower-case letters"),
        ("head", "my__net", "lower-case letters"),
        ("head", "net_", "lower-case letters"),
        ("head", "2d", "a letter first"),
        ("head", "", "lower-case letters"),
        ("head", "../net", "lower-case letters"),
        ("head", "nét", "lower-case letters"),
        ("head", LONGEST + "2", "up to 32"),
    ],
)
def test_invalid_names(tmp_path, registry, kind, name, message):
    with pytest.raises(UsageError, match=message):
        write(Package(kind, name), tmp_path, registry)
    assert list(tmp_path.iterdir()) == []


def test_an_installed_module_s_name_is_taken(tmp_path, registry, monkeypatch):
    (tmp_path / "ctcbench_theirs.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="ctcbench_theirs is installed already"):
        write(Package("head", "theirs"), tmp_path, registry)


def test_an_existing_folder_is_not_changed(tmp_path, registry):
    (tmp_path / "ctcbench-mine").mkdir()
    with pytest.raises(UsageError, match="exists already; remove it"):
        write(Package("head", "mine"), tmp_path, registry)
    assert list((tmp_path / "ctcbench-mine").iterdir()) == []


def test_a_missing_folder_is_an_error(tmp_path, registry):
    with pytest.raises(UsageError, match="no such folder"):
        write(Package("head", "mine"), tmp_path / "nowhere", registry)


def test_a_failed_write_leaves_no_files(tmp_path, registry, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "move", full)
    with pytest.raises(UsageError, match="No space left"):
        write(Package("head", "mine"), tmp_path, registry)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("backbon", "x"), "no kind 'backbon'; did you mean 'backbone'? (there are: augmentation, "),
        (("executor", "x"), "no template for executors (there are: augmentation, backbone, head, loss, "),
        (("executor", "x"), "); docs/plugins.md#an-executor has one to copy"),
        (("backbone", "class"), "means something in Python"),
        (("backbone",), "missing argument 'NAME'"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert main(["new", *arguments]) == 2
    printed, errors = capsys.readouterr()
    assert message in errors
    assert printed == "" and errors.count("\n") == 1 and "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_a_package_can_be_written_without_any_plugin(tmp_path):
    assert write(Package("head", "mine"), tmp_path, Registry(())).is_dir()
