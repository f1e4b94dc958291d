"""Runs with fixed slots, end to end; combinations that do not fit are refused before training."""

import numpy as np
import pytest

import ctcbench
from ctcbench import Alphabet, LogProbs, RunConfig, UsageError, decoder, loss
from ctcbench.__main__ import main
from ctcbench.cli.result_output import other_decoders
from ctcbench.config.recipe import Recipe, fitting_decoders, resolve
from ctcbench.contract.errors import PluginError
from ctcbench.pipeline import runner
from ctcbench.pipeline.decoding_stage import decode_stored
from ctcbench.results.run_folder import RunFolder
from ctcbench.testing.synthetic_log_probs import confident_of
from ctcbench.training.inference import validate
from ctcbench.training.progress_events import ProgressListener
from ctcbench.training.runtime import Runtime
from tests.tiny_config import tiny

pytestmark = pytest.mark.landing

SLOTS = {"head": "slots:count=2,slot_width=8", "loss": "slots", "decoder": "slots", "shortcut": "none"}


def of_captchas(length=2, alphabet="digits"):
    return f"captcha:width=60,height=24,length={length},alphabet={alphabet}"


@pytest.fixture(scope="module")
def finished(own_cache, tmp_path_factory):
    """A run with slots, by the command line."""
    out = tmp_path_factory.mktemp("runs")
    settings = {**tiny().model_dump(), **SLOTS, "backbone": "cnn3:width=8", "epochs": 40, "lr": 0.01}
    flags = [f"--{k.replace('_', '-')}={v}" for k, v in settings.items() if isinstance(v, str | int | float)]
    flags = [word for word in flags if not word.endswith(("=True", "=False", "="))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CTCBENCH_PLUGINS", "")
        assert main(["run", *flags, "--out", str(out), "--json"]) == 0
    (folder,) = [path for path in out.iterdir() if (path / "config.toml").is_file()]
    return RunFolder(folder)


def test_slots_learn_from_the_command_line(finished):
    losses = [record["loss"] for record in finished.read_metrics() if record["kind"] == "epoch"]
    assert losses[-1] < 0.5 * losses[0]  # 70 images can only be memorised
    result = finished.read_result("slots")
    assert result.config["decoder"] == "slots"
    training = result.provenance["training"]
    assert training["alignment"] == "fixed" and training["ctc_backend"] is None
    assert finished.read_log_probs("test").values_NTK.shape[1] == 2  # the backbone returns seven frames


def test_ctc_decoders_are_refused_and_not_suggested(registry, finished):
    with pytest.raises(UsageError, match=r"--decoder greedy merges .* \(decoders that fit: slots\)"):
        decode_stored(registry, finished.path, "greedy")
    assert [path.stem for path in (finished.path / "results").iterdir()] == ["slots"]
    assert other_decoders(registry, finished.read_result("slots")) == []
    recogniser = ctcbench.load(finished.path)
    with pytest.raises(UsageError, match="--decoder beam_cpp"):
        recogniser.predict([np.zeros((24, 60), np.uint8)], decoder="beam_cpp")
    (prediction,) = recogniser.predict([np.full((24, 60), 255, np.uint8)])
    assert len(prediction.text) <= 2 and 0 < prediction.confidence <= 1


def test_bench_decoders_refuses_a_run_with_slots(finished, capsys):
    assert main(["bench", "decoders", "--run", str(finished.path)]) == 2
    assert "loss slots" in capsys.readouterr().err
    assert main(["bench", "decoders", "--decoder", "slots"]) == 2
    assert "--decoder slots" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"loss": "slots"}, "--decoder greedy merges repeated frames, as CTC does, but --loss slots reads"),
        ({"decoder": "slots"}, "--decoder slots reads each frame as one character, but --loss ctc.* merges"),
    ],
)
def test_a_decoder_that_does_not_fit_the_loss_is_refused(registry, settings, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        resolve(registry, tiny(**settings))
    with pytest.raises(UsageError, match=f"(?s){words}"):
        runner.run(resolve(registry, tiny(**settings)), Runtime(tmp_path))
    assert not list(tmp_path.iterdir())


def test_the_fitting_decoders_of_each_alignment(registry):
    assert fitting_decoders(registry, "fixed") == ["slots"]
    assert set(fitting_decoders(registry, "ctc")) == {"greedy", "beam", "beam_cpp", "best_cpp", "mbr"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({**SLOTS, "head": "slots:count=1"},
         r"head slots:count=1 \(needed: one per character\):.* needs 2 frames, its image has 1"),
        ({**SLOTS, "dataset": of_captchas(length=8), "head": "none"},
         r"backbone cnn3:.* \(needed: one per character\):.* needs 8 frames, its image has 7"),
        ({**SLOTS, "loss": "ctc", "decoder": "greedy", "dataset": of_captchas(alphabet="01")},
         r"head slots:count=2,slot_width=8 \(needed: characters \+ adjacent repeats\):.* needs 3 frames"),
        ({**SLOTS, "shortcut": "sum"},
         "--shortcut sum .* 7 frames, but --head slots:.* makes 2 .* --shortcut none"),
        ({**SLOTS, "shortcut": "aux"}, "--shortcut aux"),
    ],
)  # fmt: skip
def test_texts_that_cannot_be_aligned_are_refused_before_training(registry, settings, words, tmp_path):
    with pytest.raises(UsageError, match=f"(?s){words}"):
        runner.run(resolve(registry, tiny(**settings)), Runtime(tmp_path))
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_text_with_repeats_needs_no_extra_slot(registry, tmp_path):
    """CTC needs three frames for "00"."""
    settings = {**SLOTS, "dataset": of_captchas(alphabet="01")}
    assert runner.run(resolve(registry, tiny(**settings)), Runtime(tmp_path)).score.images == 12


def test_validation_uses_the_alignment_of_the_loss():
    alphabet = Alphabet("ab")
    read = confident_of(alphabet, ("aab", "bb"), 4, "fixed")
    objective = ctcbench.registry.discovery.load_registry([]).build("loss", "slots", alphabet)
    found = validate([read], "fixed", objective)
    assert (found.exact, found.cer) == (1.0, 0.0)
    assert 0 < found.loss < 0.01
    merged = validate([read])
    assert (merged.exact, merged.cer) == (0.0, 2 / 5)


def test_a_narrow_image_has_all_slots(registry):
    from ctcbench.training.recognizer.network import build_recognizer

    torch = pytest.importorskip("torch")
    image, alphabet = ctcbench.ImageSpec(24, 60), Alphabet("01")
    model = build_recognizer(Recipe(registry, RunConfig(**SLOTS, backbone="cnn3:width=4")), image, alphabet)
    assert model.frames(torch.tensor([60, 8])).tolist() == [2, 2]
    ordinary = build_recognizer(Recipe(registry, RunConfig(backbone="cnn3:width=4")), image, alphabet)
    assert ordinary.frames(torch.tensor([60, 8])).tolist() == [7, 1]


def test_a_plateau_without_blanks_is_not_reported_as_blank(registry, tmp_path):
    printed = []

    class Listener(ProgressListener):
        def notice(self, text):
            printed.append(text)

    settings = {
        **SLOTS,
        "lr": 1e-9,
        "epochs": 50,
        "train_samples": 70,
        "schedule": "constant",
        "batch_size": 16,
    }
    result = runner.run(resolve(registry, tiny(**settings)), Runtime(tmp_path, listener=Listener()))
    (plateau,) = [text for text in printed if "plateau" in text]
    assert "plateau: no better than guessing for 200 steps" in plateau
    assert "blank" not in plateau

    from ctcbench.cli.views.run_diagnosis import diagnosis

    advice = str(diagnosis(result))
    assert "a plateau; no better than guessing for the last 250 steps" in advice or "same text" in advice
    assert "--shortcut" not in advice and "--blank-penalty" not in advice


def test_a_loss_and_a_decoder_of_a_plugin_declare_their_alignment():
    @loss(alignment="fixed")
    def mine(alphabet):
        """A loss."""

    @decoder(alignment="fixed")
    def reads(alphabet):
        """A decoder."""

    @decoder
    def usual(alphabet):
        """A decoder of CTC's."""

    assert (mine.kind, mine.alignment, reads.alignment, usual.alignment) == ("loss", "fixed", "fixed", "ctc")
    with pytest.raises(PluginError, match=r"alignment 'rnnt' \(allowed: ctc, fixed\)"):
        decoder(alignment="rnnt")(usual.builder)


def test_log_probs_have_one_frame_a_slot(finished):

    read: LogProbs = finished.read_log_probs("test")
    assert read.values_NTK.shape == (12, 2, 11)
    assert read.lengths_N.tolist() == [2] * 12


def test_the_gallery_of_mistakes_does_not_merge_slots():
    from ctcbench.reporting.formats.html.gallery import _frame_diagnostics

    read = confident_of(Alphabet("ab"), ("aab",), 4, "fixed")
    found = _frame_diagnostics(read, RunConfig(), 0, by_ctc=False)
    assert found["path"] == "aab·"
    assert [text for text, _ in found["best"]] == ["aab"]
    assert _frame_diagnostics(read, RunConfig(), 0, by_ctc=True)["best"][0][0] == "ab"


def test_show_counts_the_frames_of_the_head(capsys):
    flags = [f"--{name}={value}" for name, value in SLOTS.items()]
    assert main(["show", *flags]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "2 of 8 features" in printed
    assert main(["show", "--head", "slots:count=5"]) == 2
    assert "--shortcut none" in capsys.readouterr().err
