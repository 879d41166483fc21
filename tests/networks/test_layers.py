import torch
from torch.nn.functional import conv2d

from synthgen.networks.layers import ProjectionHead, StyledConv
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image


def test_a_styled_convolution_equals_the_modulated_and_demodulated_kernel():
    """Karras et al. 2019, equations 1 and 3, kernel by kernel."""
    torch.manual_seed(0)
    layer = StyledConv(5, 7, style=4)
    features, style = torch.randn(3, 5, 6, 6), torch.randn(3, 4)
    scale = layer.style(style)
    for n in range(3):
        kernel = layer.weight * scale[n][None, :, None, None]
        norm = kernel.square().sum(dim=(1, 2, 3), keepdim=True)
        expected = conv2d(features[n : n + 1], 2**0.5 * kernel / norm.sqrt(), layer.bias, padding=1)
        assert torch.allclose(layer(features, style)[n : n + 1], expected, atol=1e-5)


def test_demodulation_makes_the_output_blind_to_the_strength_of_the_style():
    torch.manual_seed(0)
    layer = StyledConv(5, 7, style=4)
    torch.nn.init.zeros_(layer.style.bias)
    features, style = torch.randn(2, 5, 6, 6), torch.randn(2, 4)
    assert torch.allclose(layer(features, style), layer(features, 10 * style), atol=1e-4)


def test_the_label_changes_the_logit_of_the_same_features():
    head = ProjectionHead(8, label_to_image(("a", "b", "c"), ImageSpec(8, 8, 1)))
    features = torch.randn(1, 8).expand(3, 8)
    logits = head(features, torch.arange(3))
    assert len(set(logits.tolist())) == 3
