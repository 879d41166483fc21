"""What makes StarGAN itself (Choi et al. 2017), each shown to fail on a look-alike."""

import numpy as np
import pytest
import torch
from edited import FIELD, rows_of, seen
from loops import plain_loop
from torch import nn
from torch.nn.functional import instance_norm
from toy_world import toy_world

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build, find
from synthgen.algorithms.stargan import KEPT, others
from synthgen.losses.attributes import misread_attributes
from synthgen.networks.attribute_judge import AttributeJudge
from synthgen.networks.translation import ResNetTranslator
from synthgen.spec.errors import SynthgenError
from synthgen.spec.fields import Image
from synthgen.spec.image import ImageSpec, to_float, to_uint8
from synthgen.spec.task import Task, edits
from synthgen.spec.vectors import Attributes
from synthgen.training.batches import Stream, TaskBatches
from synthgen.training.loop import Training

SIDE = 16
SPEC = ImageSpec(SIDE, SIDE, 3)
TASK = edits(SPEC, FIELD)
SMALL = {"width": 6, "width_d": 12, "blocks": 1, "lr": 2e-3, "d_steps": 1}
TOY, FRESH = toy_world(128, SIDE), toy_world(48, SIDE, seed=1)
COLOR, GROUND = 0, 1


def training(task=TASK, **options):
    torch.manual_seed(0)
    columns = {"image": TOY.images, "attributes": rows_of(TOY)}
    batches = TaskBatches(task, [Stream(columns, np.arange(len(TOY)), 0)], flip=True)
    settings = plain_loop(images=1_000_000, batch_size=16)
    return Training(build("stargan", task, {**SMALL, **options}), batches, settings)


@pytest.fixture(scope="module")
def learnt():
    """StarGAN after some steps on the toy world."""
    run = training()
    for _ in range(160):
        run.step()
    return run.algorithm


def edited(network, rows, toy=FRESH):
    """Edits of scenes that are asked for stored rows of attributes, ``uint8``."""
    with torch.no_grad():
        vector = FIELD.tensor(torch.from_numpy(rows))
        return to_uint8(network(to_float(torch.from_numpy(toy.images)), vector)).numpy()


def changed(place, by=1):
    """What scenes have, but for one choice, which is the next one."""
    rows = rows_of(FRESH)
    rows[:, place] = (rows[:, place] + by) % len(FIELD.choices[FIELD.names[place]])
    return rows


def off(images):
    """Mean difference from the scenes, of 255."""
    return float(np.abs(images.astype(float) - FRESH.images).mean())


class Deaf(nn.Module):
    """The look-alike that hears nothing of what is asked for."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images, asked):
        return self.network(images, torch.zeros_like(asked))


def test_own_attributes_give_back_the_image_nearly(learnt):
    network = learnt.networks["G"].eval()
    own, other = (off(edited(network, rows)) for rows in (rows_of(FRESH), changed(COLOR)))
    assert own < 20 and own < 0.85 * other
    torch.manual_seed(0)
    fresh = ResNetTranslator(TASK, 8, 1)  # the look-alike has not learnt it
    assert off(edited(fresh, rows_of(FRESH))) > 2 * own


def shares(network, place):
    """Of edits of one attribute the shares that show what is asked for, and of which the other one
    stays."""
    rows = changed(place)
    found = seen(edited(network, rows), FRESH)
    return [float((found[at] == rows[:, at]).mean()) for at in (place, 1 - place)]


@pytest.mark.parametrize("place", [COLOR, GROUND])
def test_an_edit_changes_one_attribute_and_leaves_the_other(place, learnt):
    network = learnt.networks["G"].eval()
    asked, kept = shares(network, place)
    assert asked > 0.85 and kept > 0.8
    assert shares(Deaf(network), place)[0] < 0.5

    class Careless(nn.Module):
        """The look-alike that gives what another row of the batch is asked for."""

        def forward(self, images, asked):
            return network(images, asked.roll(1, dims=0))

    assert max(shares(Careless(), place)) < 0.7


def test_the_attributes_reach_the_image_through_the_norms():
    class Tiled(nn.Module):
        """The look-alike: the attributes as constant maps beside the image, as the paper has them,
        under reflected borders."""

        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3 + FIELD.entering, 8, 7, padding=3, padding_mode="reflect")
            self.to_image = nn.Conv2d(8, 3, 7, padding=3, padding_mode="reflect")

        def forward(self, images, asked):
            maps = asked[:, :, None, None].expand(-1, -1, *images.shape[2:])
            features = self.first(torch.cat([images, maps], dim=1))
            return torch.tanh(self.to_image(torch.relu(instance_norm(features))))

    torch.manual_seed(0)
    images = to_float(torch.from_numpy(FRESH.images[:4]))
    asked = [FIELD.tensor(torch.from_numpy(rows[:4])) for rows in (rows_of(FRESH), changed(0))]
    with torch.no_grad():
        told, deaf = (
            (network(images, asked[0]) - network(images, asked[1])).abs().max()
            for network in (ResNetTranslator(TASK, 8, 1), Tiled())
        )
    assert told > 1e-3 and deaf < 1e-5


def unknown(*places):
    rows = rows_of(TOY)[:16]
    rows[:, list(places)] = np.nan
    return torch.from_numpy(rows)


def test_what_is_not_known_takes_part_in_no_loss():
    torch.manual_seed(0)
    read = torch.randn(16, FIELD.entering, requires_grad=True)
    misread_attributes(FIELD, read, FIELD.tensor(unknown(GROUND, 3))).backward()
    at = np.cumsum([0, *FIELD.widths])
    assert read.grad[:, at[0] : at[1]].abs().sum() > 0
    assert read.grad[:, at[1] : at[2]].abs().sum() == 0 == read.grad[:, at[3] :].abs().sum()
    assert misread_attributes(FIELD, read, FIELD.tensor(unknown(0, 1, 2, 3))) == 0
    # The look-alike takes nothing for a no, and learns it.
    alike = FIELD.tensor(unknown(2).nan_to_num(0.0))
    read.grad = None
    misread_attributes(FIELD, read, alike).backward()
    assert read.grad[:, at[2] : at[3]].abs().sum() > 0


def test_rows_are_asked_for_what_other_rows_of_their_batch_have():
    rows = torch.from_numpy(rows_of(TOY)[:64])
    rows[:8, GROUND] = torch.nan
    own = FIELD.tensor(rows)
    torch.manual_seed(0)
    asked = others(own)
    at = np.cumsum([0, *FIELD.widths])
    ground = slice(at[1], at[2])
    assert torch.equal(asked[:8, ground], own[:8, ground]) and (own[:8, ground] == 0).all()
    assert ((asked[8:, ground] != 0).all(dim=1)).all(), "one that is known is never asked away"
    assert torch.equal(asked[KEPT - 1 :: KEPT], own[KEPT - 1 :: KEPT])
    assert (asked != own).any(dim=1).float().mean() > 0.7
    known = {tuple(row) for row in own[:, : at[1]].tolist()}
    assert {tuple(row) for row in asked[:, : at[1]].tolist()} <= known


def test_the_losses_are_the_papers():
    critic, generator = build("stargan", TASK, {}).phases
    assert {n: term.weight for n, term in critic.terms.items()} == {
        "wasserstein": 1.0, "penalty": 10.0, "attributes": 1.0
    }  # fmt: skip
    assert {n: term.weight for n, term in generator.terms.items()} == {
        "wasserstein": 1.0, "attributes": 1.0, "reconstruct": 10.0, "kept": 10.0 / KEPT
    }  # fmt: skip
    assert (critic.times, generator.times) == (5, 1)
    assert (critic.optimizer.lr, critic.optimizer.betas) == (1e-4, (0.5, 0.999))
    weighted = build("stargan", TASK, {"identity": 2.0}).phases[1].terms
    assert weighted["identity"].weight == 2.0


def test_kinds_of_attributes_are_read_by_their_own_losses():
    read = torch.zeros(1, FIELD.entering)
    asked = FIELD.tensor(torch.tensor([[1.0, 2.0, 1.0, 0.3]]))
    found = misread_attributes(FIELD, read, asked)
    expected = np.log(4) + np.log(3) + np.log(2) + 1.0
    assert float(found) == pytest.approx(expected, abs=1e-5)
    right = torch.where(asked[:, :8] > 0, 20.0, -20.0)
    right = torch.cat([right, asked[:, 8:]], dim=1)
    assert misread_attributes(FIELD, right, asked) < 1e-3


def test_identity_is_nought_for_the_image_itself_and_grows_with_the_change():
    term = build("stargan", TASK, {**SMALL, "identity": 1.0}).phases[1].terms["identity"].formula
    images = to_float(torch.from_numpy(FRESH.images[:4]))

    def of(fake):
        return float(term(Tensors({}, {}, {"image": images, "fake": fake}, {}, lambda x: x)))

    assert of(images) == 0 < of(images * 0.9) < of(images.roll(1, dims=0))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (28, 28), (30, 50), (64, 40)])
@pytest.mark.parametrize("channels", [1, 3])
def test_sides_need_not_be_powers_of_two(height, width, channels):
    task = edits(ImageSpec(height, width, channels), FIELD)
    algorithm = build("stargan", task, {"width": 4, "width_d": 4, "blocks": 1})
    given = {name: torch.rand(16, channels, height, width) * 2 - 1 for name in ("image", "source")}
    given["condition"] = FIELD.tensor(torch.from_numpy(rows_of(TOY)[:16]))
    t = Tensors(algorithm.networks, algorithm.tensors, given, {}, lambda x: x)
    for name in ("fake", "back", "edited"):
        assert t[name].shape == (16, channels, height, width) and t[name].dtype == torch.float32
    judge = algorithm.networks["D"]
    assert isinstance(judge, AttributeJudge) and t["real_logits"].shape == (16, judge.patches)
    for phase in algorithm.phases:
        assert all(term.formula(t).isfinite() for term in phase.terms.values())


def test_other_tasks_and_small_images_are_refused():
    with pytest.raises(SynthgenError, match="8 px and more"):
        build("stargan", edits(ImageSpec(4, 4, 3), FIELD), SMALL)
    with pytest.raises(SynthgenError, match="needs a field 'source'"):
        image = {"image": Image(16, 16, 3), "attributes": FIELD}
        build("stargan", Task(image, ("attributes",), ("image",), (tuple(image),)), SMALL)
    with pytest.raises(SynthgenError, match="'stargan' takes no index"):
        build("stargan", find("gan").takes.task(("a", "b"), SPEC), SMALL)
    aside = Attributes(("a",), aside=True)
    assert aside.enters == "none" and Attributes.from_json(aside.to_json()) == aside
