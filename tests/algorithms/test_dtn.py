"""What makes the domain transfer network itself (Taigman et al. 2016)."""

import numpy as np
import torch
from loops import plain_loop
from rows import batches
from torch import nn

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.dtn import FROM_SOURCE, FROM_TARGET, REAL, total_variation
from synthgen.algorithms.registry import build
from synthgen.networks.transfer import feature_distance, log_odds
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import two_kinds
from synthgen.training.augment import no_augmentation
from synthgen.training.loop import Training

TASK = two_kinds(("a", "b"), ImageSpec(16, 16, 3), ("photo", "emoji"))
SMALL = {"width": 4, "width_d": 4}
G, D = 0, 1


def given(count=3):
    torch.manual_seed(0)
    return {
        "image": torch.rand(count, 3, 16, 16), "condition": torch.zeros(count, dtype=torch.int64),
        "source": -torch.rand(count, 3, 16, 16),
        "condition/source": torch.ones(count, dtype=torch.int64),
    }  # fmt: skip


class Drawing(nn.Module):
    """A generator that is a function, with the features of the real one."""

    def __init__(self, real, function):
        super().__init__()
        self.real, self.function = real, function

    @property
    def f(self):
        return self.real.f

    def forward(self, images, labels):
        return self.function(images)


def terms(function, monkeypatch):
    """Values of G's terms where G is a function of images."""
    algorithm = build("dtn", TASK, SMALL)
    real = algorithm.networks["G"]
    monkeypatch.setattr("synthgen.algorithms.dtn.TransferGenerator", Drawing)  # it is looked for
    networks = {**algorithm.networks, "G": Drawing(real, function)}
    tensors = Tensors(networks, algorithm.tensors, given(), {}, no_augmentation)
    with torch.no_grad():
        found = algorithm.phases[G].terms
        values = {name: float(term.formula(tensors)) for name, term in found.items()}
    return values, {name: term.weight for name, term in found.items()}


def test_constancy_and_identity_are_nought_for_the_identity_and_not_for_another(monkeypatch):
    with monkeypatch.context() as patch:
        values, weights = terms(lambda x: x, patch)
    assert values["constancy"] == values["identity"] == 0
    assert weights["constancy"] == weights["identity"] == 15
    with monkeypatch.context() as patch:
        values, _ = terms(lambda x: x.flip(3), patch)
    assert values["constancy"] > 0.01 and values["identity"] > 0.05
    # |x| leaves targets, which are positive, alone: the identity asks nothing of sources.
    with monkeypatch.context() as patch:
        values, _ = terms(torch.abs, patch)
    assert values["identity"] == 0 and values["constancy"] > 0.01


def test_f_never_changes_while_all_else_does():
    algorithm = build("dtn", TASK, SMALL)
    generator = algorithm.networks["G"]
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    assert not list(generator.f.parameters()), "an optimiser would reach them"
    images = np.random.default_rng(0).integers(0, 255, (16, 16, 16, 3), dtype=np.uint8)
    labels = np.arange(16) % 2
    rows = batches(TASK, images, labels, source=(images[::-1].copy(), labels, np.arange(16)))
    training = Training(
        algorithm,
        rows,
        plain_loop(batch_size=8),
    )  # fmt: skip
    for _ in range(2):
        training.step()
    for network in (generator, training.averaged.networks["G"]):
        moved = {n for n, v in network.state_dict().items() if not torch.equal(v, before[n])}
        assert not [name for name in moved if name.startswith("f.")]
        assert any(name.startswith("start.") for name in moved)


def test_only_what_f_keeps_reaches_the_image():
    torch.manual_seed(0)
    network = build("dtn", TASK, SMALL).networks["G"]
    one, other = torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16)
    labels = torch.zeros(2, dtype=torch.int64)
    real, network.f = network.f, nn.Module()
    network.f.forward = lambda images: real(one)  # both have the features of one of them
    assert torch.equal(network(one, labels), network(other, labels))
    network.f = real
    assert not torch.equal(network(one, labels), network(other, labels))


def test_d_tells_three_kinds_apart_and_g_wants_both_taken_for_real():
    algorithm = build("dtn", TASK, SMALL)
    asked = {}

    class Kinds(type(algorithm.networks["D"])):
        def kinds(self, images, labels):
            return asked["answer"].expand(len(images), 3, 4)

    algorithm.networks["D"].__class__ = Kinds
    tensors = given()

    def values(kind):
        answer = torch.zeros(1, 3, 1)
        answer[0, kind] = 20.0
        asked["answer"] = answer
        t = Tensors(algorithm.networks, algorithm.tensors, tensors, {}, no_augmentation)
        with torch.no_grad():
            found = {**algorithm.phases[D].terms, **{
                f"G {n}": algorithm.phases[G].terms[n] for n in ("translated", "kept")
            }}  # fmt: skip
            return {n for n, term in found.items() if float(term.formula(t)) < 0.01}

    assert values(FROM_SOURCE) == {"source"}
    assert values(FROM_TARGET) == {"target"}
    assert values(REAL) == {"real", "G translated", "G kept"}


def test_the_judge_s_logit_is_the_odds_of_a_real_target():
    kinds = torch.tensor([[[0.2], [0.3], [0.5]]]).log()
    assert torch.allclose(log_odds(kinds), torch.zeros(1, 1), atol=1e-6)
    assert log_odds(torch.tensor([[[0.0], [5.0], [1.0]]])) < 0
    algorithm = build("dtn", TASK, SMALL)
    t = Tensors(algorithm.networks, algorithm.tensors, given(), {}, no_augmentation)
    for term in algorithm.phases[D].terms.values():
        term.formula(t)
    for name in ("real_logits", "fake_logits"):  # else no accuracy is logged, nothing watched
        assert t.known(name) is not None


def test_distances_and_variation():
    wanted = torch.randn(4, 5, 2, 2)
    assert feature_distance(wanted, wanted) == 0
    torch.testing.assert_close(
        feature_distance(torch.zeros_like(wanted), wanted), torch.tensor(1.0)
    )
    torch.testing.assert_close(
        feature_distance(0.2 * wanted, 0.1 * wanted), feature_distance(2 * wanted, wanted)
    )
    flat, steep = torch.zeros(1, 1, 8, 8), torch.eye(8)[None, None]
    assert total_variation(flat) < 1e-3 < total_variation(steep)
