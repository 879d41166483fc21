"""What makes WGAN and WGAN-GP themselves (Arjovsky et al. 2017, Gulrajani et al. 2017)."""

import numpy as np
import pytest
import torch
from loops import plain_loop
from rows import batches
from torch import nn

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build
from synthgen.losses.penalties import unit_gradient_penalty
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image
from synthgen.training.loop import Training

TASK = label_to_image(("a", "b"), ImageSpec(16, 16, 1))


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


def training(name, options):
    torch.manual_seed(0)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1), dtype=np.uint8)
    settings = plain_loop(batch_size=8)
    shown = batches(TASK, pixels, np.arange(40) % 2)
    return Training(build(name, TASK, options), shown, settings)


def test_after_a_step_every_weight_of_the_critics_logit_is_clipped():
    run = training("wgan", {"width": 8, "d_burst": 5})
    critic = run.algorithm.networks["D"]
    weights = {n: p for n, p in critic.named_parameters() if not n.startswith("classes.")}
    assert max(p.abs().max() for p in weights.values()) > 0.01
    run.step()
    assert max(p.abs().max() for p in weights.values()) <= 0.01
    # The class head is no part of the logit: whatever its weights, the verdict stays.
    assert critic.classes.weight.abs().max() > 0.1
    images, labels = torch.randn(2, 1, 16, 16), torch.tensor([0, 1])
    before = critic(images, labels)
    critic.classes.weight.data.mul_(100)
    assert torch.equal(critic(images, labels), before)
    assert run.means.counts["loss/D/wasserstein"] == 5
    assert run.means.counts["loss/G/wasserstein"] == 1


def test_the_critic_has_a_hundred_steps_in_the_first_steps_and_now_and_then():
    (phase,) = (p for p in build("wgan", TASK, {"width": 8}).phases if p.name == "D")
    times = [phase.burst.at(step, phase.times) for step in range(1100)]
    hundred = [step for step, count in enumerate(times) if count == 100]
    assert hundred == [*range(25), 500, 1000] and set(times) == {5, 100}
    run = training("wgan", {"width": 8, "d_burst": 9})
    run.steps = 24
    for of_the_critic in (9, 5):
        run.step()
        assert run.means.counts["loss/D/wasserstein"] == of_the_critic
        run.means.take()


@pytest.mark.parametrize("name", ["wgan", "wgan-gp"])
def test_a_critic_weighs_the_label_at_as_many_places_as_the_image(name):
    critic = build(name, TASK, {"width": 8}).networks["D"]
    images = torch.randn(4, 1, 16, 16)
    labels = torch.zeros(4, dtype=torch.int64)
    features = critic._features(images, labels)
    nn.init.zeros_(critic.logit.weight)
    nn.init.zeros_(critic.logit.bias)
    nn.init.ones_(critic.embedding.weight)
    assert torch.allclose(critic(images, labels), features.sum(dim=(1, 2, 3)), atol=1e-4)


@pytest.mark.parametrize("name", ["wgan", "wgan-gp", "progan"])
def test_the_class_head_is_learnt_on_reals_and_teaches_the_generator(name):
    phases = {p.name: p for p in build(name, TASK, {"width": 8}).phases}
    assert [phases[p].terms["class"].weight for p in "DG"] == [1.0, 0.1]
    without = build(name, TASK, {"width": 8, "classify": 0})
    assert without.networks["D"].classes is None
    assert not any("class" in phase.terms for phase in without.phases)
    for loss, unread in (("D", "fake"), ("G", "real_verdict")):
        algorithm = build(name, TASK, {"width": 8})
        head = algorithm.networks["D"].classes
        nn.init.zeros_(head.weight)
        head.bias.data.copy_(torch.tensor([0.0, 3.0]))
        given = {"condition": torch.tensor([1, 1, 1]), "z": torch.randn(3, *latent(algorithm))}
        given["image"] = torch.randn(3, 1, 16, 16)
        scalars = {"lod": 0.0}
        t = Tensors(algorithm.networks, algorithm.tensors, given, scalars, lambda x: x)
        term = next(p for p in algorithm.phases if p.name == loss).terms["class"]
        expected = torch.log1p(torch.exp(torch.tensor(-3.0)))
        assert torch.allclose(term.formula(t), expected, atol=1e-5)
        assert t.known(unread) is None


def latent(algorithm):
    return algorithm.latents["z"].shape
