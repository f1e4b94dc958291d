import pytest
import torch

from ctcbench import Alphabet, ImageSpec, RunConfig
from ctcbench.builtin.modules import Residual
from ctcbench.config.recipe import Recipe
from ctcbench.training.recognizer.network import build_recognizer, fold

IMAGE = ImageSpec(40, 150)
ALPHABET = Alphabet("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def build(registry, image=IMAGE, **settings):
    return build_recognizer(Recipe(registry, RunConfig(**settings)), image, ALPHABET)


@pytest.mark.parametrize(
    ("backbone", "head", "stages", "sequence", "output"),
    [
        ("cnn2", "lstm1", [(64, 20, 75), (128, 5, 75)], (75, 640), (75, 3, 128)),
        ("cnn3", "bilstm2", [(64, 20, 75), (128, 10, 37), (256, 5, 18)], (18, 1280), (18, 3, 256)),
    ],
)
def test_the_stages_have_the_talks_shapes(registry, backbone, head, stages, sequence, output):
    """2 layers: 40×150 -> 75 frames of 640 -> 75×B×128; 3 layers: -> 18 frames of 1280 -> 18×B×256."""
    model = build(registry, backbone=backbone, head=head).eval()
    seen = []
    for module in model.backbone:
        if isinstance(module, torch.nn.MaxPool2d):
            module.register_forward_hook(lambda _, __, out: seen.append(tuple(out.shape[1:])))
    heads = []
    model.head.register_forward_hook(lambda _, __, out: heads.append(tuple(out.shape)))
    logits_TNK = model(torch.zeros(3, 1, 40, 150, dtype=torch.uint8)).logits_TNK
    print(backbone, seen, head, heads)
    assert seen == stages
    assert (model.sequence.frames, model.sequence.features) == sequence
    assert heads == [output]
    assert logits_TNK.shape == (sequence[0], 3, 63)


@pytest.mark.parametrize(("step", "frames"), [(4, 37), (8, 18)])
def test_cnn5_returns_a_frame_per_stride_of_columns(registry, step, frames):
    model = build(registry, backbone=f"cnn5:step={step}", head="none")
    assert (model.sequence.frames, model.sequence.features) == (frames, 128 * 5)


def test_cnn7_returns_a_frame_per_four_columns_and_has_residual_blocks(registry):
    model = build(registry, backbone="cnn7:width=8", head="none").eval()
    assert (model.sequence.frames, model.sequence.features) == (37, 48 * 5)
    (residual,) = [module for module in model.modules() if isinstance(module, Residual)]
    feats_NFHW = torch.randn(2, 32, 5, 37)
    assert torch.equal(residual(feats_NFHW), feats_NFHW + residual.body(feats_NFHW))


HEADS = {
    "lstm1": ("LSTM", 1, False), "lstm2": ("LSTM", 2, False),
    "bilstm1": ("LSTM", 1, True), "bilstm2": ("LSTM", 2, True),
    "gru1": ("GRU", 1, False), "gru2": ("GRU", 2, False),
    "bigru1": ("GRU", 1, True), "bigru2": ("GRU", 2, True),
}  # fmt: skip


@pytest.mark.parametrize("head", [*HEADS, "none"])
def test_every_builtin_head_returns_its_features(registry, head):
    model = build(registry, head=head)
    if head == "none":
        assert model.classifier.in_features == model.sequence.features
        assert model.bypass is None  # the shortcut would be the same classifier twice
        return
    cell, layers, bidirectional = HEADS[head]
    rnn = model.head.rnn
    assert (type(rnn).__name__, rnn.num_layers, rnn.bidirectional) == (cell, layers, bidirectional)
    assert model.classifier.in_features == 128 * (1 + bidirectional)


def test_fold_makes_columns_frames_and_rows_features():
    feats_NFHW = torch.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    feats_TNF = fold(feats_NFHW)
    assert feats_TNF.shape == (5, 2, 12)
    assert feats_TNF[2, 1].tolist() == feats_NFHW[1, :, :, 2].flatten().tolist()


def test_the_shortcut_is_a_sum_a_loss_of_its_own_or_nothing(registry):
    images = torch.randint(0, 256, (2, 1, 40, 150), dtype=torch.uint8)
    plain = build(registry, shortcut="none")
    assert plain.bypass is None
    assert plain(images).aux_TNK is None
    summed = build(registry, shortcut="sum").eval()
    feats_TNF = fold(summed.backbone(1 - images.float() / 255))
    expected = summed.classifier(summed.head(feats_TNF)) + summed.bypass(feats_TNF)
    assert torch.allclose(summed(images).logits_TNK, expected, atol=1e-5)
    aux = build(registry, shortcut="aux")
    assert aux.train()(images).aux_TNK.shape == (18, 2, 63)
    assert aux.eval()(images).aux_TNK is None


def test_padding_gives_fewer_frames(registry):
    model = build(registry)
    assert model.frames(torch.tensor([150, 75, 1, 149])).tolist() == [18, 9, 1, 18]


def test_options_change_the_model(registry):
    assert build(registry, backbone="cnn3:width=8").sequence.features == 8 * 4 * 5
    kinds = {type(m).__name__ for m in build(registry, backbone="cnn2:norm=group,activation=gelu").modules()}
    assert {"GroupNorm", "GELU"} <= kinds
    assert "BatchNorm2d" not in kinds
    dropped = build(registry, backbone="cnn2:dropout=0.5").modules()
    assert any(isinstance(m, torch.nn.Dropout2d) and m.p == 0.5 for m in dropped)
