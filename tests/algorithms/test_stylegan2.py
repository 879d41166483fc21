"""What makes StyleGAN2 itself (Karras et al. 2018, 2019)."""

import torch
from torch.nn.functional import conv2d, conv_transpose2d, pad

from synthgen.algorithms.registry import build
from synthgen.generators.drawing import draw, latent_size
from synthgen.losses.penalties import path_lengths
from synthgen.networks.equalized import EqualLinear
from synthgen.networks.layers import ACTIVATION_GAIN, StyledConv
from synthgen.networks.style import smooth_double, smooth_halve
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image

TASK = label_to_image(("a", "b"), ImageSpec(16, 16, 1))
SMALL = {"width": 8, "widest": 16, "latent": 8, "style": 16}


def built():
    torch.manual_seed(0)
    algorithm = build("stylegan2", TASK, SMALL)
    return algorithm, algorithm.networks["G"].eval()


def test_the_mapping_does_not_see_the_scale_of_the_latent():
    _, net = built()
    z, label = torch.randn(4, 8), torch.tensor([0, 1, 0, 1])
    assert torch.allclose(net.mapping(z, label), net.mapping(7 * z, label), atol=1e-5)
    assert not torch.allclose(net.mapping(z, label), net.mapping(z.flip(1), label), atol=1e-2)
    # A plain dense layer, the look-alike, sees it.
    plain = EqualLinear(8, 16)
    assert not torch.allclose(plain(z), plain(7 * z), atol=1e-2)


def test_demodulated_kernels_have_unit_norm_for_every_output_channel():
    """Seen from outside: an image of one bright pixel draws the kernel that is used."""
    torch.manual_seed(0)
    layer, style = StyledConv(3, 4, 16, equalized=True), 3 * torch.randn(1, 16)
    power = torch.zeros(4)
    for channel in range(3):
        image = torch.zeros(1, 3, 5, 5)
        image[0, channel, 2, 2] = 1.0
        kernel = layer(image, style) - layer.bias[None, :, None, None]
        power += kernel.square().sum(dim=(0, 2, 3))
    assert torch.allclose(power / ACTIVATION_GAIN**2, torch.ones(4), atol=1e-4)


def test_noise_does_nothing_at_the_start_and_something_when_it_has_strength():
    _, net = built()
    styles = net.styles(torch.randn(2, 8), torch.tensor([0, 1]))
    noises = torch.randn(2, 2, net.synthesis.noise_size)
    assert torch.equal(net(styles, noises[0]), net(styles, noises[1]))
    for layer in net.synthesis.layers:
        layer.strength.data.fill_(0.5)
    assert not torch.allclose(net(styles, noises[0]), net(styles, noises[1]), atol=1e-2)


def test_psi_nought_gives_one_image_a_class_and_psi_one_changes_nothing():
    algorithm, net = built()
    net.train()
    for _ in range(20):
        net.styles(torch.randn(64, 8), torch.randint(2, (64,)))
    net.eval()
    label = torch.tensor([0, 0, 0, 1])
    flat = torch.randn(4, latent_size(algorithm))

    def images(psi):
        nets = algorithm.networks
        return draw(algorithm, nets, flat, {"condition": label}, torch.float32, psi)["image"]

    collapsed = images(0.0)
    assert torch.allclose(collapsed[0], collapsed[1], atol=1e-6)
    assert torch.allclose(collapsed[0], collapsed[2], atol=1e-6)
    assert not torch.allclose(collapsed[0], collapsed[3], atol=1e-3)
    spread = [float(images(psi)[:3].var(dim=0).mean()) for psi in (0.0, 0.5, 1.0)]
    assert spread[0] < spread[1] < spread[2]


def test_the_mean_style_of_a_class_is_learnt():
    _, net = built()
    net.mapping.train()
    label = torch.zeros(512, dtype=torch.int64)
    for _ in range(10):
        net.mapping(torch.randn(512, 8), label)
    net.mapping.eval()
    mean = net.mapping(torch.randn(20_000, 8), torch.zeros(20_000, dtype=torch.int64)).mean(dim=0)
    assert torch.allclose(net.mapping.average[0], mean, atol=0.15 * float(mean.abs().max()))
    assert net.mapping.average[1].abs().sum() == 0


def features(net, styles, noise):
    """Each layer's output."""
    seen = []
    hooks = [
        layer.register_forward_hook(lambda module, given, out: seen.append(out))
        for layer in net.synthesis.layers
    ]
    net(styles, noise)
    for hook in hooks:
        hook.remove()
    return seen


def test_mixing_from_a_layer_on_leaves_the_features_before_it_alone():
    _, net = built()
    first, second = (net.styles(torch.randn(3, 8), torch.tensor([0, 1, 0])) for _ in range(2))
    noise, cut = torch.randn(3, net.synthesis.noise_size), 3
    mixed = torch.cat([first[:, :cut], second[:, cut:]], dim=1)
    plain, changed = features(net, first, noise), features(net, mixed, noise)
    for layer, (a, b) in enumerate(zip(plain, changed)):
        assert torch.equal(a, b) == (layer < cut)


def test_mixed_styles_are_one_style_then_the_other():
    torch.manual_seed(1)
    _, net = built()
    layers = len(net.synthesis.layers)
    first, second = torch.zeros(400, layers, 16), torch.ones(400, layers, 16)
    mixed = net.mixed(first, second, 0.9)[:, :, 0]
    assert (mixed[:, 0] == 0).all() and (mixed.diff(dim=1) >= 0).all()
    share = float((mixed[:, -1] == 1).float().mean())
    assert 0.8 < share < 0.97
    assert (net.mixed(first, second, 0.0) == 0).all()


def test_the_path_length_of_a_linear_synthesiser_is_known():
    """||A^T y||, with y the noise that the function draws: drawn again from the same seed."""
    matrix = torch.randn(1 * 4 * 4, 6, dtype=torch.float64)
    styles = torch.randn(5, 1, 6, dtype=torch.float64, requires_grad=True)
    images = (styles[:, 0] @ matrix.t()).reshape(5, 1, 4, 4)
    torch.manual_seed(3)
    lengths = path_lengths(images, styles)
    torch.manual_seed(3)
    noise = torch.randn_like(images).flatten(1) / 4
    assert torch.allclose(lengths.double(), (noise @ matrix).norm(dim=1), atol=1e-4)


def test_resampling_is_by_one_three_three_one():
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = torch.outer(taps, taps)[None, None]
    images = torch.rand(2, 1, 8, 8)
    inner = slice(2, -2)  # borders differ: doubling repeats the edge
    doubled = conv_transpose2d(images, kernel / 16, stride=2, padding=1)
    assert torch.allclose(
        smooth_double(images)[:, :, inner, inner], doubled[:, :, inner, inner], atol=1e-6
    )
    halved = conv2d(pad(images, (1, 1, 1, 1)), kernel / 64, stride=2)
    assert torch.allclose(smooth_halve(images), halved, atol=1e-6)


def test_rates_make_up_for_lazy_phases():
    phases = {phase.name: phase for phase in build("stylegan2", TASK, SMALL).phases}
    assert phases["R1"].every == 16 and phases["path"].every == 4
    assert phases["R1"].lazy and phases["path"].lazy
    for name, every in (("D", 16), ("G", 4)):
        share = every / (every + 1)
        adam = phases[name].optimizer
        assert abs(adam.lr - 2e-3 * share) < 1e-9 and abs(adam.betas[1] - 0.99**share) < 1e-9
