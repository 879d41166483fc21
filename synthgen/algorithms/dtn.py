"""Domain transfer network: Taigman et al. 2016, arXiv:1611.02200.

An image of one look drawn anew in another, from two sets of images without pairs. The generator is
g(f(x)): f is a given function whose answer must stay the same, and only what f keeps of an image
can reach the new one. Five losses, equations 3 to 8: D tells translated sources, translated targets
and real targets apart, G wants both translations taken for real; f of a translated source stays
that of the source (f-constancy), a target stays as it is (identity), and the image is smooth (total
variation).

The paper's f is a face recogniser or a classifier of digits of its own; here it is a part of
EfficientNet-lite0, whose weights come with a package, and its distance is measured as a share of
the features' mean square. The paper has no labels: where there are any, they travel with the image,
and the norms of g and the target's side of D see them.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss, softplus

from synthgen.algorithms.contract import Adam, Algorithm, Phase, Schedule, Tensors, Term
from synthgen.algorithms.registry import Takes, algorithm
from synthgen.features.frozen import CHANNELS, FrozenFeatures
from synthgen.networks.transfer import (
    TernaryDiscriminator,
    TransferGenerator,
    feature_distance,
    log_odds,
)
from synthgen.networks.translation import patch_layers
from synthgen.spec.settings.base import Settings
from synthgen.spec.task import CONDITION, CONDITIONS, Task, in_stream

OF_SOURCE = in_stream(CONDITION, "source")
"""The condition of the source's row."""
FROM_SOURCE, FROM_TARGET, REAL = range(3)
"""Kinds that D tells apart."""


class DtnOptions(Settings):
    width: int = Field(32, ge=4, le=256, description="Channels of G's last layer.")
    width_d: int = Field(64, ge=4, le=512, description="Channels of the D's first layer.")
    constancy: float = Field(15.0, ge=0, description="Weight of the f-constancy.")
    identity: float = Field(15.0, ge=0, description="Weight of the identity of targets.")
    smooth: float = Field(0.05, ge=0, description="Weight of the total variation.")
    lr: float = Field(2e-4, gt=0, le=1, description="Adam's learning rate of both networks.")


TAKES = Takes(given=(*CONDITIONS, "map"), streams=2)


@algorithm("dtn", DtnOptions, "DTN", 2016, "arXiv:1611.02200", TAKES)
def dtn(task: Task, options: DtnOptions) -> Algorithm:
    """For images drawn anew in another look, as photographs to emoji; no pairs needed."""
    layers = patch_layers(max(task.image.height, task.image.width))
    adam = Adam(options.lr, betas=(0.5, 0.999))
    return Algorithm(
        networks={
            "G": TransferGenerator(task, options.width, FrozenFeatures(), CHANNELS),
            "D": TernaryDiscriminator(task, options.width_d, layers),
        },
        latents={},
        tensors={  # all images float [N, C, H, W], kinds float32 [N, 3, patches]
            "translated": lambda t: t.call("G", t["source"], t[OF_SOURCE]),
            "kept": lambda t: t.call("G", t["image"], t[CONDITION]),
            "kinds_translated": lambda t: _kinds(t, "translated", OF_SOURCE),
            "kinds_kept": lambda t: _kinds(t, "kept", CONDITION),
            "kinds_real": lambda t: _kinds(t, "image", CONDITION),
            "real_logits": lambda t: log_odds(t["kinds_real"]),
            "fake_logits": lambda t: log_odds(t["kinds_translated"]),
        },
        phases=(
            Phase(
                "G",
                trains=("G",),
                terms={
                    "translated": Term(1.0, lambda t: _taken_for(t["kinds_translated"], REAL)),
                    "kept": Term(1.0, lambda t: _taken_for(t["kinds_kept"], REAL)),
                    "constancy": Term(options.constancy, _constancy),
                    "identity": Term(options.identity, lambda t: mse_loss(t["kept"], t["image"])),
                    "smooth": Term(options.smooth, lambda t: total_variation(t["translated"])),
                },
                optimizer=adam,
                hands_on=("translated", "kept"),
            ),
            Phase(
                "D",
                trains=("D",),
                terms={
                    "source": Term(1.0, _source_known),
                    "target": Term(1.0, lambda t: _taken_for(t["kinds_kept"], FROM_TARGET)),
                    "real": Term(1.0, lambda t: softplus(-t["real_logits"]).mean()),
                },
                optimizer=adam,
            ),
        ),
        samples={"image": "translated", "source": "source"},
        schedules={"lr": Schedule(1.0, 0.0, start=0.5)},
        inputs=("source",),
    )


def _kinds(t: Tensors, images: str, under: str) -> Tensor:
    network = t.networks["D"]
    assert isinstance(network, TernaryDiscriminator)
    return network.kinds(t.augment(t[images]), t[under])


def _taken_for(kinds: Tensor, kind: int) -> Tensor:
    """Cross-entropy of D's answers with one kind, mean over images and patches: a scalar."""
    truth = torch.full(kinds.shape[::2], kind, dtype=torch.int64, device=kinds.device)
    return cross_entropy(kinds, truth)


def _source_known(t: Tensors) -> Tensor:
    """Cross-entropy of D's answers on translated sources with their kind, a scalar; their log-odds
    are computed beside it, for how often D is right is logged by them."""
    assert t["fake_logits"] is not None
    return _taken_for(t["kinds_translated"], FROM_SOURCE)


def _constancy(t: Tensors) -> Tensor:
    """How far f of the translated sources is from f of the sources (equation 5): a scalar."""
    network = t.networks["G"]
    assert isinstance(network, TransferGenerator)
    with torch.no_grad():
        wanted = network.f(t["source"])
    return feature_distance(network.f(t["translated"]), wanted)


def total_variation(images: Tensor) -> Tensor:
    """Mean length of the step from a pixel to its neighbours below and to the right, of
    ``float [N, C, H, W]`` (equation 7 with B = 1): a scalar."""
    down = (images[:, :, 1:, :-1] - images[:, :, :-1, :-1]).square()
    right = (images[:, :, :-1, 1:] - images[:, :, :-1, :-1]).square()
    return (down + right + 1e-8).sqrt().mean()
