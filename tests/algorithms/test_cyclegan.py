"""What makes CycleGAN itself (Zhu et al. 2017)."""

import numpy as np
import pytest
import torch
from loops import plain_loop
from rows import batches
from torch import nn

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build
from synthgen.networks.image_pool import ImagePool
from synthgen.networks.translation import PatchDiscriminator, patch_layers
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import label_to_image, two_kinds
from synthgen.training.loop import Training

TASK = two_kinds(("a", "b"), ImageSpec(16, 16, 1), ("day", "night"))
SMALL = {"width": 4, "width_d": 4, "blocks": 1}


def numbered(first, count):
    values = torch.arange(first, first + count, dtype=torch.float32)
    return values[:, None, None, None].expand(count, 1, 4, 4), torch.arange(first, first + count)


def test_the_pool_passes_its_first_images_then_returns_half_old_ones():
    torch.manual_seed(0)
    pool = ImagePool(label_to_image(("a",), ImageSpec(4, 4, 1)), 50)
    images, labels = numbered(0, 50)
    shown, of = pool(images, labels)
    assert torch.equal(shown, images) and torch.equal(of, labels)
    assert 0.4 < share_of_old_images(pool) < 0.55
    assert len(pool.images) == 50 and int(pool.count) == 50

    class Queue:
        """The look-alike: returns what falls out, and so old images only."""

        def __init__(self):
            self.kept = numbered(0, 50)

        def __call__(self, images, labels):
            out, self.kept = self.kept, (images, labels)
            return out

    assert share_of_old_images(Queue()) == 1.0


def share_of_old_images(pool):
    old = 0
    for batch in range(1, 41):
        images, labels = numbered(50 * batch, 50)
        shown, of = pool(images, labels)
        assert torch.equal(shown[:, 0, 0, 0], of.float()), "labels must stay with their images"
        old += int((of < 50 * batch).sum())
    return old / (40 * 50)


def terms(to_target, to_source):
    """Values of G's cycle and identity terms with these functions as translators."""
    algorithm = build("cyclegan", TASK, SMALL)

    class Fixed(nn.Module):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def forward(self, images, labels):
            return self.function(images)

    networks = {**algorithm.networks, "to_target": Fixed(to_target), "to_source": Fixed(to_source)}
    torch.manual_seed(0)
    given = {
        "image": torch.rand(3, 1, 16, 16), "condition": torch.tensor([0, 1, 0]),
        "source": -torch.rand(3, 1, 16, 16), "condition/source": torch.tensor([1, 1, 0]),
    }  # fmt: skip
    tensors = Tensors(networks, algorithm.tensors, given, {}, lambda x: x)
    found = algorithm.phases[0].terms
    with torch.no_grad():
        values = {name: float(term.formula(tensors)) for name, term in found.items()}
    return values, {name: term.weight for name, term in found.items()}


def test_the_cycle_loss_is_nought_for_inverse_maps_and_positive_otherwise():
    values, weights = terms(lambda x: 2 * x, lambda x: x / 2)
    assert values["cycle_source"] == values["cycle_target"] == 0
    assert weights["cycle_source"] == weights["cycle_target"] == 10
    assert weights["identity_target"] == weights["identity_source"] == 5
    values, _ = terms(lambda x: 2 * x, lambda x: x)
    assert values["cycle_source"] > 0.1 and values["cycle_target"] > 0.1


def test_identity_is_measured_on_the_domain_that_a_translator_makes():
    # Targets are positive, sources negative: |x| leaves targets alone, -|x| sources.
    values, _ = terms(torch.abs, lambda x: -torch.abs(x))
    assert values["identity_target"] == values["identity_source"] == 0
    # The look-alike measures it on the other domain.
    values, _ = terms(lambda x: -torch.abs(x), torch.abs)
    assert values["identity_target"] > 0.1 and values["identity_source"] > 0.1


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_patch_sees_as_many_pixels_as_the_paper_says(layers, patch):
    task = label_to_image(("a",), ImageSpec(128, 128, 1))
    net = PatchDiscriminator(task, 2, layers).double()
    net.norms = nn.ModuleList(nn.Identity() for _ in net.norms)  # a norm sees the whole image
    net.embedding.weight.data.zero_()
    image = torch.rand(1, 1, 128, 128, dtype=torch.float64, requires_grad=True)
    logits = net(image, torch.zeros(1, dtype=torch.int64))
    side = int(logits.shape[1] ** 0.5)
    logits[0, (side // 2) * side + side // 2].backward()
    rows = image.grad[0, 0].abs().sum(dim=1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == patch


def test_small_images_have_small_patches():
    assert [patch_layers(side) for side in (28, 32, 64, 128)] == [1, 1, 2, 3]


def test_translators_learn_first_and_rates_fall_linearly_over_the_second_half():
    algorithm = build("cyclegan", TASK, SMALL)
    assert [phase.name for phase in algorithm.phases] == ["G", "D"]
    lr = algorithm.schedules["lr"]
    assert [lr.at(p) for p in (0, 0.5, 0.75, 1)] == [1, 1, 0.5, 0]


def test_discriminators_judge_the_fakes_that_the_translators_learnt_from():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 1), dtype=np.uint8)
    torch.manual_seed(0)
    algorithm = build("cyclegan", TASK, {**SMALL, "lr": 0.05})
    labels = np.arange(20) % 2
    source = (255 - pixels, labels, np.arange(20))
    shown = batches(TASK, pixels, labels, source=source)
    run = Training(
        algorithm, shown,
        plain_loop(),
    )  # fmt: skip
    made, pooled = {}, {}
    for domain in ("target", "source"):
        translator = algorithm.networks[f"to_{domain}"]
        pool = algorithm.networks[f"pool_{domain}"]
        made[domain] = []
        translator.register_forward_hook(
            lambda module, given, image, domain=domain: made[domain].append(image.detach())
        )
        pool.register_forward_pre_hook(
            lambda module, given, domain=domain: pooled.update({domain: given[0]})
        )
    run.step()
    for domain in ("target", "source"):
        # Each translator draws a fake, a way back and what it keeps, all in G's phase; drawing
        # anew after G's step would be a fourth, of other pixels.
        assert len(made[domain]) == 3
        assert any(torch.equal(pooled[domain], image) for image in made[domain])
        assert not pooled[domain].requires_grad
