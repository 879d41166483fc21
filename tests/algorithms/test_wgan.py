"""What makes WGAN and WGAN-GP themselves (Arjovsky et al. 2017, Gulrajani et al. 2017)."""

import numpy as np
import pytest
import torch

from synthgen.algorithms.registry import build
from synthgen.losses.penalties import unit_gradient_penalty
from synthgen.spec.condition import ClassCondition, ClassConditional
from synthgen.spec.image import ImageSpec
from synthgen.training.augment import no_augmentation
from synthgen.training.batches import RealBatches
from synthgen.training.loop import Training
from synthgen.training.phase_step import LoopSettings

TASK = ClassConditional(ImageSpec(16, 16, 1), ClassCondition(("a", "b")))


def critic_alone(algorithm):
    torch.manual_seed(0)
    critic = algorithm.networks["D"].train()
    images, labels = torch.randn(4, 1, 16, 16), torch.tensor([0, 1, 0, 1])
    together = critic(images, labels)
    changed = torch.cat([images[:1], torch.randn(3, 1, 16, 16) * 5])
    return torch.allclose(critic(changed, labels)[0], together[0], atol=1e-6)


@pytest.mark.parametrize("name", ["wgan", "wgan-gp"])
def test_the_critic_judges_each_image_alone(name):
    assert critic_alone(build(name, TASK, {"width": 8}))
    assert not critic_alone(build("dcgan", TASK, {"width": 8}))


@pytest.mark.parametrize("norm", [0.0, 0.5, 1.0, 3.0])
def test_the_penalty_of_a_linear_critic_is_known(norm):
    weight = torch.randn(256)
    weight *= norm / weight.norm()
    real, fake = torch.randn(2, 6, 1, 16, 16)
    penalty = 10 * unit_gradient_penalty(lambda x: x.flatten(1) @ weight, real, fake)
    assert torch.isclose(penalty, torch.tensor(10 * (norm - 1) ** 2), atol=1e-4)


def test_after_a_step_every_weight_of_the_critic_is_clipped():
    torch.manual_seed(0)
    algorithm = build("wgan", TASK, {"width": 8})
    assert max(p.abs().max() for p in algorithm.networks["D"].parameters()) > 0.01
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1), dtype=np.uint8)
    run = Training(
        algorithm,
        RealBatches(pixels, np.arange(40) % 2, np.arange(40), 0, False),
        LoopSettings(
            images=1000, batch_size=8, seed=0, ema_half_life=0.05, augment=no_augmentation,
            precision=torch.float32, device=torch.device("cpu"),
        ),
    )  # fmt: skip
    run.step()
    assert max(p.abs().max() for p in algorithm.networks["D"].parameters()) <= 0.01
    assert run.means.counts["loss/D/wasserstein"] == 5
    assert run.means.counts["loss/G/wasserstein"] == 1
