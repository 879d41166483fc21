"""The strong protocol: a whitening first layer, slow weights, mirrored answers, any size."""

import numpy as np
import pytest
import torch

from synthgen.features.strong_classifier import StrongClassifier
from synthgen.spec.image import ImageSpec, to_float
from synthgen.training.fixed_budget import Source, confusion, probabilities, train_fixed_budget
from synthgen.training.lookahead import EVERY, KEEP, Lookahead
from synthgen.training.strong_budget import LAST_RATE, StrongBudget, shift_reflected

CPU = {"device": torch.device("cpu"), "precision": torch.float32}


def some(count, height, width, channels):
    """Smooth images, as real ones are: neighbouring pixels are alike."""
    drawn = np.random.default_rng(0).normal(size=(count, height, width, channels))
    smooth = drawn.cumsum(axis=1).cumsum(axis=2)
    low, high = smooth.min(axis=(1, 2), keepdims=True), smooth.max(axis=(1, 2), keepdims=True)
    return ((smooth - low) / (high - low) * 255).astype(np.uint8)


def test_it_learns_two_digits_and_a_seed_gives_one_classifier(digits):
    images, labels = digits
    images, labels = images[labels < 2], labels[labels < 2]
    source = Source(images, labels, np.arange(0, len(labels), 2), 1.0)
    budget = StrongBudget(steps=60, batch_size=16, width=8, flip=False)
    first, again, other = (
        train_fixed_budget([source], 2, budget, seed=seed, **CPU) for seed in (3, 3, 4)
    )
    counts = confusion(first, images[1::2], labels[1::2], CPU["device"])
    assert counts.trace() / counts.sum() > 0.95
    said = probabilities(first, images[1::2], CPU["device"])
    assert np.allclose(said.sum(axis=1), 1, atol=1e-5)
    assert (said.argmax(axis=1) == labels[1::2]).mean() == counts.trace() / counts.sum()
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters()))
    assert not torch.equal(first.head.weight, other.head.weight)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_first_layer_whitens_and_is_not_trained(channels):
    images = some(40, 12, 16, channels)
    network = StrongClassifier(ImageSpec(12, 16, channels), 3, width=8)
    network.whiten_by(images)
    with torch.no_grad():
        made = network.whiten(to_float(torch.from_numpy(images)))
    rows = made.permute(1, 0, 2, 3).flatten(1)[: 4 * channels]
    covariance = torch.cov(rows)
    assert rows.mean(dim=1).abs().max() < 1e-3
    # Directions that images hardly have are held down by the least variance.
    assert 0.5 < covariance.diagonal()[0] < 1.01 and covariance.diagonal().max() < 1.01
    assert (covariance - covariance.diag().diag()).abs().max() < 1e-2
    assert torch.allclose(made[:, 4 * channels :], -made[:, : 4 * channels])
    assert not any(parameter.requires_grad for parameter in network.whiten.parameters())


@pytest.mark.parametrize("size", [(4, 4, 1), (8, 8, 1), (28, 28, 1), (32, 40, 3), (64, 64, 3)])
def test_images_of_all_sizes_are_read(size):
    network = StrongClassifier(ImageSpec(*size), 5, width=4)
    pixels = torch.rand(2, size[2], *size[:2])
    assert network(pixels).shape == (2, 5) and network.features(pixels).shape == (2, 16)
    assert StrongClassifier.from_config(network.config()).config() == network.config()


def test_in_evaluation_an_image_and_its_mirror_image_are_one():
    network = StrongClassifier(ImageSpec(8, 8, 1), 3, width=4)
    pixels = torch.rand(4, 1, 8, 8)
    with torch.no_grad():
        assert not torch.allclose(network(pixels), network(pixels.flip(3)))
        network.eval()
        assert torch.allclose(network(pixels), network(pixels.flip(3)), atol=1e-6)
        plain = StrongClassifier(ImageSpec(8, 8, 1), 3, width=4, mirrored=False).eval()
        assert not torch.allclose(plain(pixels), plain(pixels.flip(3)))


def test_slow_weights_follow_and_are_what_is_left():
    network = torch.nn.Linear(1, 1, bias=False).requires_grad_(False)
    network.weight.fill_(0.0)
    follower, slow = Lookahead(network, 50), 0.0
    for step in range(50):
        network.weight += 1.0
        fast = float(network.weight)
        follower.after(step)
        if step == 49:
            assert float(network.weight) == pytest.approx(slow, rel=1e-5)
        elif (step + 1) % EVERY == 0:
            keep = KEEP**EVERY * ((step + 1) / 50) ** 3
            slow = keep * slow + (1 - keep) * fast
            assert float(network.weight) == pytest.approx(slow, rel=1e-5)
        else:
            assert float(network.weight) == fast


def test_the_rate_rises_and_falls_and_the_norms_shifts_are_faster():
    budget = StrongBudget(steps=10, batch_size=512, width=4)
    rates = [budget.rate(step / 100) for step in range(101)]
    assert rates[0] == pytest.approx(0.2) and max(rates) == pytest.approx(1.0)
    assert rates[100] == pytest.approx(LAST_RATE)
    others, shifts = budget.optimizer(StrongClassifier(ImageSpec(8, 8, 1), 2, 4)).param_groups
    assert others["peak"] == pytest.approx(2 * budget.peak_lr)
    assert shifts["peak"] == pytest.approx(64 * others["peak"])
    assert len(shifts["params"]) == 6 and all(each.ndim == 1 for each in shifts["params"])
    assert len(others["params"]) == 7


def test_shifted_images_bring_in_their_mirror_image():
    torch.manual_seed(0)
    image = torch.arange(100.0).view(1, 1, 10, 10).expand(200, 1, 10, 10)
    moved = shift_reflected(image, 0.2)
    corners = moved[:, 0, 2, 2]
    assert corners.min() == 0 and corners.max() == 44  # two pixels at most, both ways
    away = moved[(moved[:, 0, 2, 2] == 0)][0, 0]  # two down and right: rows 2 1 0 1 2 ...
    assert away[0, 0] == 22 and away[1, 1] == 11 and away[9, 9] == 77
