"""One call of a backbone and of a head: what they make, and errors that name them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ctcbench import ImageSpec
from ctcbench.contract.errors import PluginError, UsageError
from ctcbench.contract.specs import SequenceSpec
from ctcbench.training.recognizer.module_probe import makes_own_frames, probe_backbone, probe_head


def test_frames_and_features_are_found_and_no_statistic_moves():
    backbone = nn.Sequential(nn.BatchNorm2d(1), nn.MaxPool2d(2))
    assert probe_backbone(backbone, ImageSpec(8, 30), "backbone mine") == SequenceSpec(frames=15, features=4)
    assert backbone.training and not backbone[0].num_batches_tracked
    assert probe_head(nn.Linear(4, 7), SequenceSpec(15, 4), "head mine") == SequenceSpec(15, 7)


def test_an_image_too_small_for_the_backbone_is_a_usage_error():
    with pytest.raises(UsageError, match="backbone mine: can't take images of 1×4×150"):
        probe_backbone(nn.Conv2d(1, 2, 5), ImageSpec(4, 150), "backbone mine")


def test_a_head_that_cannot_take_the_features_is_named():
    with pytest.raises(PluginError, match=r"head mine: can't take features \(18, 2, 640\): .*shapes"):
        probe_head(torch.nn.Linear(5, 7), SequenceSpec(frames=18, features=640), "head mine")


def test_a_head_makes_own_frames_only_where_it_says_so():
    head = nn.Linear(1, 1)
    assert not makes_own_frames(head)
    head.whole_image = True
    assert makes_own_frames(head)
