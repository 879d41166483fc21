"""What makes CoGAN itself (Liu & Tuzel 2016): what is shared, and what is not."""

import copy

import torch

from synthgen.algorithms.contract import Tensors
from synthgen.algorithms.registry import build
from synthgen.spec.image import ImageSpec
from synthgen.spec.task import two_kinds

TASK = two_kinds(("a", "b"), ImageSpec(16, 16, 1), ("day", "night"), given=False)


def built():
    torch.manual_seed(0)
    return build("cogan", TASK, {"width": 4})


def is_coupled(nets):
    """Whether trunks are the same objects and heads are not."""

    def shared(kind, part):
        sets = [
            {id(p) for p in getattr(nets[f"{kind}_{domain}"], part).parameters()}
            for domain in ("target", "source")
        ]
        return sets[0] == sets[1], not sets[0] & sets[1]

    return all(shared(kind, "trunk")[0] and shared(kind, "head")[1] for kind in "GD")


def test_shared_layers_are_the_same_objects_and_heads_are_not():
    nets = built().networks
    assert is_coupled(nets)
    # Look-alikes: equal copies of the trunk, and one head for both.
    assert not is_coupled({**nets, "G_source": copy.deepcopy(nets["G_source"])})
    nets["D_source"].head = nets["D_target"].head
    assert not is_coupled(nets)


def reached(algorithm, phase, term):
    """Parts of the generators (or discriminators) that one term's gradient reaches."""
    given = {
        "image": torch.rand(4, 1, 16, 16), "condition": torch.tensor([0, 1, 0, 1]),
        "source": torch.rand(4, 1, 16, 16), "condition/source": torch.tensor([1, 1, 0, 0]),
        "z": torch.randn(4, 100),
    }  # fmt: skip
    tensors = Tensors(algorithm.networks, algorithm.tensors, given, {}, lambda x: x)
    for network in algorithm.networks.values():
        network.zero_grad()
    next(p for p in algorithm.phases if p.name == phase).terms[term].formula(tensors).backward()
    nets = algorithm.networks

    def touched(module):
        return any(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())

    parts = {"trunk": nets[f"{phase}_target"].trunk}
    parts |= {domain: nets[f"{phase}_{domain}"].head for domain in ("target", "source")}
    return {name for name, module in parts.items() if touched(module)}


def test_a_domains_loss_reaches_the_trunk_and_its_own_head_only():
    algorithm = built()
    for phase in "GD":
        assert reached(algorithm, phase, "target") == {"trunk", "target"}
        assert reached(algorithm, phase, "source") == {"trunk", "source"}


def test_one_latent_makes_both_images_of_a_pair():
    algorithm = built()
    for network in algorithm.networks.values():
        network.eval()

    def pair(z):
        given = {"z": z, "condition": torch.tensor([0])}
        tensors = Tensors(algorithm.networks, algorithm.tensors, given, {}, lambda x: x)
        return {column: tensors[name] for column, name in algorithm.samples.items()}

    first, second = pair(torch.randn(1, 100)), pair(torch.randn(1, 100))
    assert set(first) == {"image", "source"}
    for column in first:
        assert not torch.equal(first[column], second[column])
    assert not torch.equal(first["image"], first["source"])
