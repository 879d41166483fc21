"""Refined latents: their images come nearer to real ones for networks that were never asked, and
still show their classes."""

import golden
import numpy as np
import pytest
import torch

from synthgen.generators.latents import latents
from synthgen.generators.zoo import load_generator
from synthgen.sampling.refining import (
    GROUP,
    NETWORKS,
    distance,
    networks_for,
    refine,
    targets_of,
)
from synthgen.spec.image import ImageSpec, to_float

SPEC = ImageSpec(8, 8, 1)
STEPS = 16


@pytest.fixture(scope="module")
def generator():
    return load_generator(str(golden.BUNDLES / "r3gan"), "cpu", "fp32")


@pytest.fixture(scope="module")
def real(digits):
    images, labels = digits
    rows = np.flatnonzero(labels < 3)
    return images[rows], labels[rows]


@pytest.fixture(scope="module")
def moved(generator, real):
    """For each class what draws, the latents as drawn, refined, and refined without a classifier
    that keeps their class."""
    networks = networks_for(SPEC)
    targets = targets_of(networks, *real, 3)
    found = []
    for label in range(3):
        numbers = np.arange(GROUP)
        labels = np.full_like(numbers, label)
        flat = torch.from_numpy(
            latents(7, labels, np.zeros_like(numbers), numbers, generator.latent_size)
        )
        keys = torch.from_numpy(labels)

        def draw(z, keys=keys):
            return generator.generate(z, keys)["image"]

        def doubt(images, label=label):
            return -generator.classifier(images).log_softmax(dim=1)[:, label]

        end = refine(draw, flat, label, networks, targets, STEPS, doubt=doubt)
        free = refine(draw, flat, label, networks, targets, STEPS)
        found.append((draw, flat, end, free))
    return found


def test_groups_come_nearer_to_real_images_for_networks_that_were_not_asked(moved, real):
    others = networks_for(SPEC, 4, first=1000)
    targets = targets_of(others, *real, 3)

    def apart(draw, flat, label):
        with torch.no_grad():
            images = draw(flat).clamp(-1, 1)
            return np.mean([
                float(distance(net(images), targets.means[at, label], targets.spreads[at, label]))
                for at, net in enumerate(others)
            ])  # fmt: skip

    before, after = (
        [apart(found[0], found[which], label) for label, found in enumerate(moved)]
        for which in (1, 2)
    )
    assert all(b < 0.85 * a for a, b in zip(before, after, strict=True)), (before, after)


def test_an_independent_classifier_still_sees_their_classes(moved, digits):
    from sklearn.linear_model import LogisticRegression

    images, labels = digits
    reader = LogisticRegression(max_iter=300).fit(images.reshape(len(images), -1) / 255.0, labels)

    def agree(which):
        right = []
        for label, (draw, *flats) in enumerate(moved):
            with torch.no_grad():
                pixels = (draw(flats[which]).clamp(-1, 1) + 1) / 2
            right.append(np.mean(reader.predict(pixels.reshape(GROUP, -1).numpy()) == label))
        return np.mean(right)

    drawn, kept, free = (agree(which) for which in range(3))
    assert kept >= drawn - 0.005 and kept > 0.9
    assert free < drawn - 0.02  # what the classifier is for


def test_latents_stay_near_where_they_were_drawn(moved):
    for _, start, end, _ in moved:
        step = (end - start).square().mean().sqrt()
        assert 0.05 < float(step) < 0.8 and not end.requires_grad


def test_the_distance_sees_means_and_spreads():
    real = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0)) * 2 + 1
    mean, spread = real.mean(dim=0), real.std(dim=0, correction=0)
    same = distance(real, mean, spread)
    shifted = distance(real + 2 * spread, mean, spread)
    narrow = distance((real - mean) / 2 + mean, mean, spread)
    assert (
        float(same) < 1e-6 and abs(float(shifted) - 4) < 1e-3 and abs(float(narrow) - 0.25) < 1e-3
    )


def test_networks_and_targets_follow_from_seeds_and_images_alone(real):
    images, labels = real
    networks = networks_for(SPEC)
    assert len(networks) == NETWORKS
    first = targets_of(networks, images, labels, 3)
    again = targets_of(networks_for(SPEC), images[::-1], labels[::-1], 3)
    assert first.sha256 == again.sha256
    assert first.sha256 != targets_of(networks_for(SPEC, first=50), images, labels, 3).sha256
    pixels = to_float(torch.from_numpy(images[:5]))
    assert networks[0](pixels).shape == (5, networks[0].size)
    assert not torch.equal(networks[0](pixels), networks[1](pixels))


def test_large_images_are_looked_at_small():
    wide, colour = networks_for(ImageSpec(128, 128, 3), 1)[0], torch.zeros(2, 3, 128, 128)
    assert wide.shrink == 4 and wide(colour).shape == (2, wide.size)


def test_images_that_do_not_follow_from_latents_are_refused(real):
    networks = networks_for(SPEC, 1)
    targets = targets_of(networks, *real, 3)
    with pytest.raises(ValueError, match="without a gradient"):
        refine(lambda z: torch.zeros(4, 1, 8, 8), torch.zeros(4, 8), 0, networks, targets, 2)
