import torch

from synthgen.losses.penalties import zero_centered_penalty


def test_a_linear_judge_is_penalised_by_half_its_squared_norm():
    weight = torch.randn(3 * 4 * 4, dtype=torch.float32)
    images = torch.randn(5, 3, 4, 4)
    penalty = zero_centered_penalty(lambda x: x.flatten(1) @ weight, images)
    assert torch.isclose(penalty, weight.square().sum() / 2, rtol=1e-5)


def test_the_penalty_does_not_depend_on_the_size_of_the_batch():
    weight = torch.randn(12)
    small = zero_centered_penalty(lambda x: x.flatten(1) @ weight, torch.randn(2, 3, 2, 2))
    large = zero_centered_penalty(lambda x: x.flatten(1) @ weight, torch.randn(64, 3, 2, 2))
    assert torch.isclose(small, large, rtol=1e-5)


def test_the_penalty_can_be_minimised():
    """d/dw of 1/2 ||d(w . x^2)/dx||^2 is 4 w x^2, known in closed form."""
    weight = torch.tensor(0.7, requires_grad=True)
    images = torch.randn(6, 1, 2, 2)
    zero_centered_penalty(lambda x: weight * x.square().flatten(1).sum(1), images).backward()
    expected = (4 * weight.detach() * images.square().flatten(1).sum(1)).mean()
    assert torch.isclose(weight.grad, expected, rtol=1e-5)


def test_the_gradient_is_taken_before_the_augmentation():
    weight = torch.randn(12)
    images = torch.randn(4, 3, 2, 2)
    penalty = zero_centered_penalty(lambda x: (3 * x).flatten(1) @ weight, images)
    assert torch.isclose(penalty, 9 * weight.square().sum() / 2, rtol=1e-5)
