"""MaskedSequential: layers compute of a padded image what they compute of it alone."""

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ctcbench.masking import MaskedSequential

WIDTHS = (29, 12, 21)
PADDED = 32
LAYERS = {
    "convolution": lambda: nn.Conv2d(2, 6, 5, stride=2, padding=2),
    "wide dilation": lambda: nn.Conv2d(2, 6, 3, padding=(1, 2), dilation=(1, 2)),
    "same padding": lambda: nn.Conv2d(2, 6, (3, 4), padding="same"),
    "valid padding": lambda: nn.Conv2d(2, 6, 3, padding="valid"),
    "one pixel": lambda: nn.Conv2d(2, 6, 1),
    "one pixel, padded": lambda: nn.Conv2d(2, 6, 1, padding=1),
    "max pooling": lambda: nn.MaxPool2d(2),
    "overlapping pooling": lambda: nn.MaxPool2d(3, 2, padding=1),
    "dilated pooling": lambda: nn.MaxPool2d(2, (2, 1), dilation=2),
    "mean pooling": lambda: nn.AvgPool2d(3, 2, padding=1),
    "batch norm": lambda: nn.BatchNorm2d(2),
    "group norm": lambda: nn.GroupNorm(1, 2),
    "activation": lambda: nn.Hardsigmoid(),
}


def padded(chance):
    """Return images_NCHW whose padding is far from paper, and the images alone."""
    alone = [torch.randn(1, 2, 9, width, generator=chance) for width in WIDTHS]
    images_NCHW = torch.full((len(alone), 2, 9, PADDED), 50.0)
    for row, image in enumerate(alone):
        images_NCHW[row, :, :, : image.shape[3]] = image[0]
    return images_NCHW, alone


def network(layer):
    """Return the layer between others: what it leaves in the padding must not matter either."""
    torch.manual_seed(0)
    channels = layer(torch.zeros(2, 2, 9, 30)).shape[1]
    return MaskedSequential(
        nn.Conv2d(2, 2, 3, padding=1), nn.Tanh(), layer, nn.Conv2d(channels, 4, 3, padding=1)
    )


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", LAYERS)
def test_a_padded_image_has_the_features_that_it_has_alone(name):
    layers = network(LAYERS[name]()).eval()
    images_NCHW, alone = padded(torch.Generator().manual_seed(1))
    widths_N = torch.tensor(WIDTHS)
    feats_NFHW, frames = layers(images_NCHW, widths_N), layers.frames(widths_N).tolist()
    for row, image in enumerate(alone):
        expected = layers(image)
        assert frames[row] == expected.shape[3]
        assert torch.allclose(feats_NFHW[row : row + 1, :, :, : frames[row]], expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_do_not_depend_on_the_padding(name):
    layers = network(LAYERS[name]()).eval()
    images_NCHW, alone = padded(torch.Generator().manual_seed(1))
    widths_N = torch.tensor(WIDTHS)
    feats_NFHW, frames = layers(images_NCHW, widths_N), layers.frames(widths_N).tolist()
    sum(feats_NFHW[row, :, :, :count].square().sum() for row, count in enumerate(frames)).backward()
    got = [parameter.grad.clone() for parameter in layers.parameters()]
    layers.zero_grad()
    sum(layers(image).square().sum() for image in alone).backward()
    for one, parameter in zip(got, layers.parameters(), strict=True):
        assert torch.allclose(one, parameter.grad, rtol=1e-4, atol=1e-4)


def concatenated(norm, alone):
    """Return what batch norm makes of all columns of the images, as one image without padding."""
    return norm(torch.cat(alone, dim=3)).split(WIDTHS, dim=3)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_batch_norm_in_training_has_the_statistics_of_the_valid_columns(momentum):
    norms = [nn.BatchNorm2d(2, momentum=momentum) for _ in range(2)]
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.5, 2)
        norm.load_state_dict(norms[0].state_dict())
    layers = MaskedSequential(norms[0]).train()
    for step in range(2):
        images_NCHW, alone = padded(torch.Generator().manual_seed(step))
        images_NCHW.requires_grad_()
        alone = [image.requires_grad_() for image in alone]
        expected = concatenated(norms[1], alone)
        made_NCHW = layers(images_NCHW, torch.tensor(WIDTHS))
        # Cubes: the gradient of the plain sum of normalised values is 0.
        for row, width in enumerate(WIDTHS):
            for part in (made_NCHW[row, :, :, :width], expected[row]):
                ((row + 1) * part).pow(3).sum().backward(retain_graph=True)
        for row, width in enumerate(WIDTHS):
            assert torch.allclose(made_NCHW[row, :, :, :width], expected[row][0], atol=1e-5)
            assert torch.allclose(images_NCHW.grad[row, :, :, :width], alone[row].grad[0], atol=1e-3)
            assert not images_NCHW.grad[row, :, :, width:].any()
        for one, other in zip(norms[0].parameters(), norms[1].parameters(), strict=True):
            assert torch.allclose(one.grad, other.grad, rtol=1e-3)
        for one, other in zip(norms[0].buffers(), norms[1].buffers(), strict=True):
            assert torch.allclose(one, other, rtol=1e-5)


class SavedStatistics(TorchDispatchMode):
    """Records the saved mean and inverse deviation that batch norm's backward pass is given."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.native_batch_norm_backward.default:
            self.given = args[5:7]
        return func(*args, **(kwargs or {}))


def test_torchs_kernels_get_the_statistics_in_both_ways_that_they_read_them():
    """That of CUDA for channels-last features fails without saved ones, which that of a CPU does not read."""
    norm, images_NCHW = nn.BatchNorm2d(2), padded(torch.Generator().manual_seed(2))[0].requires_grad_()
    with SavedStatistics() as saved:
        MaskedSequential(norm)(images_NCHW, torch.tensor(WIDTHS)).sum().backward()
    mean_C, scale_C = saved.given
    assert torch.allclose(norm.running_mean, 0.1 * mean_C)
    pixels = sum(9 * width for width in WIDTHS)
    var_C = (norm.running_var - 0.9) / 0.1 * (pixels - 1) / pixels
    assert torch.allclose(scale_C, torch.rsqrt(var_C + norm.eps), rtol=1e-4)


def test_without_widths_it_is_torchs_sequential():
    layers = network(nn.BatchNorm2d(2)).train()
    plain = nn.Sequential(*layers)
    images_NCHW, _ = padded(torch.Generator())
    assert torch.equal(layers(images_NCHW), plain(images_NCHW))
    assert layers.state_dict().keys() == plain.state_dict().keys()


class Unknown(nn.Module):
    pass


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (Unknown(), "Unknown"),
        (nn.Sequential(nn.ReLU()), "Sequential"),
        (nn.Conv2d(1, 1, 3, padding_mode="reflect"), "Conv2d with padding_mode='reflect'"),
        (nn.MaxPool2d(2, ceil_mode=True), "MaxPool2d with ceil_mode=True"),
        (nn.AvgPool2d(3, 1, 1, count_include_pad=False), "AvgPool2d with count_include_pad=False"),
    ],
)
def test_a_layer_without_a_mask_is_refused(layer, named):
    with pytest.raises(TypeError, match=f"has no mask for {named}"):
        MaskedSequential(layer)


def test_an_image_that_is_narrower_than_a_kernel_has_no_frames():
    layers = MaskedSequential(nn.Conv2d(1, 1, 5), nn.MaxPool2d(2))
    assert layers.frames(torch.tensor([1, 5, 6, 40])).tolist() == [0, 0, 1, 18]
