import math

import torch

from synthgen.losses.adversarial import least_squares_discriminator, least_squares_generator
from synthgen.losses.penalties import drift
from synthgen.losses.reconstruction import absolute_error


def test_known_values():
    zero = torch.zeros(5)
    assert least_squares_discriminator(zero, zero) == 0.5
    assert least_squares_discriminator(torch.ones(5), zero) == 0
    assert least_squares_generator(zero) == 1.0 and least_squares_generator(torch.ones(5)) == 0
    assert drift(torch.tensor([1.0, -3.0])) == 5.0
    assert math.isclose(absolute_error(torch.tensor([1.0, -2.0]), torch.zeros(2)).item(), 1.5)
