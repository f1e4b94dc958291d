"""The file of `ctcbench tune`: what it may contain, and the error for everything else."""

import re

import pytest

from ctcbench.contract.errors import UsageError
from ctcbench.study.grid import expand
from ctcbench.study.search.search_file import Pruning, read_search
from tests.study.search.search_cases import SPACE, spec_of, write


def test_a_file_is_read_with_its_defaults(registry, tmp_path):
    spec = spec_of(registry, tmp_path)
    assert (spec.name, spec.trials, spec.objective, spec.seeds) == ("small", 20, "exact", ())
    assert spec.maximise and spec.pruning == Pruning() and spec.budget is None
    assert [str(parameter) for parameter in spec.space.parameters] == [
        "0.0001 to 0.01 (logarithmic)",
        "bigru1:width=8, none",
        "4 to 8 in steps of 4",
    ]


def test_every_key_of_a_file(registry, tmp_path):
    top = (
        'name = "other"\ntrials = 7\nobjective = "loss"\nseeds = [3, 4]\nsearch_seed = 5\n'
        'executor = "local:workers=2"\npruning = false\ndescription = "all keys"\n'
    )
    spec = spec_of(registry, tmp_path, top=top)
    assert (spec.name, spec.trials, spec.objective, spec.seeds) == ("other", 7, "loss", (3, 4))
    assert not spec.maximise and spec.pruning is None and spec.search_seed == 5
    spec = spec_of(registry, tmp_path, more="[pruning]\nfirst = 0.5\nreduction = 2\n")
    assert spec.pruning == Pruning(0.5, 2)


def test_an_option_belongs_to_the_components_that_have_it(registry, tmp_path):
    space = 'head = ["bigru1", "none"]\n"head:width" = { low = 8, high = 16 }\n'
    found = spec_of(registry, tmp_path, space).space
    head, width = found.parameters
    assert found.active(head, {}) and found.active(width, {"head": "bigru1"})
    assert not found.active(width, {"head": "none"})
    assert found.settings({"head": "bigru1", "head:width": 9}) == {"head": "bigru1:width=9"}
    assert found.settings({"head": "none"}) == {"head": "none"}


def test_an_option_of_a_preset_s_component_is_overridden(registry, tmp_path):
    path = write(tmp_path, '"backbone:width" = { low = 8, high = 16 }\n', base={"backbone": None})
    found = read_search(registry, path).space
    assert found.components["backbone"] == "cnn3:width=32"
    assert found.settings({"backbone:width": 9}) == {"backbone": "cnn3:width=9"}


def test_sampled_numbers_have_four_digits_and_stay_in_their_range(registry, tmp_path):
    space = "lr = { low = 0.00123456, high = 0.0234567 }\nbatch_size = { low = 8, high = 64 }\n"
    space += "weight_decay = [0.0123456, 0.1]\n"
    lr, batch_size, choices = spec_of(registry, tmp_path, space).space.parameters
    assert lr.rounded(0.01234567) == 0.01235
    assert (lr.rounded(0.001234561), lr.rounded(0.02345669)) == (0.001235, 0.0234567)
    assert (batch_size.rounded(17), choices.rounded(0.0123456)) == (17, 0.0123456)


def test_the_share_of_an_extra_data_set_belongs_to_it(registry, tmp_path):
    space = 'extra_share = { low = 0.3, high = 0.9 }\nextra_dataset = ["", "captcha: noise=none"]\n'
    base = {"dataset": "captcha"}
    found = spec_of(registry, tmp_path, space, base=base).space
    extra, share = found.parameters
    assert extra.choices == ("", "captcha:noise=none")
    assert found.active(share, {"extra_dataset": "captcha:noise=none"})
    assert not found.active(share, {"extra_dataset": ""})
    fixed = spec_of(registry, tmp_path, space.splitlines()[1], base={**base, "extra_share": 0.8})
    (entry,) = expand(registry, fixed.study_of(fixed.space.settings({"extra_dataset": ""}))).entries
    assert (entry.config.extra_dataset, entry.config.extra_share) == ("", 0.5)
    alone = spec_of(
        registry, tmp_path, space.splitlines()[0], base={**base, "extra_dataset": "captcha:noise=none"}
    )
    assert alone.space.active(alone.space.parameters[0], {})


def test_a_share_without_images_of_both_sets_is_seen_before_the_trials(registry, tmp_path):
    space = "extra_share = { low = 0.001, high = 0.9 }\n"
    base = {"dataset": "captcha", "extra_dataset": "captcha:noise=none", "train_samples": 80}
    with pytest.raises(UsageError, match=r"--extra-share 0.001: none of 80 training images .* from 0.013 to"):
        spec_of(registry, tmp_path, space, base=base)
    # A budget chooses the number of images, so the trial decides.
    tiny = "extra_share = { low = 1e-9, high = 0.9 }\n"
    spec_of(registry, tmp_path, tiny, base={**base, "train_samples": None}, top='budget = "60s"')


WRONG = {
    "extra_share = { low = 0.3, high = 0.9 }": "--extra-share 0.3: there is no extra data set",
    "extra_share = { low = 0, high = 0.9 }": "low: --extra-share 0.0: out of bounds",
    'extra_dataset = ["", "captha"]': "--extra-dataset: no dataset 'captha'; did you mean 'captcha'",
    "": "no [space]; give the settings to search",
    "learning = [1, 2]": "space.learning: no setting 'learning'",
    "batchsize = [1, 2]": "did you mean 'batch_size'?",
    "lr = { low = 1e-2, high = 1e-3 }": "low 0.01 is not below high 0.001",
    "lr = { low = 1e-2, high = 1e-2 }": "low 0.01 is not below high 0.01",
    'head = ["bilstm2", "bigru9x"]': "no head 'bigru9x'; did you mean 'bigru2'?",
    'head = ["bilstm2"]': "at least two choices; a single value belongs under [base]",
    "head = []": "at least two choices",
    'head = ["bilstm2", "bilstm2:layers=2"]': "no option 'layers'",
    'head = ["bilstm2", "bilstm2"]': "a choice is given twice (bilstm2, bilstm2)",
    'head = ["bilstm2", 3]': "3: expected the name of a component",
    "lr = { low = 0, high = 1e-3, log = true }": "a logarithmic range needs a low above 0",
    "lr = { low = 0.0, high = 1e-3 }": "low: --lr 0.0: out of bounds (allowed: above 0)",
    "warmup = { low = 0.5, high = 1.5 }": "high: --warmup 1.5: out of bounds",
    "lr = { low = 0.1 }": "no high; expected a list of choices, or { low",
    "lr = {}": "no low and no high",
    "lr = { low = 0.1, high = 1, stp = 1 }": "no key 'stp'; did you mean 'step'?",
    "lr = 0.1": "expected a list of choices, or { low",
    'lr = { low = "a", high = 2 }': "low a: expected a number",
    "lr = { low = true, high = 2 }": "low true: expected a number",
    "lr = { low = nan, high = 1 }": "low nan: expected a number",
    "lr = { low = 0.1, high = inf }": "high inf: expected a number",
    "lr = { low = 0.1, high = 1, log = 1 }": "log 1: expected true or false",
    "lr = [true, 0.2]": "--lr true: must be a number",
    "lr = [[0.1], 0.2]": "a choice is text, a number, true or false",
    "batch_size = { low = 1.5, high = 8 }": "low 1.5: expected a whole number",
    "batch_size = { low = 1, high = 8, step = 3 }": "high - low must be a multiple of it",
    "batch_size = { low = 1, high = 8, step = 0 }": "step 0: high - low must be a multiple of it",
    "batch_size = { low = 1, high = 8, step = 7, log = true }": "log and step: give one of them",
    'dataset = ["captcha", "folder"]': "dataset can't be searched: scores of different validation images",
    'decoder = ["greedy", "beam_cpp"]': "decoder can't be searched: it has no effect on the validation",
    "seed = [1, 2]": "each configuration is trained with every seed of the key `seeds`",
    'device = ["cpu", "cuda"]': "give the device under [base]",
    '"backbone:widht" = { low = 4, high = 8 }': "no option 'widht' of cnn3; did you mean 'width'?",
    '"backbon:width" = { low = 4, high = 8 }': "no kind of component 'backbon'; did you mean 'backbone'?",
    '"dataset:length" = [1, 2]': "dataset can't be searched",
    '"backbone:width" = { low = 0, high = 8 }': "backbone cnn3: width=0: out of bounds",
    '"backbone:norm" = ["batch", "bath"]': "norm=bath: not one of the choices",
    '"backbone:norm" = { low = 1, high = 2 }': "it is not a number: give a list of choices",
    "backbone = { width = { low = 4, high = 8 } }": 'an option is written "backbone:width"',
    'backbone = ["cnn3:width=4", "cnn2"]\n"backbone:width" = [4, 8]': "cnn3:width=4 has this option already",
    "amp = { low = 0, high = 1 }": "it is not a number",
    'loss = ["ctc", "slots"]': "the decoded texts would be wrong (decoders that fit: slots) (with slots)",
}


@pytest.mark.parametrize("space", WRONG)
def test_a_wrong_space_is_an_error_that_names_file_and_line(registry, tmp_path, space):
    with pytest.raises(UsageError) as wrong:
        spec_of(registry, tmp_path, space)
    message = str(wrong.value)
    assert WRONG[space] in message
    assert "\n" not in message
    if match := re.search(r"small\.toml, line (\d+)", message):
        line = (tmp_path / "small.toml").read_text().splitlines()[int(match[1]) - 1]
        assert line in space.splitlines()
    else:
        assert message.startswith(f"{tmp_path / 'small.toml'}: ")


TOP = {
    'objective = "accuracy"': "objective 'accuracy': expected one of exact, cer, loss",
    "trials = 0": "trials 0: expected 1 or more",
    'trials = "many"': "trials: expected a whole number",
    "trials = true": "trials: expected a whole number",
    "search_seed = -1": "search_seed -1: expected 0 or more",
    "seeds = 0": "seeds 0: expected a count",
    "pruning = 3": "pruning: expected true, false or a table",
    "pruning = { first = 2 }": "pruning.first 2: expected a number above 0 and below 1",
    "pruning = { first = true }": "pruning.first true: expected a number",
    "pruning = { reduction = 1 }": "pruning.reduction 1: expected a whole number from 2 to 100",
    "pruning = { reductoin = 2 }": "no key 'reductoin'; did you mean 'reduction'?",
    'budget = "60"': "budget 60: no unit; write 60s",
    'budget = "60s"': "--train-samples and --epochs: these decide the length of the training already",
    'preset = "fasst"': "no preset 'fasst'; did you mean 'fast'?",
    'name = "a/b"': "name 'a/b': expected up to 200 letters",
    "epochs = 3": "no key 'epochs'; settings such as epochs belong under [base]",
    "axes = 3": "no key 'axes' (a study has: name, description, preset, trials,",
    "scale = 0.5": "no key 'scale'",
}


def test_a_key_of_the_search_does_not_belong_to_the_settings(registry, tmp_path):
    with pytest.raises(UsageError, match="base: trials belongs at the top, above the first table"):
        spec_of(registry, tmp_path, base={"trials": 3})


@pytest.mark.parametrize("top", TOP)
def test_a_wrong_key_is_an_error(registry, tmp_path, top):
    with pytest.raises(UsageError, match=re.escape(TOP[top])) as wrong:
        spec_of(registry, tmp_path, top=top)
    assert str(wrong.value).startswith(str(tmp_path / "small.toml"))


def test_a_setting_is_in_base_or_in_space(registry, tmp_path):
    path = write(tmp_path, "lr = [0.1, 0.2]")
    path.write_text(path.read_text().replace("[base]", "[base]\nlr = 0.1"))
    with pytest.raises(UsageError, match=r"space\.lr: lr is in \[base\] as well: remove it there"):
        read_search(registry, path)
    with pytest.raises(UsageError, match="--weight-decay -1: out of bounds"):
        spec_of(registry, tmp_path, SPACE, base={"weight_decay": -1})
