"""CycleGAN that keeps labels (Hoffman et al. 2018): what guards it, shown beside what does not."""

import numpy as np
import torch
from loops import plain_loop
from rows import batches
from torch.nn.functional import one_hot

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.cyclegan import OF_SOURCE
from synthgen.algorithms.registry import build
from synthgen.networks.label_reader import LabelReader
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import CONDITION, Task, two_kinds
from synthgen.stages.train.two_sets import uneven
from synthgen.training.loop import Training

SPEC = ImageSpec(16, 16, 1)
TASK = two_kinds(("a", "b"), SPEC, ("day", "night"))
SMALL = {"width": 4, "width_d": 4, "blocks": 1}
GUARDED = {**SMALL, "semantic": 1.0, "task": 1.0}


def test_guards_are_off_unless_asked_for_and_without_labels():
    plain = build("cyclegan", TASK, SMALL)
    assert not {"reader", "task"} & set(plain.networks) and "guard" not in plain.schedules
    guarded = build("cyclegan", TASK, GUARDED)
    assert {"reader", "task"} <= set(guarded.networks)
    assert guarded.generators == ("to_target",), "readers are not part of a generator"
    first, second = (Image(16, 16, 1, shows) for shows in ("day", "night"))
    fields = {"image": second, "source": first}
    bare = Task(fields, ("source",), ("image",), (("image",), ("source",)))
    assert set(build("cyclegan", bare, GUARDED).networks) == set(plain.networks)


def test_the_reader_learns_first_and_never_again():
    guarded = build("cyclegan", TASK, {**GUARDED, "reading": 0.25})
    windows = {phase.name: phase.window for phase in guarded.phases}
    assert windows["reader"] == (0.0, 0.25) and windows["task"] == (0.0, 1.0)
    guard = guarded.schedules["guard"]
    assert [guard.at(p) for p in (0, 0.25, 0.375, 0.5, 1)] == [0, 0, 0.5, 1, 1]
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 1), dtype=np.uint8)
    labels = np.arange(16) % 2
    shown = batches(TASK, pixels, labels, source=(255 - pixels, labels, np.arange(16)))
    run = Training(
        guarded, shown,
        plain_loop(images=32),
    )  # fmt: skip
    before, moved = weights(guarded), []
    for _ in range(8):
        run.step()
        after = weights(guarded)
        moved.append(not torch.equal(before, after))
        before = after
    assert moved == [True] * 2 + [False] * 6


def weights(algorithm):
    return torch.cat(
        [p.detach().flatten().clone() for p in algorithm.networks["reader"].parameters()]
    )


class Reads(torch.nn.Module):
    """Knows a label by the sign of the image's mean."""

    def forward(self, images):
        sign = (images.mean(dim=(1, 2, 3)) > 0).long()
        return 20.0 * one_hot(sign, 2).float()


def guards_of(translate):
    """The values of G's guards on images whose class is their sign, with this translator."""
    guarded = build("cyclegan", TASK, GUARDED)

    class Fixed(torch.nn.Module):
        def forward(self, images, labels):
            return translate(images)

    names = ("to_target", "to_source")
    networks = {**guarded.networks, **{name: Fixed() for name in names}}
    networks |= {"reader": Reads(), "task": Reads()}
    label = torch.tensor([0, 1, 1, 0])
    shown = (2.0 * label - 1)[:, None, None, None] * torch.rand(4, 1, 16, 16)
    given = {"image": shown, CONDITION: label, "source": shown, OF_SOURCE: label}
    tensors = Tensors(networks, guarded.tensors, given, {"guard": 1.0}, lambda x: x)
    terms = guarded.phases[0].terms
    return {
        name: float(term.formula(tensors)) for name, term in terms.items()
        if name.startswith(("semantic", "task", "cycle"))
    }  # fmt: skip


def test_a_translation_of_another_class_costs_and_one_of_its_own_does_not():
    kept = guards_of(lambda x: x)
    assert max(kept.values()) < 1e-6
    swapped = guards_of(lambda x: -x)
    # The look-alike that swaps the classes and back is whole to the cycles.
    assert swapped["cycle_source"] == swapped["cycle_target"] == 0
    assert min(swapped[n] for n in ("semantic", "semantic_back", "task")) > 10


def test_a_reader_says_the_same_of_an_image_in_any_batch():
    torch.manual_seed(0)
    reader = LabelReader(ImageSpec(96, 80, 3), 3, 8)
    images = torch.rand(5, 3, 96, 80)
    torch.testing.assert_close(reader(images)[2:3], reader(images[2:3]))
    assert reader(images).shape == (5, 3)


def test_classes_of_unequal_shares_are_told():
    even, odd = np.array([0, 1] * 20), np.array([0] * 30 + [1] * 10)
    assert uneven(("a", "b"), even, even) is None
    assert "class 'a' is 75% of the source's images and 50% of" in uneven(("a", "b"), even, odd)
