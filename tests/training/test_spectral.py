"""An averaged generator is divided by its own largest singular values, not by averaged ones."""

import json

import numpy as np
import pytest
import torch
from rows import batches
from torch import nn

from synthgen.algorithms.registry import build
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image
from synthgen.training.augment import no_augmentation
from synthgen.training.loop import Training
from synthgen.training.phase_step import LoopSettings
from synthgen.training.spectral import settle_spectral_norms

TASK = label_to_image(("a", "b"), ImageSpec(8, 8, 1))


def largest(network):
    """The largest singular value of each kernel as the network computes with it."""
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) > 8
    return [torch.linalg.matrix_norm(m.weight.detach().flatten(1), 2).item() for m in layers]


def averaged(name, options):
    """An average over steps that turn the kernels fast."""
    torch.manual_seed(0)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), dtype=np.uint8)
    run = Training(
        build(name, TASK, {**options, "lr_g": 0.05}),
        batches(TASK, pixels, np.arange(40) % 2),
        LoopSettings(
            images=1000, batch_size=8, seed=0, ema_half_life=1.0, augment=no_augmentation,
            precision=torch.float32, device=torch.device("cpu"),
        ),
    )  # fmt: skip
    for _ in range(15):
        run.step()
    return run.averaged.networks["G"]


@pytest.mark.parametrize("name", ["biggan", "sagan"])
def test_the_averaged_kernels_have_a_largest_singular_value_of_one(name, small_networks):
    network = averaged(name, small_networks[name])
    # The look-alike, vectors that were averaged with the weights, does not fit them.
    assert max(abs(value - 1) for value in largest(network)) > 0.05
    weights = {n: p.clone() for n, p in network.named_parameters()}
    assert settle_spectral_norms([network]) > 8
    assert all(abs(value - 1) < 0.02 for value in largest(network))
    assert not network.training and not any(m.training for m in network.modules())
    assert all(torch.equal(p, weights[n]) for n, p in network.named_parameters())
    settled = largest(network)
    settle_spectral_norms([network])
    assert settled == pytest.approx(largest(network), abs=1e-3)


def test_networks_without_spectral_norms_are_left_alone():
    network = build("dcgan", TASK, {"width": 4}).networks["G"]
    before = {key: value.clone() for key, value in network.state_dict().items()}
    assert settle_spectral_norms([network]) == 0
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_what_a_bundle_samples_with_is_settled(digit_folder, small_training, tmp_path):
    from synthgen.generators.zoo import load_generator
    from synthgen.spec.settings.train import TrainSettings
    from synthgen.stages.train.stage import train

    options = {"width": 8, "width_d": 8, "latent": 4, "lr_g": 0.01, "lr_d": 1e-5}
    values = {
        **small_training, "data": str(digit_folder), "out": str(tmp_path / "run"),
        "algorithm": "sagan", "options": options, "images": 640, "ticks": 1,
        "classifier_images": 600, "ema_half_life": 1.0, "reference": False,
    }  # fmt: skip
    bundle = train(TrainSettings.parse(values))
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["images"] == 640
    network = load_generator(str(bundle), "cpu", "fp32")._networks["G"]
    assert all(abs(value - 1) < 0.02 for value in largest(network))
