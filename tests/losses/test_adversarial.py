import math

import torch

from synthgen.losses.adversarial import (
    cross_entropy_discriminator,
    non_saturating_generator,
    relativistic_discriminator,
    relativistic_generator,
)

ZERO = torch.zeros(7)


def test_zero_logits_give_the_entropy_of_a_coin():
    assert math.isclose(cross_entropy_discriminator(ZERO, ZERO), 2 * math.log(2), rel_tol=1e-6)
    assert math.isclose(non_saturating_generator(ZERO), math.log(2), rel_tol=1e-6)
    assert math.isclose(relativistic_discriminator(ZERO, ZERO), math.log(2), rel_tol=1e-6)


def test_a_losing_generator_still_gets_a_gradient():
    logits = torch.full((1,), -10.0, requires_grad=True)
    non_saturating_generator(logits).backward()
    assert math.isclose(logits.grad.item(), -1.0, abs_tol=1e-4)

    # The look-alike that saturates, log(1 - s(D(fake))), has none.
    logits = torch.full((1,), -10.0, requires_grad=True)
    (-torch.nn.functional.softplus(logits)).mean().backward()
    assert abs(logits.grad.item()) < 1e-4


def test_relativistic_losses_see_only_the_difference_of_paired_logits():
    real, fake = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, 3.0, 0.5])
    shifted = relativistic_discriminator(real + 100, fake + 100)
    assert torch.isclose(shifted, relativistic_discriminator(real, fake), atol=1e-4)
    assert torch.equal(relativistic_generator(real, fake), relativistic_discriminator(fake, real))
    expected = torch.log1p(torch.exp(-(real.double() - fake.double()))).mean()
    assert torch.isclose(relativistic_discriminator(real, fake).double(), expected)


def test_the_optimal_discriminator_is_learnt():
    """D on N(+1, 1) against N(-1, 1) comes to the log-odds 2x: Goodfellow et al. 2014, prop. 1."""
    torch.manual_seed(0)
    slope = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.Adam([slope], lr=0.05)
    for _ in range(400):
        real, fake = torch.randn(4096) + 1, torch.randn(4096) - 1
        optimizer.zero_grad()
        cross_entropy_discriminator(slope * real, slope * fake).backward()
        optimizer.step()
    assert abs(slope.item() - 2.0) < 0.15
