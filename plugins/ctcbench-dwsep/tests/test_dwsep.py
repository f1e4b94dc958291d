"""The backbone passes the conformance kit and has the shapes that its README states."""

import torch
from ctcbench import ImageSpec, UsageError
from ctcbench.testing import conformance_tests

from ctcbench_dwsep import dwsep

test_conformance = conformance_tests(dwsep, width=8)
test_conformance_of_colour_and_depth = conformance_tests(dwsep, image=ImageSpec(16, 64, channels=3), depth=1)


def test_a_captcha_has_37_frames():
    feats_NFHW = dwsep(ImageSpec(40, 150), width=16)(torch.zeros(2, 1, 40, 150))
    assert tuple(feats_NFHW.shape) == (2, 16, 10, 37)


def test_it_has_a_fraction_of_the_weights_of_cnn3():
    from ctcbench.builtin.backbones import cnn3

    def weights(component):
        return sum(p.numel() for p in component(ImageSpec(40, 150)).parameters())

    assert weights(dwsep) < weights(cnn3) / 10


def test_an_option_out_of_bounds_is_an_error():
    try:
        dwsep(ImageSpec(40, 150), width=4)
    except UsageError as error:
        assert "width=4" in str(error) and "8 to 512" in str(error)
    else:
        raise AssertionError("width=4 was accepted")
