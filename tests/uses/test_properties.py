"""What super-resolution and inpainting must hold, each shown to fail on a look-alike."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from synthgen.algorithms.registry import build, find
from synthgen.spec.derivations import derive, draws_of
from synthgen.spec.image import ImageSpec, to_float, to_uint8
from synthgen.training.augment import no_augmentation
from synthgen.training.batches import Stream, TaskBatches
from synthgen.training.loop import Training
from synthgen.training.phase_step import LoopSettings

IMAGE = ImageSpec(16, 16, 3)
SMALL = {"srgan": {"width": 8, "blocks": 2, "width_d": 8}, "inpaint": {"width": 8, "width_d": 8}}


def pictures(count=24, side=16):
    """Smooth colour images: waves of random direction."""
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1) / side
    waves = [np.sin(grid @ rng.normal(0, 4, (2, 3)) + rng.uniform(0, 6, 3)) for _ in range(count)]
    return (127.5 + 120 * np.stack(waves)).astype(np.uint8)


def training(name, images=400, move=0.1, source=None, **options):
    task = find(name).takes.task((), IMAGE)
    torch.manual_seed(0)
    batches = TaskBatches(
        task,
        [Stream({"image": pictures() if source is None else source}, np.arange(24), 0)],
        flip=True,
        move=move,
    )
    settings = LoopSettings(
        images=images, batch_size=8, seed=0, ema_half_life=0.05, augment=no_augmentation,
        precision=torch.float32, device=torch.device("cpu"),
    )  # fmt: skip
    return Training(build(name, task, {**SMALL[name], **options}), batches, settings)


def shrink_error(network, task, images):
    """Mean difference, in grey levels, of the shrunken output from the input."""
    rows = derive(task, {"image": torch.from_numpy(images)}, torch.zeros(len(images), 0))
    with torch.no_grad():
        large = to_uint8(network(to_float(rows["small"])))
    again = derive(task, {"image": large}, torch.zeros(len(images), 0))["small"]
    return float((again.float() - rows["small"].float()).abs().mean())


def test_shrinking_the_output_gives_the_input():
    run = training("srgan", pixels=1.0)
    for _ in range(3):
        run.step()
    task, network = find("srgan").takes.task((), IMAGE), run.algorithm.networks["G"]
    assert shrink_error(network, task, pictures(8)) < 2
    # The look-alike: the same network without its last step, whose detail it is free to draw.
    network.consistent = lambda large, small: large
    nn.init.normal_(network.to_image.weight, std=0.05)
    assert shrink_error(network, task, pictures(8)) > 2


def test_pixels_come_first_and_are_over_when_the_discriminator_starts():
    run = training("srgan", images=80, pixels=0.5, perceptual=0.0)
    seen = []
    for _ in range(10):
        run.step()
        seen.append({name.split("/")[1] for name in run.means.take() if name.startswith("loss/")})
    assert seen == [{"pixels"}] * 5 + [{"D", "G"}] * 5
    alike = build("srgan", find("srgan").takes.task((), IMAGE), SMALL["srgan"])
    windows = {phase.name: phase.window for phase in alike.phases}
    assert windows["pixels"][1] == windows["D"][0] == windows["G"][0] == 0.7


def test_the_discriminator_learns_at_a_rate_of_its_own():
    task = find("srgan").takes.task((), IMAGE)
    phases = {phase.name: phase for phase in build("srgan", task, SMALL["srgan"]).phases}
    assert phases["D"].optimizer.lr == phases["pixels"].optimizer.lr / 4
    own = build("srgan", task, {**SMALL["srgan"], "lr_d": 1e-3}).phases
    assert [phase.optimizer.lr for phase in own if phase.optimizer] == [2e-4, 1e-3]
    assert build("srgan", task, SMALL["srgan"]).last_start == 0.7


def test_the_pixel_phase_learns_more_than_enlarging():
    # Hard edges, which enlarging blurs.
    edged = np.where(pictures() > 127, 220, 30).astype(np.uint8)
    run = training("srgan", images=2400, move=0.0, source=edged, pixels=1.0, lr=3e-3)
    task = find("srgan").takes.task((), IMAGE)
    for _ in range(120):
        run.step()
    images = torch.from_numpy(edged)
    rows = derive(task, {"image": images}, torch.zeros(len(images), 0))
    small, large = to_float(rows["small"]), to_float(images)
    with torch.no_grad():
        made = run.algorithm.networks["G"](small)
    bicubic = interpolate(small, scale_factor=2.0, mode="bicubic", align_corners=False)
    assert (made - large).square().mean() < 0.9 * (bicubic - large).square().mean()


def changed(network, task, images):
    """Bytes outside of the hole that differ from the source's, and bytes inside."""
    rows = {"image": torch.from_numpy(images)}
    rows = derive(task, rows, torch.rand(len(images), draws_of(task)))
    hole = task.fields["hole"].tensor(rows["hole"])[:, 1:2]
    with torch.no_grad():
        made = to_uint8(network(to_float(rows["masked"]), hole))
    differ = (made != rows["image"]).any(dim=3)
    inside = rows["hole"] > 0
    return int((differ & ~inside).sum()), int((differ & inside).sum())


def test_outside_of_the_hole_every_byte_is_the_sources():
    run = training("inpaint")
    run.step()
    task, network = find("inpaint").takes.task((), IMAGE), run.algorithm.networks["G"]
    outside, inside = changed(network, task, pictures(8))
    assert outside == 0 and inside > 0

    class LookAlike(nn.Module):
        """Draws the whole image anew, and so nearly what is known."""

        def forward(self, masked, hole):
            return masked + 0.01

    assert changed(LookAlike(), task, pictures(8))[0] > 0


@pytest.mark.parametrize("shape", ["box", "brush", "side"])
def test_holes_are_of_their_shape_and_size(shape):
    task = find("inpaint").takes.task((), ImageSpec(64, 64, 3))
    derived = task.derived["hole"]
    from synthgen.spec.derivations import find_derivation

    made = find_derivation("hole").compute(
        task.fields["hole"], [], torch.rand(200, 21), {**derived.options, "shapes": [shape]}
    )
    share = made.float().mean(dim=(1, 2))
    assert set(made.unique().tolist()) == {0, 1} and (share > 0).all() and (share < 0.9).all()
    if shape == "box":
        rows, columns = made.amax(dim=2).sum(dim=1), made.amax(dim=1).sum(dim=1)
        assert torch.equal(rows * columns, made.sum(dim=(1, 2)))
        assert (rows >= 16).all() and (rows <= 32).all()
