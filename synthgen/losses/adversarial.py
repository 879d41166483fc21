"""Adversarial losses: pure functions of logits ``float [N]``; each returns a scalar to minimise."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import relu, softplus


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Mean of softplus(-(D(real) - D(fake))) over pairs.

    Relativistic pairing: Jolicoeur-Martineau 2018, arXiv:1807.00734; in this form Huang et al.
    2024, arXiv:2501.05441, section 2. Zero logits give ln 2.
    """
    return softplus(fake.float() - real.float()).mean()


def relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    """Mean of softplus(-(D(fake) - D(real))) over pairs: the discriminator's, mirrored."""
    return softplus(real.float() - fake.float()).mean()


def cross_entropy_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """-log s(D(real)) - log(1 - s(D(fake))), s the sigmoid: Goodfellow et al. 2014, equation 1.

    Zero logits give 2 ln 2.
    """
    return softplus(-real.float()).mean() + softplus(fake.float()).mean()


def non_saturating_generator(fake: Tensor) -> Tensor:
    """-log s(D(fake)): Goodfellow et al. 2014, section 3. Zero logits give ln 2."""
    return softplus(-fake.float()).mean()


def hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Mean of max(0, 1 - D(real)) plus mean of max(0, 1 + D(fake)).

    Lim & Ye 2017, arXiv:1705.02894; as in Miyato et al. 2018, arXiv:1802.05957, equation 16.
    """
    return relu(1.0 - real.float()).mean() + relu(1.0 + fake.float()).mean()


def critic_difference(real: Tensor, fake: Tensor) -> Tensor:
    """Mean D(fake) minus mean D(real): minus the estimate of the Wasserstein distance.

    Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1.
    """
    return fake.float().mean() - real.float().mean()


def raise_logits(fake: Tensor) -> Tensor:
    """Minus mean D(fake): the generator's side of the hinge and of the Wasserstein losses."""
    return -fake.float().mean()


def refuse(logits: Tensor) -> Tensor:
    """-log(1 - s(D)): whatever D is shown here counts as generated. Zero logits give ln 2."""
    return softplus(logits.float()).mean()


def least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """Half of mean (D(real) - 1)^2 plus mean D(fake)^2: Mao et al. 2017, arXiv:1611.04076, eq. 9.

    Zero logits give 1/2.
    """
    return ((real.float() - 1).square().mean() + fake.float().square().mean()) / 2


def least_squares_generator(fake: Tensor) -> Tensor:
    """Mean (D(fake) - 1)^2, as in CycleGAN (arXiv:1703.10593, section 4). Zero logits give 1."""
    return (fake.float() - 1).square().mean()
