"""The spec sheet: shapes, parameters and FLOPs beside sums done by hand."""

from __future__ import annotations

import pytest

from ctcbench.config.recipe import resolve
from ctcbench.config.run_config import RunConfig
from ctcbench.registry.component_registry import Registry
from ctcbench.training.recognizer.spec_sheet import spec_sheet


def _config(**settings: object) -> RunConfig:
    small = {"backbone": "cnn2:width=4,norm=none", "head": "none", "decoder": "greedy", "shortcut": "none"}
    return RunConfig(**(small | settings))


def test_figures_equal_those_computed_by_hand(registry: Registry) -> None:
    sheet = spec_sheet(resolve(registry, _config()))
    # cnn2: 4 channels on 40×150, then 8 on 20×75, then pooled to 5×75; a classifier of 63 on 75 frames.
    assert (sheet.image, sheet.classes, sheet.frames, sheet.features) == ((1, 40, 150), 63, 75, 40)
    shapes = {stage.name: stage.shape for stage in sheet.stages}
    assert shapes["backbone.0"] == (1, 4, 40, 150)
    assert shapes["fold"] == (75, 1, 40)
    assert shapes["classifier"] == (75, 1, 63)
    assert sheet.parameters["backbone"] == 4 * 9 + 4 + 8 * 4 * 9 + 8
    assert sheet.total_parameters == sheet.parameters["backbone"] + 40 * 63 + 63
    assert sheet.flops == 2 * (40 * 150 * 4 * 9 + 20 * 75 * 8 * 4 * 9 + 75 * 40 * 63)
    assert sheet.characters == 5 and sheet.frames_per_character == 15


@pytest.mark.parametrize(
    "head, gates, layers, directions",
    [("lstm1", 4, 1, 1), ("bilstm2", 4, 2, 2), ("gru2", 3, 2, 1), ("bigru1", 3, 1, 2)],
)
def test_flops_of_recurrent_heads(
    registry: Registry, head: str, gates: int, layers: int, directions: int
) -> None:
    width, features, frames = 16, 40, 75
    alone = spec_sheet(resolve(registry, _config())).flops - 2 * frames * features * 63
    sheet = spec_sheet(resolve(registry, _config(head=f"{head}:width={width}")))
    entering = [features] + [width * directions] * (layers - 1)
    by_hand = sum(2 * frames * directions * gates * width * (one + width) for one in entering)
    assert sheet.flops == alone + by_hand + 2 * frames * width * directions * 63


def test_the_spec_sheet_leaves_torchs_generator_unchanged(registry: Registry) -> None:
    import torch

    before = torch.random.get_rng_state()
    spec_sheet(resolve(registry, _config()))
    assert torch.equal(before, torch.random.get_rng_state())
