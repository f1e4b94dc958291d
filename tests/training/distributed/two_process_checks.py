"""Computations of two processes for test_process_group.py, started by torchrun; each writes its tensors."""

import copy
import os
import sys
from dataclasses import replace

import numpy as np
import torch
from safetensors.torch import save_file
from torch import distributed, nn

from ctcbench.config.recipe import Recipe
from ctcbench.registry.discovery import load_registry
from ctcbench.training import device, split
from ctcbench.training.distributed.process_group import SINGLE_PROCESS_GROUP
from ctcbench.training.distributed.process_rank import read_process_rank
from ctcbench.training.distributed.sync_batch_norm import synchronise
from ctcbench.training.distributed.torch_process_group import join_process_group
from ctcbench.training.recognizer.network import build_recognizer
from ctcbench.training.step import new_state, train_step
from tests.tiny_config import tiny
from tests.training.step_cases import ALPHABET, IMAGE, ragged_samples, some_samples

NORMS = {
    "2d": (nn.BatchNorm2d(5), (9, 5, 4, 6), torch.float32),
    "of-rows": (nn.BatchNorm1d(5), (9, 5), torch.float32),
    "1d": (nn.BatchNorm1d(5), (3, 5, 7), torch.float32),
    "bfloat16": (nn.BatchNorm2d(5), (9, 5, 4, 6), torch.bfloat16),
    "plain-mean": (nn.BatchNorm2d(5, momentum=None), (8, 5, 4, 6), torch.float32),
    "no-weights": (nn.BatchNorm2d(5, affine=False), (8, 5, 4, 6), torch.float32),
    "untracked": (nn.BatchNorm2d(5, track_running_stats=False), (8, 5, 4, 6), torch.float32),
    "far-from-zero": (nn.BatchNorm2d(5), (9, 5, 4, 6), torch.float32),
}
STEPS = {
    "default": {},
    "aux": {"shortcut": "aux"},
    "no-shortcut": {"shortcut": "none"},
    "averaged": {"ema": 0.9, "blank_penalty": 1.0, "clip": 0.5},
    "unclipped": {"clip": 0.0, "schedule": "plateau"},
    "group-norm": {"backbone": "cnn3:width=4,norm=group"},
    "smoothed": {"loss": "ctc:label_smoothing=0.1,entropy=0.1"},
    "deterministic": {"deterministic": True},
    "one-image-left": {"train_samples": 17},
    "own-head": {},
    "muon": {"optimizer": "muon", "lr": 1e-4},
    "in-parts": {"backbone": "cnn3:width=4,norm=group", "accumulate": 4, "blank_penalty": 1.0, "clip": 0.5},
    "variable": {"dataset": "captcha:width=60,height=24,length=1-3,alphabet=digits,variable=true"},
}


class HeadWithNorm(nn.Module):
    """A head with a norm of its own, and weights that never get a gradient."""

    def __init__(self, features, width):
        super().__init__()
        self.rnn, self.norm, self.never = nn.GRU(features, width), nn.BatchNorm1d(width), nn.Linear(3, 3)

    def forward(self, feats_TNF):
        feats_TND = self.rnn(feats_TNF)[0]
        return self.norm(feats_TND.permute(1, 2, 0)).permute(2, 0, 1)


def norm_steps(norm, input, factors, group):
    """Train a norm for three steps on a part of the input, and return all that came of it."""
    own, _ = group.shard(np.arange(len(input)))
    found = {}
    for number in range(3):
        part = (input[own] * (1 + number)).requires_grad_()
        output = norm(part)
        (output.float() * factors[own]).sum().backward()
        found |= {f"output{number}": output.detach().float(), f"gradient{number}": part.grad.float()}
    for name, parameter in norm.named_parameters():
        if group is not SINGLE_PROCESS_GROUP:
            distributed.all_reduce(parameter.grad)
        found[f"gradient.{name}"] = parameter.grad
    found |= {f"buffer.{name}": buffer for name, buffer in norm.named_buffers()}
    found["evaluated"] = norm.eval()(input).float()
    return found


def check_norms(group):
    found = {}
    for name, (norm, shape, dtype) in NORMS.items():
        generator = torch.Generator().manual_seed(len(name))
        input = torch.randn(shape, generator=generator) * 2 + (1000 if name == "far-from-zero" else 1)
        factors = torch.randn(shape, generator=generator)
        if norm.affine:
            nn.init.normal_(norm.weight, 1, 0.3, generator=generator)
            nn.init.normal_(norm.bias, 0, 0.3, generator=generator)
        ours = synchronise(nn.Sequential(copy.deepcopy(norm)))
        whole = norm_steps(nn.Sequential(norm), input.to(dtype), factors, SINGLE_PROCESS_GROUP)
        own, _ = group.shard(np.arange(len(input)))
        for key, value in norm_steps(ours, input.to(dtype), factors, group).items():
            theirs = whole[key][own] if key[:-1] in ("output", "gradient") else whole[key]
            found[f"{name}/{key}/ours"], found[f"{name}/{key}/theirs"] = value, theirs
    return found


def steps(settings, group, count=4, *, own_head=False, drawn=None, reverse=False):
    config = tiny(**{"backbone": "cnn3:width=4", "head": "bigru1:width=8", "amp": False, "device": "cpu",
                     "batch_size": 15, "lr": 1e-3, "train_samples": 20, "optimizer": "adamw", "loss": "ctc",
                     **settings})  # fmt: skip
    if config.train_samples == 17:
        config = config.replace(batch_size=16)
    registry = load_registry([])
    compute = device.choose_compute(config, group.process_rank)
    torch.manual_seed(config.seed)
    recipe = Recipe(registry, config)
    variable = "variable" in config.dataset
    model = build_recognizer(recipe, replace(IMAGE, variable=variable), ALPHABET)
    if own_head:
        model.head = HeadWithNorm(model.sequence.features, model.classifier.in_features)
    samples = ragged_samples([20, 34, 51, 60, 43] * 4) if variable else some_samples(config.train_samples)
    part = split.make_split(samples, ALPHABET, compute.device).with_buckets(config.batch_size, exact=False)
    state = new_state(recipe, model, compute, count, group)
    state.model.train()
    initial = {name: value.clone() for name, value in model.state_dict().items()}
    if drawn is not None:  # what dropout would draw first
        model.register_forward_pre_hook(lambda *_: drawn.append(torch.rand(())))
    found = {"losses": [], "norms": [], "images": []}
    for number in range(count):
        batch = split.batch_at(part, number, config, group)
        if reverse:
            *tensors, weight = batch
            batch = split.Batch(*(tensor.flip(0) for tensor in tensors), weight)
        metrics = train_step(state, batch, config)
        found["losses"].append(metrics.loss)
        found["norms"].append(metrics.grad_norm)
        found["images"].append(torch.tensor(len(batch.images_NCHW)))
        if number == 0:
            found |= {
                f"gradient.{name}": p.grad.clone()
                for name, p in model.named_parameters()
                if p.grad is not None
            }
    found |= {name: torch.stack(found[name]) for name in ("losses", "norms", "images")}
    averaged = {} if state.ema is None else {f"ema.{k}": v for k, v in state.ema.state_dict().items()}
    final = model.state_dict()
    moved = {f"moved.{name}": final[name] - initial[name] for name in final}
    return found | {f"state.{name}": value for name, value in final.items()} | averaged | moved


def check_steps(group):
    """Train over the group; the main process also trains alone, with batches in order and reversed.

    The two trainings alone differ by rounding only: sums over a batch are taken in another order.
    """
    found = {}
    for name, settings in STEPS.items():
        trained = {"ours": steps(settings, group, own_head=name == "own-head")}
        if group.is_main:
            for how, reverse in (("theirs", False), ("reversed", True)):
                trained[how] = steps(
                    settings, SINGLE_PROCESS_GROUP, own_head=name == "own-head", reverse=reverse
                )
                assert list(trained[how]) == list(trained["ours"])
        found |= {f"{name}/{key}/{how}": value for how, all in trained.items() for key, value in all.items()}
    return found


def check_dropped(group):
    """Train twice with dropout, and record the losses and the first random number of each step."""
    settings, found = {"head": "bigru1:width=8,dropout=0.5"}, {}
    for time in range(2):
        found[f"dropped/{time}"] = steps(settings, group, 4, drawn=(drawn := []))["losses"]
        found[f"drawn/{time}"] = torch.stack(drawn)
    return found


def check_messages(group):
    """Exchange values, flags and turns."""
    rank = group.rank
    assert group.broadcast({"a": [1.5, None], "b": "é" * 100_000 * (rank + 1)}) == {
        "a": [1.5, None],
        "b": "é" * 100_000,
    }
    assert [group.any_process(False), group.any_process(rank == 1), group.any_process(True)] == [
        False,
        True,
        True,
    ]
    order = []
    group.main_process_first(lambda: order.append(group.process_rank.is_local_main))
    assert order == [rank == 0]
    return {}


with join_process_group(read_process_rank(), tiny(device="cpu", amp=False)) as group:
    found = check_norms(group) | check_steps(group) | check_dropped(group) | check_messages(group)
    plain = {name: tensor.detach().clone().contiguous() for name, tensor in found.items()}
    save_file(plain, f"{sys.argv[1]}/{os.environ['RANK']}.safetensors")
