"""What every registered algorithm promises, whatever its networks."""

import pytest
import torch

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build, class_conditional, find
from synthgen.spec.errors import SynthgenError
from synthgen.spec.image import ImageSpec

NAMES = list(class_conditional())


def task(name, side=16, channels=3, classes=3):
    names = tuple(f"class {k}" for k in range(classes))
    return find(name).takes.task(names, ImageSpec(side, side, channels))


def tensors(algorithm, label, side=16, channels=3):
    given = {"condition": label, "image": torch.rand(len(label), channels, side, side) * 2 - 1}
    given["source"] = torch.rand(1, channels, side, side).expand_as(given["image"]) * 2 - 1
    given["condition/source"] = label
    for name, latent in algorithm.latents.items():
        given[name] = torch.randn(1, *latent.shape).expand(len(label), *latent.shape)
    scalars = {name: schedule.at(0.0) for name, schedule in algorithm.schedules.items()}
    scalars["truncation"] = 1.0
    return Tensors(algorithm.networks, algorithm.tensors, given, scalars, lambda x: x)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (16, 3), (30, 3)])
def test_samples_are_images_of_the_task(name, side, channels):
    algorithm = build(name, task(name, side, channels), {})
    label = torch.tensor([0, 1, 2, 0])
    image = tensors(algorithm, label, side, channels)[algorithm.samples["image"]]
    assert image.shape == (4, channels, side, side)
    assert image.dtype == torch.float32


@pytest.mark.parametrize("name", NAMES)
def test_the_label_changes_the_image_at_the_same_latent(name):
    algorithm = build(name, task(name), {})
    for network in algorithm.networks.values():
        network.eval()
    images = tensors(algorithm, torch.tensor([0, 1]))[algorithm.samples["image"]]
    assert (images[0] - images[1]).abs().max() > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_the_label_changes_the_verdict_on_the_same_image(name):
    algorithm = build(name, task(name), {})
    image = torch.rand(1, 3, 16, 16).expand(2, 3, 16, 16)
    for judge in algorithm.judges:
        algorithm.networks[judge].eval()
        logits = algorithm.networks[judge](image, torch.tensor([0, 1]))
        assert (logits[0] - logits[1]).abs().max() > 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_every_network_is_trained_by_a_phase(name):
    algorithm = build(name, task(name), {})
    trained = {network for phase in algorithm.phases for network in phase.trains}
    learning = {name for name, net in algorithm.networks.items() if list(net.parameters())}
    assert trained == learning


def test_an_unknown_algorithm_is_answered_with_the_nearest():
    with pytest.raises(SynthgenError, match="did you mean 'dcgan'"):
        find("dcgann")


def test_an_unknown_option_is_answered_with_the_nearest():
    with pytest.raises(SynthgenError, match=r"unknown key 'widht'; did you mean 'width'"):
        build("dcgan", task("r3gan"), {"widht": 3})


def test_default_has_a_proper_name():
    assert find("default") is find("r3gan")
