"""Wrong flags and study files: one line that names the fault, exit code 2, and nothing is written."""

import pytest

from ctcbench.__main__ import main
from ctcbench.contract.errors import CtcbenchError
from ctcbench.study import available_devices
from ctcbench.study.study_folder import StudyFolder
from tests.study.study_cases import flags

CASES = {
    "no-study": ([], ["no study"]),
    "no-such-file": (["study.toml"], ["study.toml: can't be read"]),
    "no-such-study": (["lotery"], ["no study 'lotery'", "did you mean 'lottery'"]),
    "a-bad-name": (["lottery", "--name", "a/b"], ["--name a/b"]),
    "seeds-none": ([*flags(), "--seeds", "0"], ["--seeds 0", "1 to 100,000"]),
    "seeds-too-many": ([*flags(), "--seeds", "200000"], ["--seeds 200000", "1 to 100,000"]),
    "seeds-text": ([*flags(), "--seeds", "many"], ["--seeds many", "a count (5 for 0 to 4) or a list"]),
    "seeds-negative": ([*flags(), "--seeds", "1,-3"], ["--seed -3", "0 to 4294967295"]),
    "seeds-and-seed": ([*flags(), "--seeds", "2", "--seed", "3"], ["--seeds and --seed"]),
    "no-component": (["--backbone", ""], ["backbone '': expected name"]),
    "a-component": (flags(backbone=["cnn2", "cnn4"]), ["no backbone 'cnn4'", "did you mean"]),
    "an-option": (flags(head=["lstm1", "lstm2:wdth=3"]), ["no option 'wdth'", "did you mean 'width'"]),
    "out-of-bounds": (flags(lr=["0.1", "-1"]), ["--lr -1", "above 0"]),
    "of-another-type": (flags(epochs=["2", "two"]), ["--epochs two"]),
    "a-preset": (["--preset", "default", "--preset", "talk"], ["no preset 'talk'", "`ctcbench ablate talk`"]),
    "a-preset-mistyped": (["--preset", "talk-10"], ["no preset 'talk-10'", "did you mean 'talk-10k'"]),
    "a-scale": (["talk", "--scale", "0"], ["--scale 0", "above 0, at most 1"]),
    "a-scale-of-text": (["talk", "--scale", "half"], ["--scale half", "above 0, at most 1"]),
    "a-name-that-none-has": (["talk", "--only", "10k", "--only", "GAN"], ["--only GAN", "talk-10k; talk-f"]),
    "a-decoder-for-another-loss": (flags(loss="slots"), ["--decoder greedy", "--loss slots"]),
    "too-many": ([*flags(), "--seeds", "501"], ["501 configurations", "--max-runs 500", "--yes"]),
    "far-too-many": ([*flags(epochs=[1, 2, 3, 4]), "--seeds", "100000", "--yes", "--lr", "0.1", "--lr", "1",
                      "--clip", "1", "--clip", "2"], ["1,600,000", "split"]),
    "two-test-sets": (flags(test_samples=["12", "13"]), ["--test-samples 12 and 13", "another --out"]),
    "an-executor": ([*flags(), "--executor", "locl"], ["no executor 'locl'", "did you mean 'local'"]),
    "its-option": ([*flags(), "--executor", "local:workers=-1"], ["workers=-1", "0 to 1024"]),
    "a-setting": ([*flags(), "--epoch", "3"], ["no option --epoch", "--epochs"]),
}  # fmt: skip


WITHOUT_A_GPU = {
    "a-graph-on-a-cpu": ([*flags(device="cpu"), "--graph"], ["--graph: ", "(--device cpu); leave out"]),
    "a-graph": ([*flags(), "--graph"], ["--graph: ", "have none; leave out --graph"]),
    "a-device": (flags(device="cuda"), ["--device cuda: ", "no CUDA device; use --device auto or cpu"]),
}  # fmt: skip
CASES |= WITHOUT_A_GPU


@pytest.mark.parametrize("case", CASES)
def test_wrong_flags(case, tmp_path, capsys, monkeypatch):
    if case in WITHOUT_A_GPU:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        monkeypatch.setattr(available_devices, "_has_cuda", lambda: False)
    arguments, words = CASES[case]
    out = tmp_path / "runs"
    assert main(["ablate", *arguments, "--out", str(out)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.strip().splitlines()) == 1
    for word in words:
        assert word in printed.err
    assert not out.exists()


FILES = {
    "empty": ("", ["no configuration", "[axes]"]),
    "nothing-but-a-name": ("name = 'mine'", ["no configuration", "[axes]"]),
    "not-toml": ("axes = [", ["not TOML"]),
    "a-key": ("seed = 3", ["line 1", "no key 'seed'", "did you mean 'seeds'", "[base]"]),
    "a-setting": (
        "[axes]\nbackbon = ['cnn2']",
        ["line 2", "no setting 'backbon'", "did you mean 'backbone'"],
    ),
    "a-key-in-base": (
        "[base]\npreset = 'small'",
        ["line 2", "base: preset belongs at the top, above the first"],
    ),
    "in-base": ("[base]\nepoch = 2", ["line 2", "no setting 'epoch'", "did you mean 'epochs'"]),
    "a-list-in-base": ("[base]\nepochs = [1, 2]", ["line 2", "[axes]"]),
    "an-empty-axis": ("[axes]\nhead = []", ["line 2", "axes.head", "empty"]),
    "no-axis": ("seeds = 2\n[axes]\n", ["line 2", "axes: no setting; add one, or remove the table"]),
    "a-component": ("[axes]\nhead = ['lstm1', 'lstm9']", ["axes.head", "no head 'lstm9'"]),
    "a-number-for-one": ("[axes]\nhead = [3]", ["axes.head", "--head 3", "component"]),
    "out-of-bounds": ("[axes]\nepochs = [1, 0]", ["axes.epochs", "--epochs 0", "at least 1"]),
    "in-base-out-of-bounds": ("[base]\nepochs = 0", ["--epochs 0"]),
    "a-table": ("[axes.head]\na = 1", ["axes.head", "expected text, numbers"]),
    "a-rule-for-nothing": ("[axes]\nlr = [0.1, 0.2]\n[[exclude]]\nlr = 0.3", ["exclude rule 1", "lr = 0.3"]),
    "nothing-left": ("[[exclude]]\nhead = 'bilstm2'", ["remove every configuration"]),
    "an-unknown-rule": ("[[include]]\nhed = 'lstm1'", ["include", "no setting 'hed'"]),
    "a-rule-that-is-none": ("[include]\nhead = 'lstm1'", ["[[include]]"]),
    "an-empty-rule": ("[[exclude]]", ["no setting; add one"]),
    "seeds": ("seeds = [1.5]", ["line 1", "seeds"]),
    "seeds-in-a-table": ("seeds = {5 = 1}", ["line 1", "seeds", "a count (5 for 0 to 4) or a list (3,5,7"]),
    "a-truth-for-a-number": ("[axes]\nepochs = [1, true]", ["axes.epochs", "--epochs true", "number"]),
    "a-truth-in-base": ("[base]\nlr = true", ["--lr true", "number"]),
    "a-truth-in-a-rule": ("[[include]]\nseed = [false]", ["include.seed", "--seed false", "number"]),
    "of-several-tables": ("[base]\nlr = 0.1\n\n[axes]\n# here\nlr = []", ["line 6", "axes.lr", "empty"]),
    "of-several-rules": (
        "[[include]]\nlr = 0.1\n[[include]] # and\nepochs = 2\nlr = []\n[axes]\nlr = 1",
        ["line 5", "include.lr", "empty"],
    ),
    "of-several-empty": ("[[exclude]]\nlr = 0.1\n[[exclude]]\n", ["line 3", "no setting; add one"]),
    "a-dotted-axis": ("base.lr = 0.1\naxes . 'lr' = []", ["line 2", "axes.lr", "empty"]),
    "an-axis-within-a-line": ("base.lr = 0.1\naxes = {lr = []}", ["line 2", "axes.lr", "empty"]),
    "a-list-in-base-after-axes": ("[axes]\nlr = 1\n[base]\nlr = [1]", ["line 4", "base.lr"]),
    "a-scale": ("scale = 2.5", ["line 1", "scale 2.5", "at most 1"]),
    "a-scale-of-truth": ("scale = true", ["line 1", "scale true"]),
    "names": (
        "[[include]]\nhead = 'lstm1'\nname = ['a', 'b']",
        ["line 3", "include.name", "expected a text"],
    ),
    "a-name-in-the-axes": ("[axes]\nname = ['a', 'b']", ["line 2", "no setting 'name'"]),
    "a-decoder-for-another-loss": (
        "[axes]\nloss = ['ctc', 'slots']",
        ["--decoder beam_cpp", "--loss slots", "decoders that fit: slots"],
    ),
    "a-budget": ("max_runs = 0", ["line 1", "max_runs 0"]),
    "beyond-it": ("max_runs = 3\nseeds = 4", ["4 configurations", "--max-runs 3"]),
    "a-name": ("name = '../x'", ["line 1", "name '../x'"]),
    "a-preset": ("preset = 'tlk-10k'", ["no preset 'tlk-10k'", "did you mean 'talk-10k'"]),
    "a-type": ("name = 3", ["line 1", "name: expected text"]),
    "seeds-and-seed": ("seeds = 2\n[axes]\nseed = [1]", ["seeds and seed"]),
}


@pytest.mark.parametrize("case", FILES)
def test_wrong_files_are_named(case, tmp_path, capsys):
    text, words = FILES[case]
    path = tmp_path / "mine.toml"
    path.write_text(text)
    assert main(["ablate", str(path), "--out", str(tmp_path / "runs")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.strip().splitlines()) == 1
    for word in [str(path), *words]:
        assert word in printed.err
    assert not (tmp_path / "runs").exists()


def test_an_error_in_a_flag_does_not_name_the_file(tmp_path, capsys):
    path = tmp_path / "mine.toml"
    path.write_text("seeds = 2")
    assert main(["ablate", str(path), "--lr", "-1", "--out", str(tmp_path / "runs")]) == 2
    printed = capsys.readouterr().err
    assert "--lr -1" in printed
    assert "mine.toml" not in printed


def test_a_dry_run_sees_a_share_that_leaves_a_data_set_without_images(tmp_path, capsys):
    settings = {"extra_dataset": "captcha", "extra_share": [0.5, 1e-9], "train_samples": 40}
    assert main(["ablate", *flags(**settings), "--out", str(tmp_path / "runs"), "--dry-run"]) == 2
    assert "--extra-share 1e-09: none of 40 training images would be of --extra" in capsys.readouterr().err


def test_an_out_folder_that_is_a_file_is_named(tmp_path, capsys):
    (tmp_path / "runs").write_text("")
    assert main(["ablate", *flags(), "--out", str(tmp_path / "runs")]) == 2
    assert f"{tmp_path / 'runs'}" in capsys.readouterr().err


def test_a_linked_folder_of_studies_is_refused_and_left_alone(tmp_path):
    victim, out = tmp_path / "victim", tmp_path / "runs"
    (victim / "other").mkdir(parents=True)
    (victim / "other" / ".mine.tmp").write_text("mine")
    out.mkdir()
    (out / "studies").symlink_to(victim)
    with pytest.raises(CtcbenchError, match="studies: is a symbolic link"), StudyFolder(out, "other").lock():
        pass
    assert [str(path.relative_to(victim)) for path in victim.rglob("*.*")] == ["other/.mine.tmp"]
