"""What counterfactual generative networks must hold, each shown to fail on a look-alike."""

import pytest
import torch

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build, find
from synthgen.losses.masks import area, outside_bounds, undecided
from synthgen.networks.composition import (
    any_patches,
    composed,
    corner_patches,
    patch_side,
    places,
    soft_mask,
    windows,
)
from synthgen.networks.residual import ResidualGenerator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Label
from synthgen.spec.image import ImageSpec, to_uint8
from synthgen.spec.scenes import scenes
from synthgen.spec.task import label_to_image

SMALL = {"width": 8, "width_d": 8, "widest": 16, "latent": 8, "style": 16}
CLASSES = ("cat", "cow", "dog")


def built(side=16, channels=3, parts=None, **options):
    torch.manual_seed(0)
    task = scenes(ImageSpec(side, side, channels), Label(CLASSES), CLASSES, parts)
    return build("cgn", task, {**SMALL, **options}), task


def condition(labels, backgrounds):
    chosen = torch.nn.functional.one_hot(torch.tensor(backgrounds), 3).float() * 2 - 1
    return torch.cat([torch.tensor(labels).float()[:, None], chosen], dim=1)


def drawn(algorithm, labels, backgrounds, seed=1, **further):
    """Tensors of rows of these classes; all latents come from the seed."""
    torch.manual_seed(seed)
    given = {"condition": condition(labels, backgrounds)}
    given |= {n: torch.randn(len(labels), *z.shape) for n, z in algorithm.latents.items()}
    scalars = {name: schedule.at(0.5) for name, schedule in algorithm.schedules.items()}
    given |= further
    return Tensors(algorithm.networks, algorithm.tensors, given, scalars, lambda x: x)


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (30, 3)])
def test_image_and_mask_are_of_the_task(side, channels):
    algorithm, task = built(side, channels)
    t = drawn(algorithm, [0, 1, 2, 0], [0, 0, 1, 2])
    image, mask = (t[algorithm.samples[name]] for name in task.made)
    assert image.shape == (4, channels, side, side) and image.dtype == torch.float32
    stored, finite = task.fields["mask"].rows(mask)
    assert stored.shape == (4, side, side) and finite.all()
    assert torch.equal(stored.bool(), t["cut"][:, 0] > 0.5)


def test_the_image_is_the_three_layers_composed():
    algorithm, _ = built()
    t = drawn(algorithm, [0, 1, 2], [0, 2, 1])
    again = t["cut"] * t["drawn"] + (1 - t["cut"]) * t["behind"]
    assert torch.equal(t["composite"], again)
    levels = [to_uint8(each).int() for each in (t["composite"], again)]
    assert (levels[0] - levels[1]).abs().max() <= 1
    # The look-alike: the mean of both layers, whatever the mask says.
    blended = to_uint8((t["drawn"] + t["behind"]) / 2).int()
    assert (levels[0] - blended).abs().max() > 1


def test_another_background_leaves_mask_and_object_as_they_are():
    algorithm, task = built()
    algorithm.networks["mask"].to_image.weight.data *= 20  # as decided as a trained one
    one = drawn(algorithm, [0, 1, 2], [0, 1, 2])
    other = drawn(algorithm, [0, 1, 2], [1, 2, 0], z_background=torch.randn(3, 8),
                  shift=torch.randn(3, 2))  # fmt: skip
    assert torch.equal(one["cut"], other["cut"]) and torch.equal(one["drawn"], other["drawn"])
    within = (one["cut"] == 1).expand(-1, 3, -1, -1)
    assert within.float().mean() > 0.02
    assert torch.equal(one["composite"][within], other["composite"][within])
    assert (one["composite"] - other["composite"])[~within].abs().max() > 0.05
    # The look-alike: one network that is told both classes.
    torch.manual_seed(0)
    joint = ResidualGenerator(task, 8, 8, 16, 16)
    images = [joint(torch.ones(3, 8), condition([0, 1, 2], b)) for b in ([0, 1, 2], [1, 2, 0])]
    assert (images[0] - images[1])[within].abs().max() > 1e-3


def test_another_object_leaves_the_background_as_it_is():
    algorithm, _ = built()
    one, other = (drawn(algorithm, labels, [0, 1, 2]) for labels in ([0, 1, 2], [1, 2, 0]))
    assert torch.equal(one["behind"], other["behind"])
    assert not torch.equal(one["cut"], other["cut"])
    assert not torch.equal(one["drawn"], other["drawn"])


def test_every_layer_learns_from_the_judge_and_the_background_alone_from_patches():
    algorithm, _ = built()
    names = ("mask", "foreground", "background")
    phase = next(phase for phase in algorithm.phases if phase.name == "G")
    assert phase.trains == names
    image = torch.rand(3, 3, 16, 16) * 2 - 1

    def reached(term):
        t = drawn(algorithm, [0, 1, 2], [0, 1, 2], image=image)
        for name in names:
            algorithm.networks[name].zero_grad()
        phase.terms[term].formula(t).backward()
        return [any(p.grad is not None and bool(p.grad.any()) for p in
                    algorithm.networks[name].parameters()) for name in names]  # fmt: skip

    assert reached("relativistic") == [True, True, True]
    assert reached("texture") == [False, False, True]
    assert reached("binary") == reached("area") == [True, False, False]


def test_the_judge_sees_masks_where_the_data_have_them():
    algorithm, task = built(parts=("ground", "thing"))
    assert task.streams == (("image", "label", "attributes", "mask"),)
    mask = torch.zeros(3, 2, 16, 16)
    mask[:, 0], mask[:, 1, 4:8] = 1, 1
    t = drawn(algorithm, [0, 1, 2], [0, 1, 2], image=torch.zeros(3, 3, 16, 16), mask=mask)
    assert torch.equal(t["shown"][:, 3], mask[:, 1] * 2 - 1)
    assert t["fake"].shape == (3, 4, 16, 16) and t["composite"].shape == (3, 3, 16, 16)
    moved = drawn(algorithm, [0, 1, 2], [0, 1, 2], image=torch.zeros(3, 3, 16, 16),
                  mask=mask.roll(4, dims=2))  # fmt: skip
    assert not torch.allclose(t["real_logits"], moved["real_logits"])
    plain, task = built()
    assert task.streams == (("image", "label", "attributes"),)
    t = drawn(plain, [0], [0], image=torch.zeros(1, 3, 16, 16))
    assert t["shown"].shape == t["fake"].shape == (1, 3, 16, 16)


def test_masks_that_are_decided_within_bounds_cost_nothing_but_their_area():
    mask = torch.zeros(2, 1, 4, 4)
    mask[:, :, :2] = 1
    assert undecided(mask) < 1e-4 and outside_bounds(mask, 0.1, 0.6) == 0
    assert area(mask) == 0.5
    assert undecided(torch.full_like(mask, 0.5)) == pytest.approx(1.0)
    assert outside_bounds(mask, 0.7, 0.9) == pytest.approx(0.2)
    assert outside_bounds(mask, 0.1, 0.3) == pytest.approx(0.2)


def test_a_mask_reaches_nought_and_one_and_comes_back():
    outputs = torch.tensor([-2.5, -2.0, 0.0, 2.0, 2.5], requires_grad=True)
    mask = soft_mask(outputs)
    assert mask.tolist()[0] == 0 and mask.tolist()[-1] == 1 and mask[2] == 0.5
    mask.sum().backward()
    assert (outputs.grad > 0).all()
    cut = torch.tensor(-2.0, requires_grad=True)  # the look-alike: cut with its own gradient
    (1.1 * torch.sigmoid(3 * cut) - 0.05).clamp(0, 1).backward()
    assert cut.grad == 0


def test_at_the_start_objects_are_in_the_middle():
    algorithm, _ = built()
    cut = drawn(algorithm, [0, 1, 2] * 4, [0, 1, 2] * 4)["cut"]
    assert cut[:, :, 6:10, 6:10].mean() > 0.8
    assert cut[:, :, :2, :2].mean() < 0.2 and cut[:, :, -2:, -2:].mean() < 0.2


def test_windows_lie_anywhere_in_the_larger_background():
    wide = torch.arange(2 * 36).reshape(2, 1, 6, 6).float()
    shown = windows(wide, torch.tensor([0, 2]), torch.tensor([1, 0]), 4, 4)
    assert torch.equal(shown[0], wide[0, :, :4, 1:5]) and torch.equal(shown[1], wide[1, :, 2:, :4])
    found = torch.bincount(places(torch.randn(4000), 5), minlength=5)
    assert len(found) == 5 and found.min() > 650
    algorithm, _ = built(shift=0.125)
    assert drawn(algorithm, [0], [0])["wide"].shape == (1, 3, 20, 20)
    assert composed(torch.ones(1, 1, 2, 2), torch.ones(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)).all()


def test_corners_are_looked_at_and_the_middle_is_not():
    images = torch.zeros(2, 1, 32, 32)
    images[:, :, 12:20, 12:20] = 1
    side = patch_side(ImageSpec(32, 32, 1))
    assert (
        side == 8 and patch_side(ImageSpec(8, 8, 1)) == 4 and patch_side(ImageSpec(64, 64, 3)) == 16
    )
    for _ in range(20):
        corners = corner_patches(images, side)
        assert corners.shape == (8, 1, 8, 8) and not corners.any()
    # The look-alike: patches from anywhere meet the object.
    assert any(any_patches(images, side).any() for _ in range(20))


def test_without_a_class_of_the_background_it_says_what_is_missing():
    with pytest.raises(SynthgenError, match="needs a field 'attributes'"):
        build("cgn", label_to_image(CLASSES, ImageSpec(16, 16, 3)), {})
    assert find("cgn").takes.task(CLASSES, ImageSpec(16, 16, 3)).independent == ("attributes",)
