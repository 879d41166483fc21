import numpy as np
import pytest
import torch
from rows import batches
from torch.nn.functional import affine_grid, grid_sample

from synthgen.algorithms.registry import build
from synthgen.losses.penalties import zero_centered_penalty
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image
from synthgen.training.ada import SMALL_SET_SPEED, Ada, _Resample
from synthgen.training.loop import Training
from synthgen.training.phase_step import LoopSettings


def test_p_nought_is_the_identity_and_p_one_changes_every_image():
    torch.manual_seed(0)
    images = torch.rand(16, 3, 16, 16) * 2 - 1
    assert torch.equal(Ada(0.0)(images), images)
    changed = (Ada(1.0)(images) - images).abs().amax(dim=(1, 2, 3))
    assert (changed > 0.05).all()


def test_about_p_of_the_images_change_where_one_change_is_asked_for():
    torch.manual_seed(0)
    chosen = Ada(0.3)._chosen(20_000, torch.device("cpu"))
    assert abs(float(chosen.float().mean()) - 0.3) < 0.02


def test_p_rises_while_the_discriminator_knows_its_reals_and_falls_otherwise():
    ada = Ada(0.5)
    for _ in range(10):
        ada.observe(torch.tensor(0.9), SMALL_SET_SPEED // 100)
    assert abs(float(ada.p) - 0.6) < 1e-5
    for _ in range(100):
        ada.observe(torch.tensor(0.1), SMALL_SET_SPEED // 100)
    assert float(ada.p) == 0.0


@pytest.mark.parametrize("d_steps", [1, 4])
def test_p_moves_by_real_images_shown_however_often_the_judge_looks(d_steps):
    pixels = np.zeros((16, 8, 8, 1), dtype=np.uint8)
    task = label_to_image(("a", "b"), ImageSpec(8, 8, 1))
    options = {"width": 8, "width_d": 8, "chunk": 2, "embedding": 4, "d_steps": d_steps}
    ada = Ada(0.5)
    run = Training(
        build("biggan", task, options),
        batches(task, pixels, np.arange(16) % 2),
        LoopSettings(
            images=1000, batch_size=8, seed=0, ema_half_life=0.05, augment=ada,
            precision=torch.float32, device=torch.device("cpu"),
        ),
    )  # fmt: skip
    looks, observe = [], ada.observe
    # A judge that never knows its reals lowers p at every look; the look-alike, a whole batch for
    # each look, would lower it ``d_steps`` times as fast.
    ada.observe = lambda knows, images: (looks.append(images), observe(torch.tensor(-1.0), images))
    for _ in range(3):
        run.step()
    assert len(looks) == 3 * d_steps
    assert float(ada.p) == pytest.approx(0.5 - 3 * 8 / SMALL_SET_SPEED, abs=1e-6)


def test_the_gradient_of_the_gradient_is_right():
    torch.manual_seed(0)
    images = torch.rand(2, 1, 5, 5, dtype=torch.float64, requires_grad=True)
    theta = torch.eye(2, 3, dtype=torch.float64)[None].repeat(2, 1, 1) * 0.8 + 0.05
    grid = affine_grid(theta, [2, 1, 5, 5], align_corners=False)
    assert torch.equal(
        _Resample.apply(images, grid), grid_sample(images, grid, align_corners=False)
    )
    assert torch.autograd.gradcheck(lambda x: _Resample.apply(x, grid), images)
    assert torch.autograd.gradgradcheck(lambda x: _Resample.apply(x, grid).square(), images)


def test_a_penalty_can_be_taken_through_it():
    torch.manual_seed(0)
    weight = torch.randn(3 * 8 * 8, requires_grad=True)
    ada, images = Ada(0.8), torch.rand(4, 3, 8, 8)
    zero_centered_penalty(lambda x: ada(x).flatten(1) @ weight, images).backward()
    assert weight.grad.abs().sum() > 0


def test_it_trains_under_bfloat16_to_the_places_of_float32():
    augment, weights = Ada(p=1.0), {}
    for dtype in (torch.float32, torch.bfloat16):
        torch.manual_seed(0)
        images = torch.rand(8, 1, 28, 28, requires_grad=True)
        layer = torch.nn.Conv2d(1, 4, 3)
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            augmented = augment(images)
            layer(augmented).square().mean().backward()
        weights[dtype] = augmented.detach()
        assert images.grad is not None and torch.isfinite(images.grad).all()
    assert torch.equal(weights[torch.float32], weights[torch.bfloat16])
