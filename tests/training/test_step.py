from dataclasses import replace

import numpy as np
import pytest
import torch

from ctcbench.config.recipe import Recipe
from ctcbench.contract.errors import UsageError
from ctcbench.contract.specs import BLANK
from ctcbench.training import device, split
from ctcbench.training.batch_parts import split_batch
from ctcbench.training.recognizer.network import build_recognizer
from ctcbench.training.step import is_all_blank, penalised, train_step, training_loss
from tests.tiny_config import tiny
from tests.training.step_cases import ALPHABET, IMAGE, some_state, steps


def test_batches_are_a_pure_function_of_seed_and_step(registry):
    _, part, config = some_state(registry)
    forward = [split.batch_at(part, step, config).images_NCHW for step in range(6)]
    other = config.replace(seed=1)
    for step in (5, 0, 3):
        # Trainings of several seeds take turns on one split.
        assert not torch.equal(split.batch_at(part, step, other).images_NCHW, forward[step])
        assert torch.equal(split.batch_at(part, step, config).images_NCHW, forward[step])


def test_an_epoch_has_every_image_once_and_the_last_batch_is_smaller(registry):
    _, part, config = some_state(registry)
    assert split.steps_per_epoch(part, config) == 2
    for epoch in (0, 1):
        batches = [split.batch_at(part, 2 * epoch + step, config) for step in (0, 1)]
        assert [len(batch.images_NCHW) for batch in batches] == [16, 4]
        seen = torch.cat([batch.images_NCHW for batch in batches]).flatten(1).sum(1).sort().values
        everything = torch.from_numpy(part.images_NCHW).flatten(1).sum(1).sort().values
        assert torch.equal(seen, everything)


def test_the_same_seed_repeats_a_training_with_dropout_bit_for_bit(registry):
    first, again, other = (steps(registry, 4, seed=seed)[0] for seed in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.parametrize(("until", "augmented"), [(0.0, 0), (0.25, 3), (0.8, 8), (1.0, 10)])
def test_the_last_steps_are_not_augmented(registry, until, augmented):
    state, part, config = some_state(registry, augment_until=until)
    seen = []
    state.augment = lambda images_NCHW, widths_N: seen.append(state.step) or 255 - images_NCHW
    for step in range(state.steps):
        train_step(state, split.batch_at(part, step, config), config)
    assert seen == list(range(augmented))


@pytest.mark.parametrize("shortcut", ["sum", "aux", "none"])
def test_training_overfits_a_single_batch(registry, shortcut):
    losses, _ = steps(
        registry, 40, shortcut=shortcut, lr=0.02, schedule="constant", epochs=20,
        backbone="cnn3:width=8", head="bigru1:width=16", train_samples=16,
    )  # fmt: skip
    assert losses[-1] < 0.8 * losses[2]


@pytest.mark.parametrize("settings", [{"ema": 0.5}, {"clip": 0.0}, {"amp": None}, {"channels_last": False}])
def test_losses_are_finite_in_every_variant_of_a_step(registry, settings):
    losses, state = steps(registry, 3, **settings)
    assert np.isfinite(losses).all()
    if "ema" in settings:
        averaged = dict(state.ema.module.named_parameters())
        assert any(not torch.equal(p, averaged[name]) for name, p in state.model.named_parameters())


def test_clipping_bounds_the_gradient(registry):
    state, part, config = some_state(registry, clip=0.01)
    metrics = train_step(state, split.batch_at(part, 0, config), config)
    total = torch.stack([p.grad.norm() for p in state.model.parameters()]).norm()
    assert metrics.grad_norm > 0.01
    assert total == pytest.approx(0.01, rel=1e-3)


PLAIN = {"backbone": "cnn3:width=4,norm=group", "head": "bigru1:width=8", "optimizer": "adamw", "loss": "ctc"}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"shortcut": "aux", "blank_penalty": 2.0, "ema": 0.5},
        {"augmentation": "distort", "clip": 0.01},
    ],
    ids=str,
)
def test_a_batch_in_parts_has_the_gradient_of_the_whole_batch(registry, settings):
    # Batches of 16 and 4 images; 3 divides neither.
    whole, state = steps(registry, 4, **PLAIN, **settings)
    for parts in (2, 3, 16):
        losses, in_parts = steps(registry, 4, **PLAIN, **settings, accumulate=parts)
        assert losses == pytest.approx(whole, rel=1e-4)
        for name, p in state.model.named_parameters():
            torch.testing.assert_close(dict(in_parts.model.named_parameters())[name], p, rtol=1e-3, atol=1e-4)


def test_one_part_is_the_step_without_parts_bit_for_bit(registry):
    (one, state), (other, again) = steps(registry, 3), steps(registry, 3, accumulate=1)
    assert one == other
    for p, q in zip(state.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(p, q)


def test_batch_norm_is_computed_for_each_part(registry):
    _, state = steps(registry, 2, backbone="cnn3:width=4", accumulate=3)
    counts = {int(b) for name, b in state.model.named_buffers() if name.endswith("num_batches_tracked")}
    assert counts == {6}


def test_every_process_has_the_same_number_of_parts(registry):
    _, part, config = some_state(registry)
    batch = split.batch_at(part, 0, config)
    # Two of three processes have 5 of 16 images, the other one 6.
    for size in (5, 6):
        tensors = [tensor[:size] for tensor in batch[:4]]
        shard = split.Batch(*tensors, weight=3 * size / 16)
        parts = split_batch(shard, 6)
        assert len(parts) == 5
        assert sum(share for _, share in parts) == pytest.approx(1)
        assert torch.equal(torch.cat([one.images_NCHW for one, _ in parts]), shard.images_NCHW)
        assert {one.weight for one, _ in parts} == {shard.weight}


def test_norms_and_biases_do_not_decay(registry):
    state, _, _ = some_state(registry, weight_decay=0.1, optimizer="adamw")
    decayed, free = state.optimizer.param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
    assert all(p.ndim >= 2 for p in decayed["params"])
    assert all(p.ndim < 2 for p in free["params"])
    assert len(decayed["params"]) + len(free["params"]) == len(list(state.model.parameters()))


def test_the_penalty_is_subtracted_from_the_blanks_logit_alone():
    logits_TNK = torch.randn(3, 2, 5)
    changed = penalised(logits_TNK, 2.0)
    assert torch.equal(changed[..., 1:], logits_TNK[..., 1:])
    assert torch.allclose(changed[..., 0], logits_TNK[..., 0] - 2)
    assert penalised(logits_TNK, 0.0) is logits_TNK


def test_the_loss_is_torchs_ctc_in_nats_an_image(registry):
    state, part, config = some_state(registry, loss="ctc")
    batch = split.batch_at(part, 0, config)
    logits_TNK = torch.randn(7, 16, 11)
    state.model.sequence = type(state.model.sequence)(7, state.model.sequence.features)
    ours = training_loss(state, logits_TNK, batch)
    theirs = torch.nn.functional.ctc_loss(
        logits_TNK.log_softmax(-1), batch.targets_NL, torch.full((16,), 7), batch.target_lengths_N,
        reduction="sum",
    )  # fmt: skip
    assert ours.item() == pytest.approx(theirs.item() / 16, rel=1e-6)


def test_label_smoothing_and_entropy_follow_their_formulas(registry):
    log_probs_TNK = torch.randn(7, 4, 11).log_softmax(-1)
    arguments = (
        log_probs_TNK,
        torch.tensor([7, 7, 7, 5]),
        torch.ones(4, 2).long(),
        torch.tensor([1, 1, 2, 1]),
    )
    plain, smooth, entropic = (
        registry.build("loss", name, ALPHABET)(*arguments).item()
        for name in ("ctc", "ctc:label_smoothing=0.25", "ctc:entropy=0.5")
    )
    counted = torch.cat([log_probs_TNK[:, :3].reshape(-1, 11), log_probs_TNK[:5, 3]])
    assert smooth == pytest.approx(0.75 * plain - 0.25 * counted.mean().item(), rel=1e-5)
    entropy = -(counted.exp() * counted).sum(-1).mean().item()
    assert entropic == pytest.approx(plain - 0.5 * entropy, rel=1e-5)


def test_a_device_that_does_not_exist_is_an_error():
    if torch.cuda.is_available():
        with pytest.raises(UsageError, match="--device cuda:99: there are"):
            device.choose_compute(tiny(device="cuda:99"))
    else:
        with pytest.raises(UsageError, match="--device cuda: torch sees no CUDA device here"):
            device.choose_compute(tiny(device="cuda"))


def test_mixed_precision_that_the_cpu_does_not_support_is_an_error(monkeypatch):
    monkeypatch.setattr(device, "_cpu_has_bfloat16", lambda: False)
    assert device.choose_compute(tiny(device="cpu")).amp_dtype is None
    with pytest.raises(UsageError, match="--amp: this CPU has no bfloat16"):
        device.choose_compute(tiny(device="cpu", amp=True))
    with pytest.raises(UsageError, match="float16"):
        device.choose_compute(tiny(device="cpu", amp_dtype="float16"))
    monkeypatch.setattr(device, "_cpu_has_bfloat16", lambda: True)
    assert device.choose_compute(tiny(device="cpu", amp=True)).amp_dtype is torch.bfloat16
    assert device.choose_compute(tiny(device="cpu", amp=False)).amp_dtype is None


def test_without_mixed_precision_tensorfloat32_is_off():
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32
    for amp_dtype in (None, torch.bfloat16):
        with device.torch_settings(tiny(), device.Compute(torch.device("cpu"), amp_dtype)):
            assert cudnn.allow_tf32 is (amp_dtype is not None)
        assert cudnn.allow_tf32 is before


def test_frames_of_padding_are_not_outputs(registry):
    """A class that wins in the padding alone is no output."""
    config = tiny(dataset="captcha:width=60,height=24,length=1-3,variable=true,alphabet=digits")
    model = build_recognizer(Recipe(registry, config), replace(IMAGE, variable=True), ALPHABET)
    logits_TNK = torch.zeros(7, 1, 11)
    logits_TNK[:3, :, BLANK] = 1
    logits_TNK[3:, :, 5] = 1
    assert bool(is_all_blank(model, logits_TNK, torch.tensor([24])))
    assert not bool(is_all_blank(model, logits_TNK, torch.tensor([32])))
    assert not bool(is_all_blank(model, logits_TNK))


def test_a_frozen_backbone_is_frozen_in_every_training_state(registry):
    # Also in the one that times steps for a budget.
    state, _, _ = some_state(registry, freeze="backbone", init_from="a run")
    trained = {id(p) for group in state.optimizer.param_groups for p in group["params"]}
    assert not trained.intersection(map(id, state.model.backbone.parameters()))
    assert trained.issuperset(map(id, state.model.classifier.parameters()))
    assert not any(module.training for module in state.model.train().backbone.modules())
